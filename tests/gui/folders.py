"""What is backed up can be changed."""

import json

from driver import wait_for
from steps import back_up, set_up_and_back_up


def plan(stage):
    path = stage.home / ".config/hindsight/settings.json"
    return json.loads(path.read_text())["plans"][0]


def folders(stage):
    return [folder["path"] for folder in plan(stage)["folders"]]


def left_out(stage):
    """Names of the kinds of files that are left out."""
    return set(plan(stage)["presets"])


def test_an_added_folder_is_in_the_next_backup(stage):
    stage.sample()
    other = stage.home.parent / "Work"
    other.mkdir()
    (other / "plan.txt").write_text("an unusual word: xylograph\n")
    app = stage.start()
    set_up_and_back_up(app, stage.place)

    app.do("win.preferences")
    app.press("Add Folder…")
    app.choose_folder(other)
    app.see("Work")
    app.picture("folders-added")
    app.check_names()
    wait_for("the settings have it", lambda: folders(stage) == [str(stage.home), str(other)])
    app.leave("Folders to Back Up")

    back_up(app)
    app.do("win.restore")
    app.see("Everything")
    app.open_item(other.parts[1])
    app.open_item(other.parts[2])
    app.see(other.name)
    app.quit()


def test_a_removed_folder_comes_back_by_undo(stage):
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    app.do("win.preferences")
    app.press("Remove")
    wait_for("it is gone", lambda: folders(stage) == [])
    app.press("Undo")
    wait_for("it is back", lambda: folders(stage) == [str(stage.home)])
    app.quit()


def test_what_is_left_out_by_kind_is_a_switch_each(stage):
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    app.do("win.preferences")
    wait_for("caches are left out", lambda: app.is_on("Caches"))
    kinds = {"caches", "virtual-machines"}
    app.turn("Caches", False)
    app.turn("Virtual Machines", True)
    wait_for("the settings say so", lambda: left_out(stage) & kinds == {"virtual-machines"})
    app.quit()


def test_names_like_a_pattern_are_left_out(stage):
    stage.write("Downloads/debian.iso", b"\0" * 5_000_000)
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    app.do("win.preferences")
    app.type_into("Leave Out Names Like *.iso", "*.iso")
    app.press("Apply")
    wait_for("the settings have it", lambda: plan(stage)["patterns"] == ["*.iso"])
    app.open_row("Review What Is Left Out")
    app.see("debian.iso")
    app.picture("folders-left-out")
    app.quit()
