# SPDX-License-Identifier: GPL-3.0-or-later
"""Hindsight in the menus of the file manager Files (Nautilus 43 and newer, by nautilus-python 4.0 and newer): the
history of a file or folder, and what is missing from a folder.

tests/file_manager.py tries this without Nautilus. That a real one shows the items, and calls them as is done there, is
not tested.
"""

import gettext
from urllib.parse import unquote_to_bytes

from gi.repository import Gio, GLib, GObject, Nautilus

PROGRAM = "hindsight"


class HindsightMenus(GObject.GObject, Nautilus.MenuProvider):
    """Only of files on this computer: other places are in no backup under the names that they have here."""

    def get_file_items(self, files):
        if len(files) != 1:
            return []
        label, tip = _("Show History…"), _("All versions in the backups, also of what was deleted")
        return items("HindsightMenus::history", label, tip, "--show-history", files[0])

    def get_background_items(self, folder):
        label, tip = _("Restore Missing Files…"), _("What was in this folder once and is not any more")
        return items("HindsightMenus::missing", label, tip, "--restore-missing", folder)


def _(text):
    return gettext.dgettext("hindsight", text)


def items(name, label, tip, option, file):
    """One item that calls the app for the file, where that makes sense."""
    path = local_path(file.get_uri())
    # This may be left when the app is not.
    program = GLib.find_program_in_path(PROGRAM)
    if path is None or program is None:
        return []
    item = Nautilus.MenuItem(name=name, label=label, tip=tip)
    item.connect("activate", lambda _item: start(program, option, path))
    return [item]


def local_path(uri):
    """As bytes: names need not be UTF-8."""
    root = "file:///"
    return b"/" + unquote_to_bytes(uri[len(root) :]) if uri.startswith(root) else None


def start(*command):
    # Unlike Python's own, a process of GLib is no zombie when it has ended.
    Gio.Subprocess.new(command, Gio.SubprocessFlags.NONE)
