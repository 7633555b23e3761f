"""What a person does in many of the tests."""

import os
import sqlite3
from contextlib import closing

from driver import PATIENCE, is_entry, wait_for

PASSWORD = "eleven quiet herons at dawn"


def set_up(app, place, password=PASSWORD, remember=True):
    """From the welcome page to the overview, by way of set-up."""
    open_set_up(app)
    go_through_set_up(app, place, password, remember)


def go_to_password(app, place):
    """From the first step of set-up to that of the password."""
    choose_place(app, place)
    app.press("Next")
    app.see("Step 3 of 4")


def go_through_set_up(app, place, password=PASSWORD, remember=True):
    go_to_password(app, place)
    if password is None:
        app.press("Back Up Without a Password")
        app.press("Without a Password")
    else:
        app.fill("Password", password)
        app.fill("Repeat Password", password)
        app.turn("Remember Password", remember)
        app.press("Next")
    app.see("Step 4 of 4")
    app.press("Done")
    app.see("Ready for the First Backup")
    app.see_no("Step 4 of 4")


def open_set_up(app):
    """Its header is there a moment before its page."""
    app.press("Create My First Backup")
    app.see("Step 1 of 4")
    wait_for("the page is there", lambda: app.named("Address", is_entry))


def choose_place(app, place):
    app.fill("Address", str(place))
    app.press("Next")
    app.see("Step 2 of 4")


def type_password(app, password):
    """Key by key."""
    app.type_into("Password", password)
    app.type_into("Repeat Password", password)


def back_up(app, ends_with="Your Files Are Safe", within=PATIENCE):
    before = ended_runs(app)
    app.press("Back Up Now")
    wait_for("the run has ended", lambda: ended_runs(app) > before, within)
    app.see(ends_with)
    wait_for("the operation is over", lambda: app.can_press("Back Up Now"))


def press_in_dialog(app, name):
    app.press(name)
    wait_for("the dialog has closed", lambda: app.can_press("Back Up Now"))


def ended_runs(app):
    """How many the ledger tells of: the page may say of an earlier one that all is well."""
    ledger = app.stage.home / ".local/state/hindsight/runs.sqlite"
    if not ledger.exists():
        return 0
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True, timeout=PATIENCE)) as connection:
        return connection.execute("SELECT count(*) FROM runs WHERE ended IS NOT NULL").fetchone()[0]


def set_up_and_back_up(app, place, **options):
    set_up(app, place, **options)
    back_up(app)


def start_restoring(app):
    """Up to the question where to, and what is to happen to what is there."""
    app.press("Restore…")
    app.see("What Will Happen")
    app.see("As of ")


def choose_target(app, folder):
    app.press("Choose…")
    app.choose_folder(folder)


def write_films(stage, folder, count):
    """Long to read, and small where they are stored. Names of one file are saved each with its content."""
    film = stage.write(f"{folder}/film-00.raw", os.urandom(1 << 14) * 6400)
    for number in range(1, count):
        film.with_name(f"film-{number:02}.raw").hardlink_to(film)
