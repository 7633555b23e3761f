"""Files that cannot be read cost only themselves, and are named."""

from driver import wait_for
from steps import back_up, set_up

COUNT = 300


def test_several_hundred_unreadable_files_are_listed_and_the_rest_is_safe(stage):
    stage.sample()
    for number in range(COUNT):
        stage.write(f"Locked/diary-{number:03}").chmod(0)
    app = stage.start()
    set_up(app, stage.place)
    back_up(app, ends_with=f"Safe Except for {COUNT} Files")
    app.picture("problems-overview")
    app.open_row("Files With Problems")
    app.see("diary-000")
    app.picture("problems-list")
    app.check_names()
    app.press("Copy")
    app.leave("diary-000")
    assert app.can_press("Back Up Now")

    # What could be read is there, and the next run does not call the others deleted.
    for number in range(COUNT):
        (stage.home / f"Locked/diary-{number:03}").chmod(0o600)
    back_up(app)
    wait_for("nothing is wrong any more", lambda: not app.sees("Files With Problems"))
    app.quit()
