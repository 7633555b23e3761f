"""Dialogs go as they came, whichever way they are closed."""

from driver import can_be_pressed, wait_for
from steps import back_up, set_up


def test_dialogs_close_by_the_button_in_their_header(stage):
    stage.write("Locked/diary.txt").chmod(0)
    app = stage.start()
    set_up(app, stage.place)
    back_up(app, ends_with="Safe Except for 1 File")
    for open_it, words in (
        (lambda: app.do("win.about"), "The Hindsight Founders"),
        (lambda: app.do("win.show-shortcuts"), "Keyboard Shortcuts"),
        (lambda: app.do("win.preferences"), "Folders to Back Up"),
        (lambda: app.open_row("Files With Problems"), "diary.txt"),
    ):
        for close in (press_as_a_screen_reader, press_by_mouse):
            open_it()
            app.see(words)
            close(app)
            app.see_no(words)
            app.check_mistakes()
    app.quit()


def press_as_a_screen_reader(app):
    app.press("Close")


def press_by_mouse(app):
    app.click(wait_for("the button is there", lambda: app.named("Close", can_be_pressed)))
