"""The table of tests/bench/peers, and its record."""

import datetime, subprocess
from pathlib import Path

from measure import machine, median, memory_and_kernel

HEAD = "# Measured against the peers\n\nEach part was written by `tests/bench/peers --record`, in one run.\n"


def table(report):
    """Markdown: a row for each phase, a column for each program, what ours stands to the fastest and to find or cp."""
    peers = [name for name in report.names if name != "ours"]
    lines = [" | ".join(["| wall s / CPU s / peak MB", "ours", *peers, "find, cp -a", "fastest peer / ours", "ours / find, cp -a |"])]
    lines.append("| --- " * (len(peers) + 5) + "|")
    for phase, measured in report.measured.items():
        plain = next((name for name in ("find", "cp -a") if name in measured), None)
        cells = [cell(measured.get(name)) for name in ["ours", *peers, plain]]
        lines.append(row(phase, *cells, best(walls(measured), peers), against(walls(measured), plain)))
    before = None
    for phase, stored in report.stored.items():
        now = {name: median([(value,) for value in values], 0) for name, values in stored.items()}
        cells = [f"{now[name]:.1f}" + (f" (+{now[name] - before[name]:.1f})" if before else "") for name in ["ours", *peers]]
        lines.append(row(f"MB stored after: {phase}", *cells, "", best(now, peers), ""))
        before = now
    return "\n".join(lines)


def walls(measured):
    return {name: median(values, 0) for name, values in measured.items()}


def cell(values):
    """Medians of the times, the highest of the peaks."""
    if not values:
        return ""
    wall, cpu = (median(values, number) for number in (0, 1))
    digits = 3 if wall < 0.1 else 2
    return f"{wall:.{digits}f} / {cpu:.{digits}f} / {max(value[2] for value in values):.0f}"


def best(values, peers):
    """The least of the peers' divided by ours."""
    name = min((peer for peer in peers if peer in values), key=values.get, default=None)
    return f"**{values[name] / values['ours']:.2f} ×** ({name})" if name else ""


def against(values, plain):
    return f"{values['ours'] / values[plain]:.2f} ×" if plain else ""


def row(*cells):
    return f"| {' | '.join(cells)} |"


def describe(report):
    """The table with what it was measured on and with; nothing that tells whose machine it was."""
    options, (files, size) = report.options, report.size
    versions = ", ".join(f"{name} {version}" for name, version in sorted(report.versions.items()))
    releases = ", ".join(step["name"] for step in report.data.steps)
    return f"""## {datetime.date.today()}, commit {commit()}

* {machine()}, {memory_and_kernel()}.
* {versions}.
* Scale {options.scale:g}: {files:,} files, {size / 1e9:.2f} GB at the end; Linux {releases}.
* Medians of {options.rounds} rounds, of {options.restore_rounds} for restoring all; the peaks are the highest.

{table(report)}
"""


def commit():
    words = ["git", "-C", Path(__file__).parent, "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(words, capture_output=True, text=True).stdout.strip() or "unknown"


def record(text, file):
    new = not file.exists()
    with open(file, "a") as results:
        results.write((HEAD if new else "") + "\n" + text)
