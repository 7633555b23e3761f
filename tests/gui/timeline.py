"""The timeline: a file that changed and was deleted is found on any way, and comes back."""

import os
from pathlib import Path

from driver import Atspi, place_in_window, run, wait_for
from steps import PASSWORD, back_up, choose_target, set_up, start_restoring

FIRST = "Dear Mr Holm,\n"
SECOND = "Dear Mr Holm,\n\nthank you for your offer.\n"


def five_dates(stage):
    """A letter appears, changes, and is deleted."""
    stage.write("Documents/diary.txt", "The house is bought.\n")
    app = stage.start()
    set_up(app, stage.place)
    back_up(app)
    letter = stage.write("Documents/letter.txt", FIRST)
    back_up(app)
    letter.write_text(SECOND)
    back_up(app)
    stage.write("Documents/diary.txt", "The roof is done.\n")
    back_up(app)
    letter.unlink()
    back_up(app)
    app.resize(1100, 740)
    app.do("win.restore")
    app.see("Nothing selected")
    app.open_item("Documents")
    app.see("diary.txt")
    app.see_no("letter.txt")
    return app, letter


def date_of(app):
    """What the time bar says."""
    return wait_for("the time bar", lambda: app.named("Date", lambda node: node.get_role_name() == "slider"))


def backup_number(app):
    return date_of(app).get_value_iface().get_current_value()


def scrub(app, *keys):
    """Moves the time bar by keys."""
    if app.focused() != "Date":
        app.tab_to("Date", key="shift+Tab")
    app.keys(*keys)


def test_a_deleted_file_is_found_by_going_back_in_time(stage):
    app, letter = five_dates(stage)
    assert backup_number(app) == 5
    scrub(app, "Left")
    app.see("letter.txt")
    scrub(app, "Home")
    app.see_no("letter.txt")
    # The next date on which this folder changed.
    scrub(app, "ctrl+Right")
    app.see("letter.txt")
    assert backup_number(app) == 2
    app.open_row("letter.txt")
    app.see("2 Versions")
    scrub(app, "End", "Left")
    wait_for("the selection is kept", lambda: app.sees("“letter.txt” selected"))
    start_restoring(app)
    app.press("Restore")
    wait_for("the letter is back", letter.exists)
    assert letter.read_text() == SECOND
    app.quit()


def test_a_deleted_file_is_found_by_searching_all_dates(stage):
    app, letter = five_dates(stage)
    app.keys("ctrl+f")
    app.fill("Search", "LETT")
    app.see("1 result")
    scrub(app, "Home")
    said = Atspi.Value.get_text(date_of(app))
    assert "no changes in what was found" in said, said
    scrub(app, "ctrl+Right")
    wait_for("the first date that has it", lambda: backup_number(app) == 2)
    scrub(app, "End")
    app.open_row("letter.txt")
    wait_for("the date that has it last", lambda: backup_number(app) == 4)
    app.see("2 Versions")
    app.check_names()
    app.picture("timeline-search")
    start_restoring(app)
    app.press("Restore")
    wait_for("the letter is back", letter.exists)
    assert letter.read_text() == SECOND
    app.quit()


def test_a_deleted_file_is_found_among_deleted_items(stage):
    app, letter = five_dates(stage)
    app.press("Deleted Items")
    app.see("Deleted after")
    app.open_row("letter.txt")
    app.see("2 Versions")
    start_restoring(app)
    app.press("Restore")
    app.see("Restored “letter.txt”")
    assert letter.read_text() == SECOND
    app.press("Undo")
    wait_for("what was restored is gone again", lambda: not letter.exists())
    app.quit()


