"""Execute one notebook by papermill so that only a finished copy takes the name of a result."""

import argparse
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
import papermill
import yaml
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from ferlib.errors import InputError
from ferlib.lmfm.progress import TERMINAL
from ferlib.paths import ROOT, Run, relative
from ferlib.pipeline import STOPPED
from ferlib.pipeline.parameters import LEFT_OUT, SET_BY_MAKE
from ferlib.provenance import left_out, recorded
from ferlib.tables import write_bytes

SOCKETS = "ferlib-"
"""Beginning of the name of a folder of sockets; the number of the process that made it follows."""


def sweep_sockets():
    """Remove the folders of sockets of processes that were killed before they could do it themselves."""
    for folder in Path(tempfile.gettempdir()).glob(f"{SOCKETS}*-*"):
        owner = folder.name.removeprefix(SOCKETS).partition("-")[0]
        try:
            os.kill(int(owner), 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except (ValueError, PermissionError):  # another program's folder, or another user's process
            continue


class LocalKernelManager(AsyncKernelManager):
    """Talks to the kernel through sockets in a private folder instead of open ports of this machine, where it can.

    The folder is the kernel's own: with the default name, in the working directory, two notebooks that are executed
    at the same time would listen on each other's sockets.
    """

    at_work = False
    """Whether a cell is being executed: of the one notebook that this process executes."""

    aside = None
    """File for what the kernel says outside of the notebook: of interest when it dies, and noise as it exits."""

    def __init__(self, **options):
        super().__init__(**options)
        if os.name == "posix":
            sweep_sockets()
            self._sockets = tempfile.TemporaryDirectory(prefix=f"{SOCKETS}{os.getpid()}-")
            self.transport, self.ip = "ipc", f"{self._sockets.name}/kernel"

    async def start_kernel(self, **options):
        await super().start_kernel(stderr=self.aside, **options)

    @property
    def shutdown_wait_time(self):
        """Seconds until the kernel is killed; after half of them it is asked to go at once.

        When Ctrl-C interrupts a cell, it has something to finish: answers under way are paid for. After the last cell
        there is nothing to wait for, but a kernel may hang as it exits.
        """
        return 120.0 if self.at_work else 6.0


def _at_work(value):
    return lambda **_: setattr(LocalKernelManager, "at_work", value)


def execute(notebook, parameters, output):
    """Execute a notebook and keep the executed copy.

    The copy is written under a temporary name and takes its own in one step when every cell has run. papermill
    writes its output when a cell fails, too: a failed copy is kept as `failed-<name>` and is no result.

    Parameters
    ----------
    notebook : pathlib.Path
    parameters : dict
    output : pathlib.Path
        Name of the executed copy.

    Raises
    ------
    papermill.exceptions.PapermillExecutionError
        When a cell fails.
    RuntimeError
        When the kernel does not start, or dies; its own last words are on the standard error then.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    partial, failed = output.with_name(f"partial-{output.name}"), output.with_name(f"failed-{output.name}")
    failed.unlink(missing_ok=True)
    with tempfile.TemporaryFile() as LocalKernelManager.aside:
        try:
            papermill.execute_notebook(
                notebook,
                partial,
                parameters=parameters,
                cwd=ROOT,
                kernel_name="python3",
                kernel_manager_class=LocalKernelManager,
                on_cell_execute=_at_work(True),
                on_cell_executed=_at_work(False),
                extra_arguments=["--IPKernelApp.log_level=50"],  # it would report its own interruption at length
                progress_bar=sys.stderr.isatty(),
                request_save_on_cell_execute=False,  # or the whole copy is written twice a cell: seconds for a long one
            )
        except PapermillExecutionError:
            os.replace(partial, failed)
            raise
        except RuntimeError:
            LocalKernelManager.aside.seek(0)
            sys.stderr.write(LocalKernelManager.aside.read().decode(errors="replace"))
            raise
    os.replace(partial, output)


def leave_out(notebook, reason, output):
    """Put a page with the title and the reason in the place of a notebook that a profile leaves out."""
    content = nbformat.read(notebook, as_version=4)
    content.cells[1:] = [nbformat.v4.new_markdown_cell(f"**Left out of this run.** {reason}", id="reason")]
    write_bytes(nbformat.writes(content).encode(), output)


def complaint(error, failed):
    """What to tell the user about a failed cell, whose copy is `failed`: the message alone for bad input, else all."""
    where = f"The notebook as it failed: {relative(failed)}"
    if error.ename == InputError.__name__:
        return f"Error: {error.evalue}\n{where}"
    return f"{error.ename}: {error.evalue}\nin:\n{error.source.strip()}\n{where}"


def main():
    """Command line: execute one notebook with the parameters of a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--run-dir", required=True, type=Path)
    arguments = parser.parse_args()
    name, run_dir = arguments.notebook.stem, arguments.run_dir.resolve()
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    os.environ["TQDM_DISABLE"] = "1"  # for the kernel: its bars would litter the report; papermill's own stays
    if sys.stderr.isatty():
        os.environ[TERMINAL] = os.ttyname(sys.stderr.fileno())
    parameters = yaml.safe_load((run_dir / "params" / f"{name}.yaml").read_text(encoding="utf-8"))
    output = run_dir / "executed" / f"{name}.ipynb"
    if LEFT_OUT in parameters:
        left_out(name, run=Run(run_dir))  # before the page, by which make knows that it is done
        leave_out(arguments.notebook, parameters[LEFT_OUT], output)
        print(f"Left out: {name}. {parameters[LEFT_OUT]}")
        return
    parameters[SET_BY_MAKE] = str(arguments.run_dir)  # also of a run that was renamed since its parameters were checked
    print(f"Executing {name} ...", flush=True)
    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it logs of a dead kernel is said below
    try:
        execute(arguments.notebook, parameters, output)
    except PapermillExecutionError as error:
        sys.exit(complaint(error, output.with_name(f"failed-{output.name}")))
    except DeadKernelError:
        sys.exit(f"Error: the kernel that executed {name} died (out of memory, or killed). Run make again to resume.")
    except RuntimeError as error:
        sys.exit(f"Error: no kernel started that could execute {name}. {error}")
    except KeyboardInterrupt:
        logging.disable()  # the tasks of a kernel that is gone complain when they are swept up
        print(f"\nStopped {name}. {STOPPED}", file=sys.stderr)
        sys.exit(130)
    run = Run(run_dir)
    run.changed.touch()
    for message in recorded(run, name).get("warnings", []):
        print(f"  Note: {message}")


if __name__ == "__main__":
    main()
