"""A backup can be stopped, and goes on without the window."""

import time

from driver import run, wait_for
from steps import back_up, set_up, write_films


def begin_a_long_backup(stage):
    # Long enough for a look at it.
    write_films(stage, "Pictures", 60)
    app = stage.start()
    set_up(app, stage.place)
    app.press("Back Up Now")
    wait_for("something is stored", lambda: list(stage.place.rglob("*vol1.difftar.gpg")))
    return app


def test_stop_stops_within_a_second_and_the_next_backup_goes_on(stage):  # alone
    app = begin_a_long_backup(stage)
    app.picture("stop-running")
    app.check_names()
    app.press("Stop")
    began = time.monotonic()
    wait_for("it has stopped", lambda: app.can_press("Back Up Now"))
    took = time.monotonic() - began
    assert took < 1.5, f"stopping took {took:.1f} s"
    app.picture("stop-stopped")
    back_up(app, within=120)
    app.quit()


def test_a_backup_goes_on_when_the_window_is_closed(stage):
    app = begin_a_long_backup(stage)
    app.do("window.close")
    wait_for("the window is closed", lambda: app.frame() is None)
    assert app.is_running()
    wait_for("the backup is complete", lambda: list(stage.place.rglob("duplicity-full*.manifest.gpg")), within=120)
    app.wait_for_end()
    app = stage.start()
    app.see("Your Files Are Safe")
    app.quit()


def test_a_second_start_shows_the_window_of_the_backup_going_on(stage):
    app = begin_a_long_backup(stage)
    app.do("window.close")
    wait_for("the window is closed", lambda: app.frame() is None)
    run(stage.program)
    app.wait_for_window()
    app.press("Stop")
    wait_for("it has stopped", lambda: app.can_press("Back Up Now"))
    app.quit()