def test_items_deleted_at_several_dates_come_back_together(stage):
    stage.write("Documents/diary.txt", "The house is bought.\n")
    note = stage.write("Documents/note.txt", "Milk.\n")
    app = stage.start()
    set_up(app, stage.place)
    back_up(app)
    note.write_text("Milk and bread.\n")
    letter = stage.write("Documents/letter.txt", FIRST)
    back_up(app)
    note.unlink()
    letter.write_text(SECOND)
    back_up(app)
    letter.unlink()
    back_up(app)
    app.do("win.restore")
    # What is in the folder at that date.
    app.see("1 item")
    app.open_item("Documents")
    app.press("Deleted Items")
    app.open_row("letter.txt")
    app.keys("ctrl+a")
    app.see("3 items selected")
    app.press("Restore…")
    app.see("Each as of its own date")
    app.see("2 files are created")
    app.see("1 file is kept as it is")
    app.picture("restore-plan-dates")
    app.press("Restore")
    app.see("Restored 2 items")
    assert (letter.read_text(), note.read_text()) == (SECOND, "Milk and bread.\n")
    app.press("Undo")
    app.see("Undone")
    assert not letter.exists() and not note.exists()
    app.quit()


def test_both_are_kept_and_the_older_one_gets_its_date(stage):
    app, letter = five_dates(stage)
    letter.write_text("Dear Mrs Holm,\n")
    scrub(app, "Left")
    app.open_row("letter.txt")
    start_restoring(app)
    app.open_row("Keep Both")
    app.see("1 file comes beside the present one")
    app.press("Restore")
    app.see("Restored “")
    assert letter.read_text() == "Dear Mrs Holm,\n"
    others = [path.read_text() for path in letter.parent.glob("letter*") if path != letter]
    assert others == [SECOND]
    app.press("Undo")
    wait_for("one letter is left", lambda: len(list(letter.parent.glob("letter*"))) == 1)
    assert letter.read_text() == "Dear Mrs Holm,\n"
    app.quit()


def test_a_file_is_replaced_and_the_replaced_one_comes_back_by_undo(stage):
    app, letter = five_dates(stage)
    letter.write_text("Dear Mrs Holm,\n")
    scrub(app, "Left")
    app.open_row("letter.txt")
    start_restoring(app)
    app.open_row("Replace It")
    app.see("1 file is replaced")
    app.press("Restore")
    app.see("Restored “")
    assert letter.read_text() == SECOND
    app.press("Undo")
    wait_for("the letter is as it was", lambda: letter.read_text() == "Dear Mrs Holm,\n")
    app.quit()


def test_an_old_version_comes_back_elsewhere(stage):
    elsewhere = stage.home.parent / "Elsewhere"
    elsewhere.mkdir()
    app, letter = five_dates(stage)
    scrub(app, "Left")
    app.open_row("letter.txt")
    app.see("2 Versions")
    scrub(app, "Left", "Left")
    start_restoring(app)
    choose_target(app, elsewhere)
    app.press("Restore")
    app.see("Restored “letter.txt”")
    assert (elsewhere / "letter.txt").read_text() == FIRST
    assert not letter.exists()
    app.quit()


