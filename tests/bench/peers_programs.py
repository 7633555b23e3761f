"""How tests/bench/peers calls each program: its own defaults, a password, and caches in a folder of this run.

A program has a home, a place for its repository in there, and a command for each of: init (where there is one),
backup, list, restore, one. `run` is the name of a phase, which is what a backup is called where it can have a name.
"""

import os
import subprocess
from pathlib import Path

PASSWORD = "a password"


class Program:
    """One program. Commands are run in the folder that goes with them."""

    def __init__(self, binary, home):
        self.binary, self.home, self.place = binary, home, home / "place"
        for folder in (home, home / "tmp"):
            folder.mkdir(parents=True, mode=0o700, exist_ok=True)

    def environment(self):
        ours = {"HOME": self.home, "XDG_CACHE_HOME": self.home / "cache", "XDG_CONFIG_HOME": self.home / "config",
                "XDG_DATA_HOME": self.home / "data", "XDG_STATE_HOME": self.home / "state",
                "XDG_RUNTIME_DIR": self.home, "GNUPGHOME": self.home, "TMPDIR": self.home / "tmp"}
        return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **{k: str(v) for k, v in (ours | self.secrets()).items()}}

    def init(self):
        return None

    def stored(self):
        return sum(path.stat().st_size for path in self.place.rglob("*") if path.is_file())

    def version(self):
        """The first word with a digit that the program answers."""
        answer = subprocess.run([self.binary, *self.ask_version], capture_output=True, text=True, check=True)
        return next(word for word in answer.stdout.split() if word[0].isdigit())

    ask_version = ["--version"]


class Duplicity(Program):
    """duplicity and ours: dates are what they know backups by."""

    def secrets(self):
        return {"PASSPHRASE": PASSWORD}

    def backup(self, source, run):
        action = "incremental" if self.place.exists() else "full"
        return [self.binary, action, source, self.url()], source

    def list(self, run):
        return [self.binary, "list-current-files", self.url()], self.home

    def restore(self, run, target):
        return [self.binary, "restore", self.url(), target], target.parent

    def one(self, file, run, time, target):
        return [self.binary, "restore", "-t", time, "-r", file, self.url(), target], target.parent

    def url(self):
        return f"file://{self.place}"


class ResticLike(Program):
    """What restic and rustic, which share a format, also call the same."""

    def init(self):
        return [self.binary, "init"], self.home

    def backup(self, source, run):
        return [self.binary, "backup", "--tag", run, "."], source

    def list(self, run):
        return [self.binary, "ls", "latest"], self.home


class Restic(ResticLike):
    ask_version = ["version"]

    def secrets(self):
        return {"RESTIC_REPOSITORY": self.place, "RESTIC_PASSWORD": PASSWORD}

    def restore(self, run, target):
        return [self.binary, "restore", "latest", "--target", target], self.home

    def one(self, file, run, time, target):
        return [self.binary, "restore", "latest", "--tag", run, "--include", f"/{file}", "--target", target], self.home


class Rustic(ResticLike):
    def secrets(self):
        return {"RUSTIC_REPOSITORY": self.place, "RUSTIC_PASSWORD": PASSWORD}

    def restore(self, run, target):
        return [self.binary, "restore", "latest", target], self.home

    def one(self, file, run, time, target):
        return [self.binary, "restore", "--filter-tags", run, f"latest:{file}", target], self.home


class Borg(Program):
    def secrets(self):
        return {"BORG_REPO": self.place, "BORG_PASSPHRASE": PASSWORD, "BORG_BASE_DIR": self.home}

    def init(self):
        """The faster of its two kinds of checksums on this processor, as its manual has it."""
        sha = " sha_ni " in Path("/proc/cpuinfo").read_text()
        return [self.binary, "init", "--encryption", "repokey" if sha else "repokey-blake2"], self.home

    def backup(self, source, run):
        return [self.binary, "create", f"::{run}", "."], source

    def list(self, run):
        return [self.binary, "list", f"::{run}"], self.home

    def restore(self, run, target):
        target.mkdir()
        return [self.binary, "extract", f"::{run}"], target

    def one(self, file, run, time, target):
        target.mkdir()
        return [self.binary, "extract", f"::{run}", file], target


KINDS = {"ours": Duplicity, "duplicity": Duplicity, "restic": Restic, "borg": Borg, "rustic": Rustic}
