"""What every page and dialog looks like, wide and narrow, light and dark; and that each can be used without seeing it."""

import json
import os
from contextlib import contextmanager

from driver import run, wait_for
from steps import PASSWORD, back_up, choose_place, open_set_up, press_in_dialog, set_up, type_password

NARROW = 360
DARK = {"ADW_DEBUG_COLOR_SCHEME": "prefer-dark"}


def test_every_page_in_light(stage):
    visit_pages(stage, "light")


def test_every_page_in_dark(stage):
    visit_pages(stage, "dark", **DARK)


def test_every_dialog_in_light(stage):
    visit_dialogs(stage, "light")


def test_every_dialog_in_dark(stage):
    visit_dialogs(stage, "dark", **DARK)


def show(app, scheme, page):
    """Pictures of what is shown, wide and narrow."""
    app.check_names()
    app.picture(f"{scheme}/{page}")
    wide = app.geometry()[2:]
    narrow = app.resize(NARROW, 760)
    assert narrow[0] == NARROW, f"{page} needs {narrow[0]} px"
    app.check_names()
    app.picture(f"{scheme}-360/{page}")
    border = app.border()
    app.resize(wide[0] - 2 * border, wide[1] - 2 * border)


def visit_pages(stage, scheme, **environment):
    app = stage.start(**environment)
    stage.sample()
    app.see("Create My First Backup")
    show(app, scheme, "welcome")
    open_set_up(app)
    show(app, scheme, "setup-1-place")
    choose_place(app, stage.place)
    show(app, scheme, "setup-2-folders")
    app.press("Next")
    app.see("Step 3 of 4")
    type_password(app, PASSWORD)
    show(app, scheme, "setup-3-password")
    app.press("Next")
    app.see("Step 4 of 4")
    show(app, scheme, "setup-4-rhythm")
    app.press("Done")
    app.see("Ready for the First Backup")
    show(app, scheme, "overview-ready")
    back_up(app)
    show(app, scheme, "overview-safe")

    app.do("win.preferences")
    app.see("Folders to Back Up")
    show(app, scheme, "preferences-1-folders")
    for number, (page, words) in enumerate(
        (("Place", "Test Place"), ("Schedule", "Frequency"), ("Security", "Forget Password")), start=2
    ):
        app.press(page)
        app.see(words)
        show(app, scheme, f"preferences-{number}-{page.lower()}")
    app.leave("Forget Password")

    app.do("win.restore")
    app.see("Nothing selected")
    show(app, scheme, "restore")
    app.leave("Nothing selected", key="alt+Left")
    for action, words in (("win.about", "The Hindsight Founders"), ("win.show-shortcuts", "Keyboard Shortcuts")):
        app.do(action)
        app.see(words)
        show(app, scheme, action.removeprefix("win."))
        app.leave(words)

    stage.place.rename(stage.home.parent / "away")
    stage.write("Documents/answer.txt")
    app.press("Back Up Now")
    wait_for("it is said", lambda: app.can_press("Close"))
    show(app, scheme, "error")
    press_in_dialog(app, "Close")
    show(app, scheme, "overview-attention")
    app.quit()


def visit_dialogs(stage, scheme, **environment):
    stage.sample()
    app = stage.start(**environment)
    app.press("Restore From a Backup")
    app.see("Where are the backups?")
    show(app, scheme, "finder")
    app.press("Cancel")
    app.see_no("Where are the backups?")

    set_up(app, stage.place, remember=False)
    with a_long_backup(stage, app):
        show(app, scheme, "overview-running")

    with unreadable_files(stage):
        back_up(app, ends_with="Safe Except for 30 Files")
    app.open_row("Files With Problems")
    app.see("diary-00")
    show(app, scheme, "problems")
    app.leave("diary-00")
    back_up(app)

    stage.write("Downloads/debian.iso", b"\0" * 5_000_000)
    stage.write(".cache/thumbnails/holiday.png", b"\0" * 200_000)
    app.do("win.preferences")
    app.turn("Downloads", True)
    app.leave("Folders to Back Up")
    app.do("win.preferences")
    app.see("in all")
    app.open_row("Review What Is Left Out")
    app.see("~/Downloads")
    show(app, scheme, "left-out")
    app.leave("~/Downloads")
    app.press("Security")
    app.press("Delete Plan and Its Backups…")
    app.see("Delete the Backups?")
    show(app, scheme, "question-delete-backups")
    app.press("Cancel")
    app.leave("Forget Password")

    with another_place(stage):
        app.press("Back Up Now")
        wait_for("it is said", lambda: app.can_press("Close"))
        app.open_row("Details")
        show(app, scheme, "error-details")
        press_in_dialog(app, "Close")

    with files_gone(stage):
        app.press("Back Up Now")
        app.see("Back Up Anyway")
        show(app, scheme, "question-files-gone")
        press_in_dialog(app, "Cancel")

    app.quit()
    app = stage.start(**environment)
    app.press("Back Up Now")
    app.see("Password Needed")
    app.fill("Password", "herons")
    app.press("Continue")
    app.see("The password does not open these backups.")
    show(app, scheme, "password-wrong")
    press_in_dialog(app, "Cancel")
    app.quit()


@contextmanager
def a_long_backup(stage, app):
    """Under way within, and stopped then, if it has not ended. Its files are few, so that nobody asks where they are."""
    film = stage.write("Pictures/film-0.raw", os.urandom(500_000_000))
    for number in range(1, 7):
        film.with_name(f"film-{number}.raw").hardlink_to(film)
    app.press("Back Up Now")
    wait_for("something is stored", lambda: list(stage.place.rglob("*vol1.difftar.gpg")))
    app.see("Backing Up…")
    yield
    app.do("win.stop")
    wait_for("it has stopped", lambda: app.can_press("Back Up Now"))
    for film in film.parent.glob("film-*"):
        film.unlink()


@contextmanager
def unreadable_files(stage):
    files = [stage.write(f"Locked/diary-{number:02}") for number in range(30)]
    for file in files:
        file.chmod(0)
    yield
    for file in files:
        file.chmod(0o600)


@contextmanager
def another_place(stage):
    """At the same path."""
    marker = next(stage.place.rglob("hindsight-place.json"))
    ours = marker.read_text()
    marker.write_text(json.dumps(json.loads(ours) | {"id": "0123456789abcdef0123456789abcdef"}))
    yield
    marker.write_text(ours)


@contextmanager
def files_gone(stage):
    away = stage.home.parent / "away"
    away.mkdir()
    names = ("Documents", "Pictures", "Locked", "Downloads")
    for name in names:
        run("mv", str(stage.home / name), str(away))
    yield
    for name in names:
        run("mv", str(away / name), str(stage.home))
