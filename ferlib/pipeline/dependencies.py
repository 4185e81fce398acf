"""Which ferlib modules a notebook needs, for the Makefile: a changed module re-runs the notebooks that use it.

Run as a script by any Python; needs nothing installed and imports nothing of ferlib. Output: one line a notebook,
`MODULES_01_data_prep := ferlib/__init__.py ...`, to be included by make.
"""

import ast
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ferlib"


def imported(source, *, package=None):
    """Dotted names that a source text imports anywhere in it, functions included.

    `from a import b` yields both `a` and `a.b`, since `b` may be a module.

    Parameters
    ----------
    source : str
    package : str, optional
        Package of the source, to which relative imports refer.

    Returns
    -------
    set of str
    """
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return names


def notebook_source(path):
    """Code of a notebook, its cells joined; IPython's own commands (`%`, `!`) left out."""
    cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    lines = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code").splitlines()
    return "\n".join(line for line in lines if not line.startswith(("%", "!")))


def file_of(name):
    """File of a dotted module name inside the package, or None when it is not one."""
    base = ROOT.joinpath(*name.split("."))
    candidates = (base / "__init__.py", base.with_suffix(".py"))
    return next((path for path in candidates if path.is_file()), None)


def closure(names):
    """Files of all ferlib modules that the names lead to, directly or through one another.

    Importing `a.b.c` also executes `a` and `a.b`, so these belong to it.

    Parameters
    ----------
    names : iterable of str

    Returns
    -------
    list of pathlib.Path
        Sorted.
    """
    found, queue = set(), list(names)
    while queue:
        name = queue.pop()
        parts = name.split(".")
        if parts[0] != PACKAGE:
            continue
        for depth in range(1, len(parts) + 1):
            module = ".".join(parts[:depth])
            path = file_of(module)
            if path is not None and path not in found:
                found.add(path)
                package = module if path.name == "__init__.py" else module.rpartition(".")[0]
                queue += imported(path.read_text(encoding="utf-8"), package=package)
    return sorted(found)


def make_lines(notebooks):
    """Lines for make, one a notebook."""
    for notebook in notebooks:
        files = closure(imported(notebook_source(notebook)))
        yield f"MODULES_{Path(notebook).stem} := {' '.join(path.relative_to(ROOT).as_posix() for path in files)}"


if __name__ == "__main__":
    print("\n".join(make_lines(sys.argv[1:])))
