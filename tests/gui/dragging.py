"""Out of the timeline into a file manager: what is dragged there comes as copies, fetched when they are asked for. Beside
what can be dragged, a frame is drawn."""

import itertools
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from driver import place_in_window, run, wait_for
from timeline import SECOND, five_dates, scrub

TITLE = "Drop Here"


def test_a_file_is_fetched_when_it_is_dropped(stage):
    app, letter = at_work(stage)
    with DropTarget(stage) as target:
        app.open_row("diary.txt")
        app.see("“diary.txt” selected")
        pick_up(app, "letter.txt")
        # What is not selected is taken alone.
        move_until("“letter.txt” is selected", lambda: app.sees("“letter.txt” selected"))
        app.see("thank you for your offer.")
        # Of all there is: what hangs on the pointer is a window of its own.
        run("import", "-window", "root", str(stage.pictures / "timeline-dragged.png"))
        target.point_at()
        assert not copies(stage), "copies are made before anybody asks for them"
        assert target.drop() == ["letter.txt"]
        assert (target.folder / "letter.txt").read_text() == SECOND
    assert not letter.exists()
    app.quit()


def test_several_files_are_dragged_at_once(stage):
    app, _ = at_work(stage)
    with DropTarget(stage) as target:
        app.open_row("diary.txt")
        run("xdotool", "keydown", "ctrl")
        app.open_row("letter.txt")
        run("xdotool", "keyup", "ctrl")
        app.see("2 items selected")
        pick_up(app, "diary.txt")
        target.point_at()
        assert target.drop() == ["diary.txt", "letter.txt"]
        assert (target.folder / "letter.txt").read_text() == SECOND
        assert (target.folder / "diary.txt").read_text() == "The roof is done.\n"
    app.quit()


def test_a_folder_is_dragged_with_everything_in_it(stage):
    names = ["Documents/Accounts/Über 1999/a b.csv", "Documents/Accounts/#1 100%.txt", "Documents/Accounts/.hidden"]
    for number, name in enumerate(names):
        stage.write(name, bytes([number]) * 100_000)
    app, _ = at_work(stage)
    with DropTarget(stage) as target:
        pick_up(app, "Accounts")
        target.point_at()
        assert target.drop() == ["Accounts"]
    subprocess.run(["diff", "-r", str(stage.home / "Documents/Accounts"), str(target.folder / "Accounts")], check=True)
    app.quit()


def test_what_was_fetched_for_a_drag_that_is_cancelled_is_removed(stage):
    app, _ = at_work(stage)
    with DropTarget(stage, "eager") as target:
        pick_up(app, "letter.txt")
        target.point_at()
        assert target.wait_for("offered") == ["letter.txt"]
        assert copies(stage)
        target.point_beside()
        let_go()
        wait_for("no copies are left", lambda: not copies(stage))
    app.quit()


def test_what_cannot_be_fetched_is_told(stage):
    app, letter = at_work(stage)
    with DropTarget(stage) as target:
        for volume in stage.place.rglob("*.difftar.gpg"):
            volume.unlink()
        pick_up(app, "letter.txt")
        target.point_at()
        let_go()
        app.see(f"{letter} could not be brought back")
        assert not copies(stage)
    app.quit()


def test_a_frame_that_is_drawn_beside_the_names_selects_rows(stage):
    app, _ = at_work(stage)
    left, top, _, _ = app.geometry()
    (x, y, width, height), last = (place_in_window(row(app, name)) for name in ("diary.txt", "letter.txt"))
    run("xdotool", "mousemove", str(left + x + width + 60), str(top + y + height // 2), "mousedown", "1")
    run("xdotool", "mousemove_relative", "20", str(last[1] - y))
    app.picture("timeline-frame")
    let_go()
    app.see("2 items selected")
    app.quit()


def at_work(stage):
    """In a folder with a letter that is deleted by now."""
    app, letter = five_dates(stage)
    run("xdotool", "windowmove", "--sync", app.window(), "0", "0")
    scrub(app, "Left")
    app.see("letter.txt")
    return app, letter


def copies(stage):
    """The files in the app's folder of copies."""
    return [path for path in (stage.home / ".cache/hindsight/copies").rglob("*") if not path.is_dir()]


def row(app, name):
    """Its name, in the list."""
    return wait_for(f"the row “{name}”", lambda: app.named(name, lambda node: True))


def pick_up(app, name):
    """Takes a row with the mouse, to be moved."""
    left, top, _, _ = app.geometry()
    x, y = app.bring_into_sight(row(app, name))
    run("xdotool", "mousemove", str(left + x), str(top + y), "mousedown", "1")
    # At once so far that it is no click.
    run("xdotool", "mousemove_relative", "30", "10")


def move_until(what, condition):
    """To and fro, as a hand that is never quite still: GTK begins to drag when it moves 100 ms after the press."""
    steps = itertools.cycle(("5", "-5"))

    def holds():
        run("xdotool", "mousemove_relative", "--", next(steps), "0")
        return condition()

    wait_for(what, holds)


def let_go():
    run("xdotool", "mouseup", "1")


class DropTarget:
    """A window beside the app's, in which files can be dropped."""

    def __init__(self, stage, *how):
        self.folder = stage.home.parent / "Desktop"
        self.folder.mkdir()
        program = Path(__file__).with_name("drop_target.py")
        self.process = subprocess.Popen([sys.executable, str(program), str(self.folder), TITLE, *how])

    def __enter__(self):
        search = ["xdotool", "search", "--onlyvisible", "--name", f"^{TITLE}$"]
        window = wait_for("where to drop", lambda: subprocess.run(search, capture_output=True, text=True).stdout.strip())
        run("xdotool", "windowmove", "--sync", window, "1300", "200")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def point_at(self):
        """Moves there what hangs on the pointer."""
        run("xdotool", "mousemove", "1400", "300")
        move_until("it is pointed at", lambda: self.has("above"))

    def point_beside(self):
        """Moves it off again, to where nobody takes it."""
        run("xdotool", "mousemove", "1400", "800")
        move_until("it is not pointed at any more", lambda: self.has("left"))

    def drop(self):
        """The names of what has arrived."""
        let_go()
        return self.wait_for("dropped")

    def wait_for(self, event):
        wait_for(f"files are {event}", lambda: self.has(event))
        addresses = self.said(event).read_text().splitlines()
        return sorted(Path(unquote(urlsplit(address).path)).name for address in addresses)

    def has(self, event):
        return self.said(event).exists()

    def said(self, event):
        return self.folder.with_name(f"{self.folder.name}.{event}")
