#!/usr/bin/env python3
"""The items in the menus of the file manager, without a file manager: its module is played by a few lines here, and the
app by a script that writes down the words it is called with."""

import importlib.util
import os
import tempfile
import unittest
from pathlib import Path

import gi
from gi.repository import Gio, GLib, GObject

EXTENSION = Path(__file__).parent.parent / "data/nautilus-python/extensions/hindsight.py"
# Written at once, so that whoever sees the file sees all of it.
APP = """#!/bin/sh
printf '%s\\0' "$@" >"$CALLED.part" && mv "$CALLED.part" "$CALLED"
"""


class Nautilus:
    """What the extension uses of it."""

    class MenuProvider:
        pass

    class MenuItem(GObject.GObject):
        __gsignals__ = {"activate": (GObject.SignalFlags.RUN_LAST, None, ())}
        name = GObject.Property(type=str)
        label = GObject.Property(type=str)
        tip = GObject.Property(type=str)

    class FileInfo:
        def __init__(self, uri):
            self.get_uri = lambda: uri


class FileManager(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        app = self.folder / "hindsight"
        app.write_text(APP)
        app.chmod(0o755)
        self.called = self.folder / "called"
        before = dict(os.environ)
        self.addCleanup(lambda: (os.environ.clear(), os.environ.update(before)))
        os.environ.update(PATH=f"{self.folder}:{before['PATH']}", CALLED=str(self.called))
        gi.repository.Nautilus = Nautilus
        spec = importlib.util.spec_from_file_location("extension", EXTENSION)
        extension = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(extension)
        self.menus = extension.HindsightMenus()

    def chosen(self, items):
        """The words that the app is called with when the only item is chosen."""
        (item,) = items
        item.emit("activate")
        loop = GLib.MainLoop()

        def look():
            is_called = self.called.exists()
            if is_called:
                loop.quit()
            return not is_called

        GLib.timeout_add(5, look)
        failed = GLib.timeout_add_seconds(20, loop.quit)
        loop.run()
        GLib.source_remove(failed)
        words = self.called.read_bytes().split(b"\0")[:-1]
        self.called.unlink()
        return words

    def test_whatever_a_file_is_called_the_app_gets_its_name(self):
        names = [b"letter.txt", b"two  words ", "Müller & Söhne.odt".encode(), b"-rf", b"--help", b"100%25 #1?.txt"]
        for name in [*names, b"caf\xe9.txt", b'"$HOME"; `id`', b"line\nbreak"]:
            path = b"/home/ada/" + name
            file = Nautilus.FileInfo(Gio.File.new_for_path(path).get_uri())
            with self.subTest(path):
                self.assertEqual(self.chosen(self.menus.get_file_items([file])), [b"--show-history", path])
                self.assertEqual(self.chosen(self.menus.get_background_items(file)), [b"--restore-missing", path])

    def test_items_say_what_they_open(self):
        file = Nautilus.FileInfo("file:///home/ada")
        (history,), (missing,) = self.menus.get_file_items([file]), self.menus.get_background_items(file)
        self.assertEqual((history.label, missing.label), ("Show History…", "Restore Missing Files…"))
        self.assertNotEqual(history.name, missing.name)

    def test_nothing_is_offered_for_what_is_not_on_this_computer(self):
        for uri in ("sftp://host/home/ada/a.txt", "trash:///a.txt", "recent:///", "file://host/a.txt", "smb://nas/a"):
            with self.subTest(uri):
                self.assertEqual(self.menus.get_file_items([Nautilus.FileInfo(uri)]), [])
                self.assertEqual(self.menus.get_background_items(Nautilus.FileInfo(uri)), [])

    def test_the_history_is_that_of_one_file(self):
        file = Nautilus.FileInfo("file:///home/ada/a.txt")
        self.assertEqual(self.menus.get_file_items([file, file]), [])
        self.assertEqual(self.menus.get_file_items([]), [])

    def test_nothing_is_offered_when_the_app_is_not_there(self):
        os.environ["PATH"] = "/nonexistent"
        file = Nautilus.FileInfo("file:///home/ada/a.txt")
        self.assertEqual(self.menus.get_file_items([file]), [])


if __name__ == "__main__":
    unittest.main()
