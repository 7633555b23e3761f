"""perform.py THEME TEST SECONDS: one test of the app, in the session it is started in. See `run`."""

import importlib
import os
import signal
import sys
import traceback

from driver import Failure, Stage


def out_of_time(*_):
    raise Failure(f"not done within {seconds} s")


theme, test, seconds = sys.argv[1:]
# While the app is still there to be looked at.
signal.signal(signal.SIGALRM, out_of_time)
signal.alarm(int(seconds))
stage = Stage(f"{theme}.{test.removeprefix('test_')}", os.environ["HINDSIGHT_PICTURES"])
try:
    getattr(importlib.import_module(theme), test)(stage)
    stage.end()
except BaseException:
    traceback.print_exc()
    stage.on_failure()
    sys.exit(1)
finally:
    for app in stage.runs:
        app.kill()
