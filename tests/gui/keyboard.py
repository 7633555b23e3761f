"""Everything can be done without a mouse."""

from driver import wait_for
from steps import PASSWORD, open_set_up, set_up_and_back_up


def test_set_up_by_keyboard_only(stage):
    stage.sample()
    app = stage.start()
    app.see("Create My First Backup")
    app.tab_to("Create My First Backup")
    app.keys("Return")
    app.see("Step 1 of 4")
    app.tab_to("Address")
    app.write(str(stage.place))
    wait_for("the place is good", lambda: app.can_press("Next"))
    app.tab_to("Next")
    app.keys("Return")
    app.see("Step 2 of 4")
    app.tab_to("Next")
    app.keys("Return")
    app.see("Step 3 of 4")
    app.tab_to("Password")
    app.write(PASSWORD)
    app.tab_to("Repeat Password")
    app.write(PASSWORD)
    wait_for("the passwords agree", lambda: app.can_press("Next"))
    app.tab_to("Next")
    app.keys("Return")
    app.see("Step 4 of 4")
    app.tab_to("Done")
    app.keys("Return")
    app.see("Ready for the First Backup")
    app.see_no("Step 4 of 4")
    app.keys("ctrl+b")
    app.see("Your Files Are Safe")
    app.keys("ctrl+q")
    app.wait_for_end()


def test_keys_open_pages_and_escape_leaves_them(stage):
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    for key, words, leave in (
        ("ctrl+comma", "Folders to Back Up", "Escape"),
        ("ctrl+question", "Keyboard Shortcuts", "Escape"),
        ("ctrl+r", "Nothing selected", "alt+Left"),
    ):
        app.keys(key)
        app.see(words)
        app.leave(words, key=leave)
    app.keys("ctrl+w")
    app.wait_for_end()


def test_escape_leaves_set_up(stage):
    app = stage.start()
    open_set_up(app)
    app.leave("Step 1 of 4")
    assert app.can_press("Create My First Backup")
    app.quit()
