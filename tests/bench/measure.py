"""What the benchmarks share: running and measuring a program, waiting for the disk, telling what machine this is."""

import os, platform, statistics, sys, time
from pathlib import Path

MB = 1_000_000
ROOT = Path(__file__).resolve().parents[2]
# Unless told otherwise: where the benchmarks work, and the release build that they measure.
FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hindsight/bench"
OURS = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "release/hindsight-cli"


def timed(command, environment, log, folder=None):
    """Wall and CPU seconds and peak MB, of the process and all that it waited for; it runs in `folder`.

    The kernel counts in what the process was before it became the program: a fork of this one, about 20 MB.
    """
    command = [str(word) for word in command]
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        become(command, environment, log, folder)
    _, status, usage = os.wait4(child, 0)
    wall = time.monotonic() - start
    if status:
        sys.exit(f"bench: {' '.join(command)} failed:\n{Path(log).read_text(errors='replace')[-3000:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / MB


def become(command, environment, log, folder):
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        if folder:
            os.chdir(folder)
        os.execvpe(command[0], command, environment)
    except OSError as error:
        os.write(2, str(error).encode())
    finally:
        os._exit(127)


def settle():
    """ext4 passes over inodes deleted in the last seconds, one by one: what creates files next would pay for that."""
    os.sync()
    time.sleep(6)


def median(values, number):
    return statistics.median(value[number] for value in values)


def machine():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} × {model}, load {os.getloadavg()[0]:.1f} at the end"


def memory_and_kernel():
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{gib:.0f} GiB, Linux {platform.release().split('-')[0]}"


def say(text):
    print(text, file=sys.stderr, flush=True)
