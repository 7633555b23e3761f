"""Files come back: where they were, or where somebody wants them."""

import os
import shutil
import signal

from driver import is_menu_item, run, wait_for
from steps import PASSWORD, back_up, choose_target, set_up, set_up_and_back_up, start_restoring

LETTER = "Dear Ada,\n\nthe machine runs.\n"


def back_up_a_letter(stage):
    """The app, and where the letter is."""
    stage.sample()
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    return app, stage.home / "Documents/letter.txt"


def open_documents(stage, app):
    app.do("win.restore")
    app.see("Nothing selected")
    app.open_item("Documents")
    app.see("letter.txt")
    app.open_row("letter.txt")
    app.see_no("Nothing selected")


def test_a_file_comes_back_into_a_chosen_folder(stage):
    stage.sample()
    elsewhere = stage.home.parent / "Elsewhere"
    elsewhere.mkdir()
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    open_documents(stage, app)
    start_restoring(app)
    choose_target(app, elsewhere)
    app.see("1 file is created")
    app.press("Restore")
    app.see("Restored “letter.txt”")
    assert (elsewhere / "letter.txt").read_text() == LETTER
    app.quit()


def test_a_deleted_file_comes_back_where_it_was_and_goes_again(stage):
    app, letter = back_up_a_letter(stage)
    letter.unlink()
    open_documents(stage, app)
    start_restoring(app)
    app.see("1 file is created")
    app.see("Home / Documents")
    app.picture("restore-plan")
    app.check_names()
    app.press("Restore")
    app.see("Restored “letter.txt”")
    app.picture("restore-undo")
    assert letter.read_text() == LETTER
    app.press("Undo")
    app.see("Undone")
    assert not letter.exists()
    app.quit()


def test_what_exists_is_kept_unless_somebody_says_otherwise(stage):
    app, letter = back_up_a_letter(stage)
    letter.write_text("Dear Charles,\n")
    open_documents(stage, app)
    start_restoring(app)
    app.see("Nothing is missing")
    app.open_row("Keep Both")
    app.see("1 file comes beside the present one")
    app.press("Restore")
    app.see("Restored “letter.txt”")
    assert letter.read_text() == "Dear Charles,\n"
    others = [path for path in letter.parent.glob("letter*") if path != letter]
    assert [path.read_text() for path in others] == [LETTER]
    app.quit()


def test_what_is_replaced_comes_back_by_undo(stage):
    app, letter = back_up_a_letter(stage)
    letter.write_text("Dear Charles,\n")
    open_documents(stage, app)
    start_restoring(app)
    app.open_row("Replace It")
    app.see("1 file is replaced")
    app.press("Restore")
    app.see("Restored “letter.txt”")
    assert letter.read_text() == LETTER
    app.press("Undo")
    app.see("Undone")
    assert letter.read_text() == "Dear Charles,\n"
    assert not list(stage.home.glob(".hindsight-replaced-*"))
    app.quit()


def test_a_restore_that_was_stopped_says_how_far_it_came_and_can_be_undone(stage):
    films = [stage.write(f"Pictures/film-{number:02}.raw", os.urandom(12_000_000)) for number in range(16)]
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    shutil.rmtree(films[0].parent)
    app.do("win.restore")
    app.open_item("Pictures")
    app.see("film-00.raw")
    app.press("Restore Folder…")
    app.see("16 files and 1 folder are created")
    app.press("Restore")
    wait_for("the first film is back", lambda: any(film.exists() for film in films))
    # It does not get any further while the key is pressed.
    os.kill(app.pid(), signal.SIGSTOP)
    run("xdotool", "key", "ctrl+period")
    os.kill(app.pid(), signal.SIGCONT)
    app.see("Stopped after ")
    restored = sum(film.exists() for film in films)
    assert 0 < restored < len(films), f"{restored} films are back"
    items = "1 item was" if restored == 1 else f"{restored} items were"
    app.see(f"Stopped after {items} restored")
    app.picture("restore-stopped")
    app.press("Undo")
    app.see("Undone")
    assert not films[0].parent.exists()
    app.quit()


def test_the_last_restore_can_be_undone_after_another_start(stage):
    app, letter = back_up_a_letter(stage)
    letter.unlink()
    open_documents(stage, app)
    start_restoring(app)
    app.press("Restore")
    wait_for("the letter is back", letter.exists)
    app.see("Restored “letter.txt”")
    app.quit()
    app = stage.start()
    app.see("Your Files Are Safe")
    app.press("Main Menu")
    wait_for("the menu has the keyboard", lambda: app.focused_node(is_menu_item))
    app.picture("menu-with-undo")
    app.keys("Escape")
    app.do("win.undo-restore")
    app.see("Undo the Last Restore?")
    app.see("1 file that was restored goes again.")
    app.picture("restore-undo-later")
    app.check_names()
    app.press("Undo")
    app.see("Undone")
    assert not letter.exists()
    app.quit()


def test_what_cannot_be_written_is_told_beforehand(stage):
    app, letter = back_up_a_letter(stage)
    letter.unlink()
    letter.parent.chmod(0o555)
    try:
        open_documents(stage, app)
        start_restoring(app)
        app.see("1 item cannot be written")
        app.see("You may not write to “Documents”")
        assert not app.can_press("Restore"), "nothing at all can be written there"
        app.picture("restore-plan-warning")
        app.press("Cancel")
    finally:
        letter.parent.chmod(0o755)
    app.quit()


def test_backups_are_found_by_somebody_without_a_plan(stage):
    stage.sample()
    app = stage.start()
    leave_backups_without_a_plan(app, stage.place)
    app.press("Restore From a Backup")
    app.see("Where are the backups?")
    app.picture("restoring-finder")
    app.check_names()
    assert not app.can_press("Open"), "without a place there is nothing to open"
    app.fill("Address", str(stage.place))
    app.press("Open")
    app.see("Password Needed")
    app.fill("Password", PASSWORD)
    app.press("Continue")
    app.see("Everything")
    wait_for("the folders above home are listed", lambda: app.sees(stage.home.parts[1]))
    app.quit()


def test_files_come_back_from_backups_found_by_somebody_without_a_plan(stage):
    stage.sample()
    elsewhere = stage.home.parent / "Elsewhere"
    elsewhere.mkdir()
    app = stage.start()
    leave_backups_without_a_plan(app, stage.place, password=None)
    app.press("Restore From a Backup")
    app.fill("Address", str(stage.place))
    app.press("Open")
    for name in (*stage.home.parts[1:], "Documents"):
        app.open_item(name)
    app.open_row("letter.txt")
    start_restoring(app)
    choose_target(app, elsewhere)
    app.see("1 file is created")
    app.press("Restore")
    app.see("Restored “letter.txt”")
    assert (elsewhere / "letter.txt").read_text() == LETTER
    app.quit()


def leave_backups_without_a_plan(app, place, password=PASSWORD):
    set_up(app, place, password=password, remember=False)
    back_up(app)
    app.do("win.preferences")
    app.press("Security")
    app.press("Delete Plan, Keep Its Backups…")
    app.press("Delete Plan")
