"""The data that tests/bench/peers backs up: Linux through three releases, files that do not compress, a disk image.

Everything is made from fixed seeds, so every run has the same; at a smaller scale it has some of Linux's topmost
folders and less of the rest.
"""

import json, os, random, shutil, subprocess

from measure import MB

LINUX = "linux"
IMAGE = "disk.img"
OLD_FILE = f"{LINUX}/Makefile"  # Every release changes it.


class Data:
    def __init__(self, releases, source, scale):
        """`releases` is what peers_releases.py made; the data will be in `source`."""
        self.releases, self.source, self.scale = releases, source, scale
        described = json.loads((releases / "steps.json").read_text())
        self.steps = described["steps"]
        self.left_out = left_out(described["files"], scale)

    def update_name(self, number):
        return f"Linux {self.steps[number - 1]['name']} → {self.steps[number]['name'].rpartition('.')[2]}"

    def lay_out(self):
        """The first release, about 2.5 MB a file of 250 that look like photos, and an image of 1 GB."""
        shutil.rmtree(self.source, ignore_errors=True)
        (self.source / LINUX).mkdir(parents=True)
        self.unpack(0)
        chance = random.Random(1)
        (self.source / "photos").mkdir()
        for number in range(self.photos()):
            (self.source / f"photos/{number}.jpg").write_bytes(chance.randbytes(chance.randrange(MB, 4 * MB)))
        with open(self.source / IMAGE, "wb") as image, open(self.releases / "step-0.tar", "rb") as text:
            while (left := int(1000 * MB * self.scale) - image.tell()) > 0:
                length = min(left, chance.randrange(16, 1024) * 4096)
                image.write(chance.choice([bytes, text.read, chance.randbytes])(length))
        os.sync()

    def update(self, number):
        """Moves the tree to release `number` as a checkout does: what is the same is not touched."""
        for path in self.steps[number]["gone"]:
            place = self.source / LINUX / path
            if place.is_dir() and not place.is_symlink():
                place.rmdir()
            else:
                # At a smaller scale it may never have been there.
                place.unlink(missing_ok=True)
        self.unpack(number, "--touch")

    def edit(self):
        """Overwrites 200 places of the image and gives 50 photos other names."""
        chance = random.Random(2)
        with open(self.source / IMAGE, "r+b") as image:
            size = os.fstat(image.fileno()).st_size
            for _ in range(max(1, int(200 * self.scale))):
                image.seek(chance.randrange(size - 65536))
                image.write(chance.randbytes(chance.randrange(4096, 65537)))
        (self.source / "photos/sorted").mkdir()
        for number in chance.sample(range(self.photos()), self.photos() // 5):
            (self.source / f"photos/{number}.jpg").rename(self.source / f"photos/sorted/holiday {number}.jpg")

    def photos(self):
        return int(250 * self.scale)

    def unpack(self, number, *options):
        excluded = [f"--exclude={name}" for name in self.left_out]
        subprocess.run(["tar", "-x", "-f", self.releases / f"step-{number}.tar", "-C", self.source / LINUX,
                        "--no-same-owner", *options, "--anchored", "--no-wildcards", *excluded], check=True)


def left_out(files, scale):
    """The topmost folders without which about scale times the files are left: the large ones."""
    kept, wanted = 0, scale * sum(files.values())
    names = []
    for name, count in sorted(files.items(), key=lambda entry: (entry[1], entry[0])):
        if kept >= wanted:
            names.append(name)
        kept += count
    return names


def files_in(source):
    """How many files and bytes there are."""
    sizes = [entry.lstat().st_size for entry in source.rglob("*") if entry.is_file() and not entry.is_symlink()]
    return len(sizes), sum(sizes)
