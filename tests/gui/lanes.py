"""Whoever wants a file back does not wait for a running backup."""

import sqlite3
from contextlib import closing

from driver import act, can_be_pressed, place_in_window, wait_for
from steps import choose_target, set_up_and_back_up, start_restoring, write_films

LETTER = "Dear Ada,\n\nthe machine runs.\n"
BACKING_UP = "Backing up to Red Disk"
RESTORING = "Restoring from Red Disk"


def complete_backups(stage):
    return len(list(stage.place.rglob("*.manifest.gpg")))


def begin_a_long_backup(stage, app):
    before = stored_volumes(stage)
    app.do("win.backup")
    wait_for("something is stored", lambda: stored_volumes(stage) > before, within=60)


def stored_volumes(stage):
    return len(list(stage.place.rglob("*.difftar.gpg")))


def open_home_as_it_was(app, item):
    app.do("win.restore")
    app.see("Nothing selected")
    app.see(item)


def both_run(stage):
    """A backup, and a restore of much from an earlier one."""
    elsewhere = stage.home.parent / "Elsewhere"
    elsewhere.mkdir()
    write_films(stage, "Pictures", 24)
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    open_home_as_it_was(app, "Pictures")
    app.open_row("Pictures")
    start_restoring(app)
    choose_target(app, elsewhere)
    app.see("are created")
    write_films(stage, "Films", 70)
    begin_a_long_backup(stage, app)
    app.press("Restore")
    app.see(RESTORING)
    app.see(BACKING_UP)
    return app


def press_stop_of(app, title):
    """Each bar has such a button: the one that stands nearest to that bar's title."""
    def middle(node):
        _, top, _, height = place_in_window(node)
        return top + height // 2

    def stop():
        label = app.named(title, lambda node: True)
        buttons = [node for node in app.nodes() if node.get_name() == "Stop" and can_be_pressed(node)]
        return label and buttons and min(buttons, key=lambda node: abs(middle(node) - middle(label)))

    act(wait_for(f"the button that stops “{title}”", stop))


def last_outcome(app):
    """What the ledger has of the last run."""
    with closing(sqlite3.connect(app.stage.home / ".local/state/hindsight/runs.sqlite")) as connection:
        return connection.execute("SELECT outcome FROM runs ORDER BY id DESC").fetchone()[0]


def test_a_file_comes_back_while_a_backup_runs(stage):
    letter = stage.write("Documents/letter.txt", LETTER)
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    letter.unlink()
    write_films(stage, "Films", 50)
    begin_a_long_backup(stage, app)
    open_home_as_it_was(app, "Documents")
    app.open_item("Documents")
    app.open_row("letter.txt")
    start_restoring(app)
    app.see("1 file is created")
    app.press("Restore")
    app.see("Restored “letter.txt”")
    assert letter.read_text() == LETTER
    assert app.sees(BACKING_UP) and complete_backups(stage) == 1, "the backup still runs"
    app.picture("lanes-restored")
    app.check_names()
    wait_for("the backup is complete", lambda: complete_backups(stage) == 2, within=120)
    app.see_no(BACKING_UP)
    app.quit()


def test_a_restore_is_stopped_and_the_backup_beside_it_goes_on(stage):  # alone
    app = both_run(stage)
    app.picture("lanes-both")
    press_stop_of(app, RESTORING)
    app.see_no(RESTORING)
    assert app.sees(BACKING_UP) and complete_backups(stage) == 1, "the backup still runs"
    app.picture("lanes-one-stopped")
    wait_for("the backup is complete", lambda: complete_backups(stage) == 2, within=120)
    app.see_no(BACKING_UP)
    app.quit()


def test_quitting_stops_both(stage):  # alone
    app = both_run(stage)
    app.quit()
    assert last_outcome(app) == '"stopped"'
    assert len(list(stage.home.parent.glob("Elsewhere/Pictures/*"))) < 40
