"""The password is asked for when it is not known, and a wrong one is said at once."""

import os
import signal
import subprocess
from pathlib import Path

from driver import run, wait_for
from steps import PASSWORD, back_up, ended_runs, go_to_password, open_set_up, set_up, set_up_and_back_up

WRONG = "The password does not open these backups."


def restart(stage, app):
    app.quit()
    return stage.start()


def test_a_wrong_password_is_said_at_once_and_the_right_one_goes_on(stage):
    stage.sample()
    app = stage.start()
    set_up_and_back_up(app, stage.place, remember=False)
    app = restart(stage, app)
    before = ended_runs(app)

    app.press("Back Up Now")
    app.see("Password Needed")
    app.check_names()
    assert not app.sees(WRONG)
    assert not app.can_press("Continue"), "no password is no answer"
    app.fill("Password", "herons")
    app.press("Continue")
    app.see(WRONG)
    app.picture("password-wrong")
    app.fill("Password", PASSWORD)
    app.turn("Remember Password", False)
    app.press("Continue")
    wait_for("the run goes on to its end", lambda: ended_runs(app) > before)
    wait_for("the page says so", lambda: app.can_press("Back Up Now"))
    app.see("Your Files Are Safe")
    app.quit()


def test_a_remembered_password_is_not_asked_for_until_it_is_forgotten(stage):
    stage.sample()
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    app = restart(stage, app)
    stage.write("Documents/answer.txt")
    back_up(app)

    app.do("win.preferences")
    app.press("Security")
    app.open_row("Forget Password")
    app.see("Password forgotten")
    app.keys("Escape")
    app = restart(stage, app)
    app.press("Back Up Now")
    app.see("Password Needed")
    app.press("Cancel")
    app.see_no("Password Needed")
    assert app.can_press("Back Up Now")
    app.quit()


def test_the_two_passwords_must_agree(stage):
    app = stage.start()
    open_set_up(app)
    go_to_password(app, stage.place)
    app.fill("Password", PASSWORD)
    app.fill("Repeat Password", PASSWORD + "s")
    app.see("The two differ")
    assert not app.can_press("Next")
    app.fill("Repeat Password", PASSWORD)
    wait_for("they agree", lambda: app.can_press("Next"))
    app.quit()


def test_without_a_password_is_possible_after_a_question(stage):
    stage.sample()
    app = stage.start()
    set_up(app, stage.place, password=None)
    back_up(app)
    assert list(stage.place.rglob("*.difftar.gz")) and not list(stage.place.rglob("*.gpg"))
    app.quit()


def test_without_a_keyring_the_password_is_known_until_the_app_quits(stage):
    stage.sample()
    stop_keyring()
    app = stage.start()
    set_up(app, stage.place)
    app.see("No keyring is available: the password is remembered until you quit")
    back_up(app)
    stage.write("Documents/answer.txt")
    back_up(app)
    app = restart(stage, app)
    app.press("Back Up Now")
    app.see("Password Needed")
    app.quit()


def test_a_keyring_that_somebody_leaves_locked_is_done_without(stage):
    stage.sample()
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    app.quit()
    lock_keyring()
    app = stage.start()
    stage.write("Documents/answer.txt")
    before = ended_runs(app)

    app.press("Back Up Now")
    leave_locked()
    app.see("Password Needed")
    app.fill("Password", PASSWORD)
    app.press("Continue")
    leave_locked()
    app.see("The keyring is locked: the password is remembered until you quit")
    app.picture("password-keyring-locked")
    wait_for("the run goes on to its end", lambda: ended_runs(app) > before)
    app.see("Your Files Are Safe")
    stage.write("Documents/question.txt")
    back_up(app)

    app = restart(stage, app)
    app.press("Back Up Now")
    leave_locked()
    app.see("Password Needed")
    app.quit()


def lock_keyring():
    service, path = "org.freedesktop.secrets", "/org/freedesktop/secrets"
    login = f"['{path}/collection/login']"
    run("gdbus", "call", "--session", "-d", service, "-o", path, "-m", "org.freedesktop.Secret.Service.Lock", login)


def leave_locked():
    """The keyring's own window asks for its password, and is closed without one."""
    (prompt,) = wait_for("the keyring asks", keyring_prompt)
    run("xdotool", "windowfocus", "--sync", prompt, "key", "Escape")
    wait_for("the keyring asks no more", lambda: not keyring_prompt())


def keyring_prompt():
    """The number of its X window."""
    search = ["xdotool", "search", "--onlyvisible", "--class", "gcr-prompter"]
    return subprocess.run(search, capture_output=True, text=True).stdout.split()[:1]


def stop_keyring():
    """The keyring's daemon goes, and the bus has none to start instead."""
    services = Path(os.environ["XDG_RUNTIME_DIR"]) / "dbus-1/services"
    services.mkdir(parents=True, exist_ok=True)
    none = "[D-BUS Service]\nName=org.freedesktop.secrets\nExec=/bin/false\n"
    (services / "org.freedesktop.secrets.service").write_text(none)
    ask_bus("ReloadConfig")
    answer = ask_bus("GetConnectionUnixProcessID", "org.freedesktop.secrets")
    os.kill(int(answer.strip("(),").split()[-1]), signal.SIGKILL)
    wait_for("the keyring is gone", lambda: "false" in ask_bus("NameHasOwner", "org.freedesktop.secrets"))


def ask_bus(method, *arguments):
    bus = "org.freedesktop.DBus"
    return run("gdbus", "call", "--session", "-d", bus, "-o", "/org/freedesktop/DBus", "-m", f"{bus}.{method}", *arguments)
