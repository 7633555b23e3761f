"""Hands and eyes for the tests of the app: it is seen as a screen reader sees it, and used by its widgets' actions and by
real key presses.

Every wait is for a condition. Nothing here knows how long anything takes, except that after PATIENCE seconds something
must be wrong.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

PATIENCE = 60
APP_ID = "io.github.hindsight_backup.Hindsight"
# Domains whose warnings are our mistakes.
MISTAKE = re.compile(r"(Gtk|Gdk|Gsk|Adwaita|GLib-GObject)-(WARNING|CRITICAL)|thread '.*' .*panicked|^\s*panicked at")
# What a person can press, write into or switch.
CONTROLS = {
    Atspi.Role.PUSH_BUTTON,
    Atspi.Role.TOGGLE_BUTTON,
    Atspi.Role.CHECK_BOX,
    Atspi.Role.RADIO_BUTTON,
    Atspi.Role.COMBO_BOX,
    Atspi.Role.SLIDER,
    Atspi.Role.SPIN_BUTTON,
    Atspi.Role.LINK,
    Atspi.Role.ENTRY,
    Atspi.Role.PASSWORD_TEXT,
}


class Failure(AssertionError):
    pass


def wait_for(what, condition, within=PATIENCE):
    """Returns the first true value of `condition`. Widgets may come and go while they are looked at."""
    deadline = time.monotonic() + within
    while True:
        try:
            found = condition()
            if found:
                return found
        except GLib.Error:
            pass
        if time.monotonic() > deadline:
            raise Failure(f"not within {within} s: {what}")
        # Looking is work for the app as well: it answers for each of its widgets.
        time.sleep(0.2)


def run(*command, timeout=PATIENCE, **options):
    """The standard output of a command that must succeed."""
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=timeout, **options)
    return done.stdout.strip()


class Stage:
    """What a test begins with: an empty home, an empty folder for backups, and the app's program."""

    def __init__(self, name, pictures):
        self.name = name
        self.pictures = Path(pictures)
        self.home = Path(os.environ["HOME"])
        self.place = self.home.parent / "Red Disk"
        self.place.mkdir()
        self.program = os.environ["HINDSIGHT_PROGRAM"]
        self.runs = []

    def start(self, *arguments, **options):
        """Starts the app and waits for its window."""
        app = self.launch(*arguments, **options)
        app.wait_for_window()
        return app

    def launch(self, *arguments, **options):
        app = App(self, arguments, **options)
        self.runs.append(app)
        return app

    def write(self, path, content="Dear Ada,\n\nthe machine runs.\n"):
        """A file below home."""
        path = self.home / path
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.write_bytes if isinstance(content, bytes) else path.write_text)(content)
        return path

    def sample(self):
        """A small home that has something of each kind."""
        self.write("Documents/letter.txt")
        self.write("Documents/Accounts/2025.csv", "".join(f"{n}\n" for n in range(20_000)))
        self.write("Pictures/holiday.raw", os.urandom(3_000_000))
        (self.home / "latest").symlink_to("Documents/letter.txt")

    def end(self):
        for app in self.runs:
            app.end()

    def on_failure(self):
        for number, app in enumerate(self.runs):
            app.leave_traces(f"{self.name}-{number}" if number else self.name)


