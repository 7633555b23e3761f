"""What every page looks like, wide and narrow, light and dark; and that each can be used without seeing it."""

from driver import wait_for
from steps import PASSWORD, back_up, choose_place, type_password

NARROW = 360


def test_every_page_in_light(stage):
    visit(stage, stage.start(), "light")


def test_every_page_in_dark(stage):
    visit(stage, stage.start(ADW_DEBUG_COLOR_SCHEME="prefer-dark"), "dark")


def visit(stage, app, scheme):
    def show(page):
        app.check_names()
        app.picture(f"{scheme}/{page}")
        wide = app.geometry()[2:]
        narrow = app.resize(NARROW, 760)
        assert narrow[0] == NARROW, f"{page} needs {narrow[0]} px"
        app.check_names()
        app.picture(f"{scheme}-360/{page}")
        border = app.border()
        app.resize(wide[0] - 2 * border, wide[1] - 2 * border)

    stage.sample()
    app.see("Create My First Backup")
    show("welcome")
    app.press("Create My First Backup")
    app.see("Step 1 of 4")
    show("setup-1-place")
    choose_place(app, stage.place)
    show("setup-2-folders")
    app.press("Next")
    app.see("Step 3 of 4")
    type_password(app, PASSWORD)
    show("setup-3-password")
    app.press("Next")
    app.see("Step 4 of 4")
    show("setup-4-rhythm")
    app.press("Done")
    app.see("Ready for the First Backup")
    show("overview-ready")
    back_up(app)
    show("overview-safe")

    app.do("win.preferences")
    app.see("Folders to Back Up")
    show("preferences-1-folders")
    for number, (page, words) in enumerate(
        (("Place", "Test Place"), ("Schedule", "Frequency"), ("Security", "Forget Password")), start=2
    ):
        app.press(page)
        app.see(words)
        show(f"preferences-{number}-{page.lower()}")
    app.leave("Forget Password")

    app.do("win.restore")
    app.see("Nothing selected")
    show("restore")
    app.leave("Nothing selected", key="alt+Left")
    for action, words in (("win.about", "The Hindsight Founders"), ("win.show-shortcuts", "Keyboard Shortcuts")):
        app.do(action)
        app.see(words)
        show(action.removeprefix("win."))
        app.leave(words)

    stage.place.rename(stage.home.parent / "away")
    stage.write("Documents/answer.txt")
    app.press("Back Up Now")
    wait_for("it is said", lambda: app.can_press("Close"))
    show("error")
    app.press("Close")
    wait_for("the dialog has closed", lambda: app.can_press("Back Up Now"))
    show("overview-attention")
    app.quit()
