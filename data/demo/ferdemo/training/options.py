"""Options of the training scripts: every field of a recipe can be set on the command line."""

from dataclasses import asdict


def add(parser, *kinds):
    """Add an option for every field of some dataclasses, with the field's default and its type."""
    for kind in kinds:
        for name, value in asdict(kind()).items():
            option = "--" + name.replace("_", "-")
            parser.add_argument(option, type=type(value), default=value, help=f"default {value}")


def chosen(options, kind):
    """The dataclass with the values that were given; inverse of `add`."""
    return kind(**{name: getattr(options, name) for name in asdict(kind())})
