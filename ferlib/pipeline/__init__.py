"""What the Makefile calls: check parameters, execute a notebook by papermill, make the report, print the summary."""

import sys

from ferlib.errors import InputError

STOPPED = "What is finished or stored is kept; run make again to go on."


def _say(kind, error, traceback):
    """How a command ends that cannot go on: what the user can mend in words, all else with its traceback."""
    if issubclass(kind, KeyboardInterrupt):
        print(f"\nStopped. {STOPPED}", file=sys.stderr)
    elif issubclass(kind, InputError):
        print(f"Error: {error}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


# nbformat brings jsonschema, which would build a grammar of international addresses (1.4 s of every start) to check a
# format that no notebook's schema has. Without the package it leaves that format out.
sys.modules.setdefault("rfc3987_syntax", None)

if sys.argv[0] == "-m":  # a command of this package, which has all its imports still before it
    sys.excepthook = _say
