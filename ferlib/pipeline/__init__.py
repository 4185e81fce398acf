"""What the Makefile calls: check parameters, execute a notebook by papermill, make the report, print the summary."""

import sys

STOPPED = "What is finished or stored is kept; run make again to go on."


def _say_stopped(kind, error, traceback):
    if issubclass(kind, KeyboardInterrupt):
        print(f"\nStopped. {STOPPED}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


# nbformat brings jsonschema, which would build a grammar of international addresses (1.4 s of every start) to check a
# format that no notebook's schema has. Without the package it leaves that format out.
sys.modules.setdefault("rfc3987_syntax", None)

if sys.argv[0] == "-m":  # a command of this package, which has all its imports still before it
    sys.excepthook = _say_stopped
