"""drop_target.py FOLDER TITLE [eager]

A window for the tests of `dragging.py`. With what is dropped on it, it does what a file manager does: copies it into
FOLDER. Eager, as some are, it asks what it gets as soon as it is pointed at. What has happened stands in files beside
FOLDER: FOLDER.above, FOLDER.offered, FOLDER.left, FOLDER.dropped.
"""

import itertools
import subprocess
import sys
from pathlib import Path

import gi

gi.require_version("Gdk", "4.0")
gi.require_version("Gtk", "4.0")
from gi.repository import Gdk, GLib, Gtk  # noqa: E402


def main(folder, title, *how):
    target = Gtk.DropTarget.new(Gdk.FileList, Gdk.DragAction.COPY)
    target.set_preload("eager" in how)

    def say(event, files=()):
        text = "".join(f"{file.get_uri()}\n" for file in files)
        part = Path(f"{folder}.part")
        part.write_text(text)
        part.rename(f"{folder}.{event}")

    motions = itertools.count()

    def moved(*_):
        # By the second, whoever drags has been answered: they would not drop before.
        if next(motions) == 1:
            say("above")
        return Gdk.DragAction.COPY

    def offered(*_):
        if value := target.get_value():
            say("offered", value.get_files())

    def dropped(_, value, *_where):
        files = value.get_files()
        subprocess.run(["cp", "-pr", "--", *(file.get_path() for file in files), folder], check=True)
        say("dropped", files)
        return True

    target.connect("motion", moved)
    target.connect("leave", lambda _: say("left"))
    target.connect("notify::value", offered)
    target.connect("drop", dropped)
    Gtk.init()
    window = Gtk.Window(title=title, default_width=300, default_height=300, child=Gtk.Label(label=title))
    window.add_controller(target)
    window.present()
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
