"""Somebody opens the app for the first time."""

import shutil

from driver import run, wait_for
from steps import PASSWORD, back_up, choose_place, open_set_up, set_up_and_back_up, type_password


def test_the_whole_way_from_welcome_to_safe_files(stage):
    stage.sample()
    app = stage.start()
    app.see("Create My First Backup")
    app.picture("newcomer-1-welcome")

    open_set_up(app)
    assert not app.can_press("Next"), "without a place there is no next step"
    app.picture("newcomer-2-place")
    choose_place(app, stage.place)
    app.picture("newcomer-3-folders")

    app.press("Next")
    app.see("Step 3 of 4")
    type_password(app, PASSWORD)
    app.picture("newcomer-4-password")
    app.press("Next")
    app.see("Step 4 of 4")
    app.picture("newcomer-5-rhythm")

    app.press("Done")
    app.see("Ready for the First Backup")
    app.picture("newcomer-6-ready")
    back_up(app)
    app.see(f"Backed up just now to {stage.place.name}")
    app.picture("newcomer-7-safe")
    app.check_names()

    assert list(stage.place.rglob("duplicity-full*.manifest.gpg")), "nothing is at the place"
    hand_over(stage)
    app.quit()


def hand_over(stage):
    """What duplicity, which is not in here, is to restore: see `stock_restores` in tests/run."""
    folder = stage.pictures / "newcomer"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(next(stage.place.rglob("duplicity-full*.manifest.gpg")).parent, folder / "place")
    saved = ("Documents", "Pictures", "latest")
    for name in saved:
        run("mkdir", "-p", str(folder / "home"))
        run("cp", "-a", str(stage.home / name), str(folder / "home"))
    (folder / "password").write_text(PASSWORD)
    (folder / "path").write_text(str(stage.home))


def test_the_password_is_in_the_keyring_and_nowhere_else(stage):
    stage.sample()
    app = stage.start(RUST_LOG="trace")
    set_up_and_back_up(app, stage.place)
    app.quit()
    assert PASSWORD in in_keyring(), "the keyring does not have it"
    assert in_files(stage, PASSWORD) == [], "it is written down"


def in_keyring():
    """Every secret in the keyring, as `secret-tool` shows it."""
    return run("secret-tool", "search", "--all", "application", "io.github.hindsight_backup.Hindsight")


def in_files(stage, secret):
    """The files of home, the place, the session and the app's words that contain it."""
    everything = (path for path in stage.home.parent.rglob("*") if path.is_file() and not path.is_symlink())
    return [path for path in everything if secret.encode() in path.read_bytes()]


def test_the_first_window_is_useful_without_any_settings(stage):
    app = stage.start()
    wait_for("both doors", lambda: app.can_press("Create My First Backup") and app.can_press("Restore From a Backup"))
    app.check_names()
    app.quit()
