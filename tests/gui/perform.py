"""perform.py THEME TEST: one test of the app, in the session it is started in. See `run`."""

import importlib
import os
import sys
import traceback

from driver import Stage

theme, test = sys.argv[1:]
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