def test_the_pointer_learns_how_much_a_date_has(stage):
    app, _ = five_dates(stage)
    left, top, _, _ = app.geometry()
    x, y, width, height = place_in_window(date_of(app))
    # The marks are in the middle, twelve pixels apart: two dates earlier.
    run("xdotool", "mousemove", str(left + x + width // 2), str(top + y + height // 2))
    app.picture("timeline-hovered")
    app.quit()


def test_versions_of_a_text_are_compared(stage):
    app, letter = five_dates(stage)
    scrub(app, "Left")
    app.open_row("letter.txt")
    app.press("Compare…")
    app.see("Nothing to Compare")
    letter.write_text(FIRST)
    app.leave("Nothing to Compare")
    app.press("Compare…")
    wait_for("what was taken away is marked", lambda: "− thank you for your offer." in differences(app))
    app.check_names()
    app.picture("timeline-compare")
    app.quit()


def test_an_old_version_is_opened_in_a_copy_that_is_only_to_be_read(stage):
    opened = stage.home.parent / "opened"
    stage.write(
        ".local/share/applications/reader.desktop",
        f"[Desktop Entry]\nType=Application\nName=Reader\nExec=cp -p %f {opened}\nMimeType=text/plain;\n",
    )
    stage.write(".config/mimeapps.list", "[Default Applications]\ntext/plain=reader.desktop\n")
    app, letter = five_dates(stage)
    scrub(app, "Left")
    app.open_row("letter.txt")
    app.press("Open a Copy")
    wait_for("the program has it", opened.exists)
    wait_for("it is whole", lambda: opened.read_text() == SECOND)
    assert opened.stat().st_mode & 0o777 == 0o400
    assert not letter.exists()
    app.quit()


def differences(app):
    node = app.named("Differences", lambda node: node.get_text_iface() is not None)
    return Atspi.Text.get_text(node.get_text_iface(), 0, -1) if node else ""


def test_a_file_manager_opens_the_history_of_a_file(stage):
    app, letter = five_dates(stage)
    app.quit()
    app = stage.start("--show-history", str(letter))
    app.see("“letter.txt” selected")
    app.see("2 Versions")
    app.quit()
    app = stage.start("--restore-missing", str(letter.parent))
    app.see("Deleted after")
    app.quit()


def test_what_duplicity_3_wrote_is_restored_from_the_welcome_page(stage):
    restore_from_welcome(stage, "3.2.1")


def test_what_duplicity_0_8_wrote_is_restored_from_the_welcome_page(stage):
    restore_from_welcome(stage, "0.8.22")


def restore_from_welcome(stage, version):
    """The home of somebody else, saved by another program, comes back into this one."""
    app = stage.start()
    app.press("Restore From a Backup")
    app.fill("Address", str(Path(os.environ["HINDSIGHT_PICTURES"]) / "dated" / version / "Red Disk"))
    app.press("Open")
    app.see("Password Needed")
    app.fill("Password", PASSWORD)
    app.press("Continue")
    app.resize(1100, 740)
    app.see("Nothing selected")
    wait_for("all dates are there", lambda: date_of(app).get_value_iface().get_maximum_value() == 5)
    for folder in ("home", "grace", "Documents"):
        app.see(folder)
        app.open_item(folder)
    app.see("diary.txt")
    app.see_no("letter.txt")
    scrub(app, "Left")
    app.open_row("letter.txt")
    app.see("2 Versions")
    start_restoring(app)
    app.see("/home/grace")
    app.picture(f"timeline-other-home-{version}")
    app.press("Restore")
    letter = stage.home / "Documents/letter.txt"
    wait_for("the letter is in this home", letter.exists)
    assert letter.read_text() == SECOND
    app.quit()


def test_the_timeline_in_light(stage):
    show_house(stage, "light")


def test_the_timeline_in_dark(stage):
    show_house(stage, "dark", ADW_DEBUG_COLOR_SCHEME="prefer-dark")


def show_house(stage, scheme, **environment):
    """Pictures fit to be shown: a year of a house."""
    app = stage.start(**environment)
    app.press("Restore From a Backup")
    app.fill("Address", str(Path(os.environ["HINDSIGHT_PICTURES"]) / "dated" / "house" / "Red Disk"))
    app.press("Open")
    app.fill("Password", PASSWORD)
    app.press("Continue")
    app.resize(1600, 900)
    for folder in ("home", "grace", "Pictures", "Summer House"):
        app.see(folder)
        app.open_item(folder)
    app.see("Land Register.pdf")
    app.press("Deleted Items")
    app.see("Old Kitchen")
    app.open_row("Boathouse at Dusk.jpg")
    app.see("3 Versions")
    scrub(app, *["Left"] * 30)
    for width, height in ((1600, 900), (900, 700), (360, 760)):
        app.resize(width, height)
        app.check_names()
        app.picture(f"{scheme}/timeline-{width}")
    app.open_item("Boathouse at Dusk.jpg")
    app.see("3 Versions")
    app.check_names()
    app.picture(f"{scheme}/timeline-360-versions")
    app.quit()
