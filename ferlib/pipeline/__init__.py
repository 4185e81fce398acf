"""What the Makefile calls: check parameters, execute a notebook by papermill, make the report, print the summary."""

import sys

STOPPED = "What is finished or stored is kept; run make again to go on."


def _say_stopped(kind, error, traceback):
    if issubclass(kind, KeyboardInterrupt):
        print(f"\nStopped. {STOPPED}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


if sys.argv[0] == "-m":  # a command of this package, which has all its imports still before it
    sys.excepthook = _say_stopped