class App:
    """One process of the app."""

    def __init__(self, stage, arguments, wrapper=(), **environment):
        self.stage = stage
        self.ended = False
        self.forget_at = 0
        self.log = Path(os.environ["TMPDIR"]) / f"stderr-{len(stage.runs)}"
        # As a person: the tests' root may read and write everything, a person may not.
        person = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*wrapper, *person, stage.program, *arguments],
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "RUST_BACKTRACE": "1", **environment},
            )

    # The tree of widgets

    def windows(self):
        """The app's window, and those of file choosers."""
        # What libatspi has cached is as old as the last event it was let to see.
        while GLib.MainContext.default().iteration(False):
            pass
        own = [found for found in children(Atspi.get_desktop(0)) if found.get_process_id() == self.pid()]
        # An event may be lost on who asks for a widget while it comes to be, and no other would tell of it.
        if time.monotonic() > self.forget_at:
            self.forget_at = time.monotonic() + 1
            for application in own:
                application.clear_cache()
        return [window for application in own for window in children(application)]

    def frame(self):
        """The app's window, if it is there."""
        return next((window for window in self.windows() if window.get_name() == "Hindsight"), None)

    def pid(self):
        return self.process.pid

    def wait_for_window(self):
        return wait_for("the window", self.frame)

    def nodes(self):
        """Every widget that is shown, from the outside in."""
        return [node for window in self.windows() for node, _ in walk(window)]

    def named(self, name, suits):
        """The innermost shown widget with that name which suits: rows have the names of the controls in them."""
        found = [node for node in self.nodes() if is_there(lambda node=node: node.get_name() == name and suits(node))]
        # A dialog comes after the page it covers.
        return found[-1] if found else None

    def texts(self):
        return [text for node in self.nodes() if (text := is_there(lambda node=node: text_of(node)))]

    def tree(self):
        shown = (found for window in self.windows() for found in walk(window))
        return "\n".join(f"{'  ' * depth}{describe(node)}" for node, depth in shown)

    # What a person sees

    def sees(self, text):
        return any(text in shown for shown in self.texts())

    def see(self, text, within=PATIENCE):
        wait_for(f"“{text}” is shown", lambda: self.sees(text), within)

    def see_no(self, text, within=PATIENCE):
        wait_for(f"“{text}” is not shown any more", lambda: not self.sees(text), within)

    def can_press(self, name):
        node = self.named(name, can_be_pressed)
        return bool(node and is_there(lambda: is_sensitive(node)))

    def is_on(self, name):
        node = self.named(name, can_be_pressed)
        return bool(node and is_there(lambda: node.get_state_set().contains(Atspi.StateType.CHECKED)))

    def focused(self):
        """The name of what has the keyboard."""
        node = self.focused_node()
        return node and node.get_name()

    def focused_node(self, suits=lambda node: True):
        def has_keyboard(node):
            return node.get_state_set().contains(Atspi.StateType.FOCUSED) and suits(node)

        found = [node for node in self.nodes() if is_there(lambda node=node: has_keyboard(node))]
        return found[-1] if found else None

    # What a person does

    def press(self, name, within=PATIENCE):
        """Presses a button, as soon as it is there and can be pressed."""
        def button():
            node = self.named(name, can_be_pressed)
            return node if node and is_sensitive(node) else None

        node = wait_for(f"“{name}” can be pressed", button, within)
        if press_of(node):
            act(node)
        else:
            self.click(node)

    def turn(self, name, on):
        """Turns a switch on or off."""
        node = wait_for(f"the switch “{name}”", lambda: self.named(name, can_be_pressed))
        if self.is_on(name) != on:
            act(node)
            wait_for(f"“{name}” is {'on' if on else 'off'}", lambda: self.is_on(name) == on)

    def fill(self, name, text):
        """Writes into an entry, instead of what is in it."""
        node = wait_for(f"the entry “{name}”", lambda: self.named(name, is_entry))
        if not node.get_editable_text_iface().set_text_contents(text):
            raise Failure(f"“{name}” cannot be written into")

    def type_into(self, name, text):
        """Types into an entry that is empty, as a row offers to apply its text only then."""
        self.click(wait_for(f"the entry “{name}”", lambda: self.named(name, is_entry)))
        wait_for(f"“{name}” has the keyboard", lambda: self.focused_node(lambda node: node.get_name() == name))
        self.write(text)

    def do(self, action):
        """An action of the window, as `win.backup`."""
        frame = self.wait_for_window()
        actions = frame.get_action_iface()
        for number in range(actions.get_n_actions()):
            if actions.get_action_name(number) == action:
                actions.do_action(number)
                return
        raise Failure(f"the window has no action {action}")

    def open_row(self, name, clicks=1):
        """Clicks on a row, where it says its name."""
        def pressed():
            node = self.named(name, lambda node: True)
            if node:
                self.click(node, clicks)
            return node

        # A list that is just being filled takes its lines away and makes them anew.
        wait_for(f"the row “{name}”", pressed)

    def open_item(self, name):
        """Opens a folder in a list of files."""
        self.open_row(name, clicks=2)

    def choose_folder(self, folder):
        """Answers the file chooser that is open."""
        wait_for("the file chooser has the keyboard", lambda: self.is_active_beside_frame() and self.can_press("Select"))
        # It has no name for its line of text, which is there when Control and L were pressed.
        def line():
            return self.focused_node(lambda node: is_entry(node) and node.get_name() == "")

        run("xdotool", "key", "ctrl+l")
        Atspi.EditableText.set_text_contents(wait_for("the file chooser's line", line), str(folder))
        self.press("Select")
        wait_for("the file chooser has closed", lambda: len(self.windows()) == 1)

    def save_as(self, path):
        """Answers the file chooser that is open for saving."""
        wait_for("the file chooser has the keyboard", lambda: self.is_active_beside_frame() and self.can_press("Save"))
        line = wait_for("the file chooser's line", lambda: self.focused_node(is_entry))
        Atspi.EditableText.set_text_contents(line, str(path))
        self.press("Save")
        wait_for("the file chooser has closed", lambda: len(self.windows()) == 1)

    def is_active_beside_frame(self):
        """Whether another window than the app's own has the keyboard."""
        return any(is_active(window) for window in self.windows() if window.get_name() != "Hindsight")

    def click(self, node, times=1):
        """Presses the mouse's button on a widget, after turning its wheel until that is in sight."""
        left, top, _, _ = self.geometry()
        x, y = self.bring_into_sight(node)
        run("xdotool", "mousemove", str(left + x), str(top + y), "click", "--repeat", str(times), "1")

    def bring_into_sight(self, node):
        """Where in the window its middle is."""
        left, top, _, _ = self.geometry()
        pane = scrolled_pane(node)
        for _ in range(60):
            x, y, width, height = place_in_window(node)
            middle = (x + width // 2, y + height // 2)
            if not pane:
                return middle
            pane_x, pane_y, pane_width, pane_height = place_in_window(pane)
            below = y + height > pane_y + pane_height
            if not below and y >= pane_y:
                return middle
            run("xdotool", "mousemove", str(left + pane_x + pane_width // 2), str(top + pane_y + pane_height // 2))
            run("xdotool", "click", "5" if below else "4")
            wait_quietly(lambda y=y: place_in_window(node)[1] != y)
        raise Failure(f"cannot be brought into sight: {describe(node)}")

    def keys(self, *keys):
        """Presses keys, as `ctrl+comma`, one after another."""
        run("xdotool", "windowfocus", "--sync", self.window())
        for key in keys:
            run("xdotool", "key", key)

    def leave(self, text, key="Escape"):
        """Closes what shows that text. A button that is still being pressed takes the keyboard for itself a moment."""
        for _ in range(3):
            self.keys(key)
            wait_quietly(lambda: not self.sees(text), within=2)
            if not self.sees(text):
                return
        raise Failure(f"{key} does not close what shows “{text}”")

    def tab_to(self, name, key="Tab", most=40):
        """Moves the keyboard to a widget, as somebody without a mouse does."""
        passed = []
        for _ in range(most):
            before = self.focused_node()
            if before and before.get_name() == name:
                return
            passed.append(before and before.get_name())
            self.keys(key)
            # Where there is nothing else, it stays.
            wait_quietly(lambda before=before: self.focused_node() != before, within=2)
        raise Failure(f"“{name}” is not reached by {key}: {passed}")

    def write(self, text):
        """Types ASCII text."""
        run("xdotool", "windowfocus", "--sync", self.window())
        run("xdotool", "type", "--delay", "5", text)

    # The window

    def window(self):
        """The number of the X window."""
        def find():
            found = subprocess.run(
                ["xdotool", "search", "--all", "--onlyvisible", "--pid", str(self.pid()), "--name", "."],
                capture_output=True,
                text=True,
            ).stdout.split()
            return found[0] if found else None

        return wait_for("the X window", find)

    def geometry(self):
        """Left, top, width and height of the window on the screen."""
        lines = run("xdotool", "getwindowgeometry", "--shell", self.window()).splitlines()
        values = dict(line.split("=") for line in lines)
        return tuple(int(values[key]) for key in ("X", "Y", "WIDTH", "HEIGHT"))

    def resize(self, width, height):
        """Asks for a size of what the window shows. It may insist on more: returns what it has become."""
        border = self.border()
        before = self.geometry()
        run("xdotool", "windowsize", self.window(), str(width + 2 * border), str(height + 2 * border))
        if before[2:] != (width + 2 * border, height + 2 * border):
            wait_for("the window has another size", lambda: self.geometry()[2:] != before[2:])
        return tuple(size - 2 * border for size in self.geometry()[2:])

    def border(self):
        """How wide the rim is that GTK draws where shadows are not possible."""
        shown = children(self.frame())[0].get_component_iface().get_extents(Atspi.CoordType.PARENT)
        return (self.geometry()[2] - shown.width) // 2

    def picture(self, name):
        """Keeps a picture of the window, once it stands still: all is painted, and the app sleeps."""
        path = self.stage.pictures / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        border = self.border()
        left, top, width, height = self.geometry()
        inside = f"{width - 2 * border}x{height - 2 * border}+{left + border}+{top + border}"
        last = None

        def stands_still():
            nonlocal last
            before = last
            command = ["import", "-window", "root", "-crop", inside, "+repage", "-depth", "8", "ppm:-"]
            last = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout, self.rests()
            return last == before

        wait_quietly(stands_still, within=3)
        subprocess.run(["convert", "ppm:-", str(path)], input=last[0], check=True)
        return path

    def rests(self):
        """The number of the rest that the main thread is taking. While it has something to do, no two are the same."""
        status = Path(f"/proc/{self.pid()}/task/{self.pid()}/status").read_text()
        values = dict(line.split(":\t", 1) for line in status.splitlines())
        return values["voluntary_ctxt_switches"] if values["State"].startswith("S") else object()

    # What must hold everywhere

    def check_names(self):
        """Every control has a name, or nobody who cannot see it knows what it is."""
        def is_nameless(node):
            return is_control(node) and not node.get_name()

        def nameless():
            return [describe(node) for node in self.nodes() if is_there(lambda node=node: is_nameless(node))]

        # What comes and goes, as a toast, has its name a moment after it is there.
        wait_quietly(lambda: not nameless(), within=3)
        if left := nameless():
            raise Failure("controls without a name:\n" + "\n".join(left))

    def stderr(self):
        return self.log.read_text(errors="replace")

    def is_running(self):
        return self.process.poll() is None

    def quit(self):
        """Quits as a person would, and waits until it is gone."""
        self.do_quit()
        self.wait_for_end()

    def do_quit(self):
        run("gapplication", "action", APP_ID, "quit")

    def wait_for_end(self):
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failure("the app does not end") from None
        if code != 0:
            raise Failure(f"the app ended with {code}:\n{self.stderr()}")
        self.check_mistakes()
        self.ended = True

    def end(self):
        """At the end of a test, whether or not it has quit."""
        if self.ended:
            return
        if self.process.poll() not in (None, 0):
            raise Failure(f"the app has ended with {self.process.returncode}:\n{self.stderr()}")
        self.kill()
        self.check_mistakes()

    def kill(self, how=signal.SIGKILL):
        if self.is_running():
            self.process.send_signal(how)
        self.process.wait()
        self.ended = True

    def check_mistakes(self):
        mistakes = [line for line in self.stderr().splitlines() if MISTAKE.search(line)]
        if mistakes:
            raise Failure("the toolkit complains:\n" + "\n".join(mistakes))

    def leave_traces(self, name):
        """What is to be looked at after a failure."""
        folder = self.stage.pictures / "failed"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.log, folder / f"{name}.stderr")
        print("The app said:", *self.stderr().splitlines()[-20:], sep="\n    ")
        if self.is_running():
            subprocess.run(["import", "-window", "root", str(folder / f"{name}.png")], check=False)
            try:
                (folder / f"{name}.tree").write_text(self.tree())
                print("It shows:", " · ".join(dict.fromkeys(self.texts())))
            except GLib.Error:
                pass


# Nodes of the tree


def children(node):
    found = (node.get_child_at_index(number) for number in range(node.get_child_count()))
    return [child for child in found if child]


def walk(node, depth=0):
    """Each shown widget with how deep it lies. Those that go meanwhile are left out."""
    yield node, depth
    for child in is_there(lambda: children(node)) or ():
        if is_there(lambda child=child: child.get_state_set().contains(Atspi.StateType.SHOWING)):
            yield from walk(child, depth + 1)


def text_of(node):
    """A widget's name, and for what can be read, the text in it."""
    name = node.get_name()
    if name or node.get_role() == Atspi.Role.PASSWORD_TEXT:
        return name
    text = node.get_text_iface()
    return Atspi.Text.get_text(text, 0, -1) if text else ""


def describe(node):
    actions = node.get_action_iface()
    names = [actions.get_action_name(number) for number in range(actions.get_n_actions())] if actions else []
    states = [state.value_nick for state in node.get_state_set().get_states()]
    return f"{node.get_role_name()} “{text_of(node)}” {names or ''} {' '.join(sorted(states))}"


def press_of(node):
    """The action that pressing the widget is, as a function. Labels too have actions: those of their menus."""
    actions = node.get_action_iface()
    for number in range(actions.get_n_actions()) if actions else ():
        if actions.get_action_name(number) in ("click", "toggle", "activate", "press"):
            return lambda: actions.do_action(number)
    return None


def can_be_pressed(node):
    return press_of(node) is not None or is_button_row(node)


def is_button_row(node):
    """AdwButtonRow is a button that GTK 4.18 tells no action of: it is pressed by the mouse."""
    states = node.get_state_set()
    return node.get_role() == Atspi.Role.PUSH_BUTTON and states.contains(Atspi.StateType.FOCUSABLE)


def is_entry(node):
    return node.get_editable_text_iface() is not None and node.get_state_set().contains(Atspi.StateType.EDITABLE)


def is_menu_item(node):
    return node.get_role() == Atspi.Role.MENU_ITEM


def is_control(node):
    return node.get_role() in CONTROLS or is_entry(node)


def is_sensitive(node):
    return node.get_state_set().contains(Atspi.StateType.SENSITIVE)


def is_active(window):
    return window.get_state_set().contains(Atspi.StateType.ACTIVE)


def act(node):
    if not press_of(node)():
        raise Failure(f"cannot be pressed: {describe(node)}")


def place_in_window(node):
    """Left, top, width and height in the window. GTK tells each widget's place only in the one that contains it."""
    box = node.get_component_iface().get_extents(Atspi.CoordType.PARENT)
    x, y = box.x, box.y
    parent = node.get_parent()
    while parent and parent.get_role() not in (Atspi.Role.FRAME, Atspi.Role.WINDOW, Atspi.Role.APPLICATION):
        outer = parent.get_component_iface().get_extents(Atspi.CoordType.PARENT)
        x, y = x + outer.x, y + outer.y
        parent = parent.get_parent()
    return x, y, box.width, box.height


def scrolled_pane(node):
    """What the widget can be scrolled in."""
    while node and node.get_role() != Atspi.Role.SCROLL_PANE:
        node = node.get_parent()
    return node


def is_there(question):
    """The answer about a widget, or None if it has gone meanwhile."""
    try:
        return question()
    except GLib.Error:
        return None


def wait_quietly(condition, within=0.5):
    try:
        wait_for("", condition, within)
    except Failure:
        pass
