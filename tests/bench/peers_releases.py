"""Packs releases of a source tree as steps from each to the next, for tests/bench/peers-install.

    python3 peers_releases.py FOLDER ARCHIVE...

FOLDER/step-N.tar gets what release N adds and what it changes, step-0.tar so the whole of the first; steps.json tells
each release's name, what it takes away, and how many files the first has in each of its topmost folders.
"""

import collections, hashlib, io, json, sys, tarfile
from pathlib import Path


def main():
    folder, *archives = map(Path, sys.argv[1:])
    steps, before = [], {}
    for number, archive in enumerate(archives):
        now, name = pack(archive, folder / f"step-{number}.tar", before)
        gone = [path for path, entry in before.items() if path not in now or now[path][0] != entry[0]]
        steps.append({"name": name, "gone": sorted(gone, reverse=True)})
        if number == 0:
            files = collections.Counter(path.partition("/")[0] for path in now)
        before = now
    (folder / "steps.json").write_text(json.dumps({"steps": steps, "files": files}))


def pack(archive, target, before):
    """Writes what differs from `before` to target. Returns what the release has, and its name."""
    now, version = {}, {}
    with tarfile.open(archive, "r|xz") as release, tarfile.open(target, "w") as step:
        for member in release:
            name = member.name.partition("/")[2]
            if not name:
                continue
            content = release.extractfile(member).read() if member.isreg() else b""
            now[name] = (member.type, member.mode, member.linkname, hashlib.sha256(content).digest())
            if now[name] != before.get(name):
                # tarfile would prefer a long name of the archive's own to this one.
                member.name, member.pax_headers = name, {}
                step.addfile(member, io.BytesIO(content))
            if name == "Makefile":
                version = dict(line.split(" = ", 1) for line in content.decode().splitlines()[:6] if " = " in line)
    return now, f"{version['VERSION']}.{version['PATCHLEVEL']}.{version['SUBLEVEL']}"


if __name__ == "__main__":
    main()
