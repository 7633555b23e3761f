"""What is stored can be checked, the place tested, and a plan ended."""

import json

from driver import is_menu_item, wait_for
from steps import back_up, set_up_and_back_up


def plans(stage):
    return json.loads((stage.home / ".config/hindsight/settings.json").read_text())["plans"]


def backups(stage):
    return list(stage.place.rglob("duplicity-*"))


def test_the_backups_are_checked_from_the_menu(stage):
    stage.sample()
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    app.press("Main Menu")
    # GTK 4.18 tells no names of a menu's items: the first one has the keyboard.
    wait_for("the menu has the keyboard", lambda: app.focused_node(is_menu_item))
    app.keys("Return")
    app.see("read back, all intact")
    app.picture("upkeep-checked")
    app.quit()


def test_a_damaged_backup_is_found_by_the_check(stage):
    stage.sample()
    app = stage.start()
    set_up_and_back_up(app, stage.place, password=None)
    volume = next(stage.place.rglob("*.difftar.gz"))
    content = bytearray(volume.read_bytes())
    content[len(content) // 2] ^= 255
    volume.write_bytes(content)
    app.do("win.verify")
    wait_for("it is said", lambda: app.sees("not as they were saved") or app.sees("not as it was saved") or app.can_press("Close"))
    app.picture("upkeep-damaged")
    app.check_names()
    assert not app.sees("all intact")
    app.quit()


def test_files_are_compared_with_the_backups(stage):
    stage.sample()
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    stage.write("Documents/letter.txt", "Dear Charles,\n")
    app.do("win.compare")
    wait_for("the difference is said", lambda: app.sees("letter.txt"))
    app.picture("upkeep-compared")
    app.quit()


def test_the_place_is_tested(stage):
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    app.do("win.preferences")
    app.press("Place")
    app.press("Test Place")
    app.see("All is well")
    app.quit()


def test_a_place_that_cannot_be_written_fails_its_test(stage):
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    stage.place.chmod(0o500)
    app.do("win.preferences")
    app.press("Place")
    app.press("Test Place")
    app.see("Backups cannot be kept here")
    app.picture("upkeep-test-failed")
    app.check_names()
    stage.place.chmod(0o700)
    app.quit()


def test_a_deleted_plan_can_leave_its_backups(stage):
    stage.sample()
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    stored = backups(stage)
    app.do("win.preferences")
    app.press("Security")
    app.press("Delete Plan, Keep Its Backups…")
    app.see("Delete the Plan?")
    app.picture("upkeep-delete-plan")
    app.press("Cancel")
    app.see_no("Delete the Plan?")
    assert plans(stage), "nothing is deleted without a yes"
    app.press("Delete Plan, Keep Its Backups…")
    app.press("Delete Plan")
    app.see("Create My First Backup")
    assert plans(stage) == [] and backups(stage) == stored
    app.quit()


def test_a_deleted_plan_can_take_its_backups_along(stage):
    stage.sample()
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    (stage.place / "other.txt").write_text("not ours\n")
    app.do("win.preferences")
    app.press("Security")
    app.press("Delete Plan and Its Backups…")
    app.see("Delete the Backups?")
    app.press("Delete Backups")
    app.see("Create My First Backup")
    wait_for("the plan is gone", lambda: plans(stage) == [])
    assert [path.name for path in stage.place.iterdir()] == ["other.txt"], "only the backups are deleted"
    app.quit()


def test_automatic_backups_can_be_turned_off(stage):
    stage.sample()
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    app.do("win.preferences")
    app.press("Schedule")
    app.turn("Back Up Automatically", False)
    wait_for("the settings say so", lambda: not plans(stage)[0]["schedule"]["enabled"])
    app.leave("Frequency")
    app.see("Only when you press the button")
    stage.write("Documents/answer.txt")
    back_up(app)
    app.quit()
