"""What asking the models of a run will cost, printed before anything is sent (`make lmfm-estimate`)."""

import argparse
import sys

from ferlib.errors import InputError
from ferlib.lmfm import budget, cost, estimate
from ferlib.lmfm.store import Store
from ferlib.pipeline import asking


def text(run_dir):
    """The estimate of a run.

    Parameters
    ----------
    run_dir : str or pathlib.Path

    Returns
    -------
    str
    """
    run, values, asked, parts = asking.of_run(run_dir)
    prices = cost.read_prices()
    frame = estimate.table(
        parts,
        Store(run.responses),
        prices=prices,
        transport=values["transport"],
    )
    spent, most = budget.spent_usd(run.responses), frame["usd_at_most"].sum()
    verdict = "covers both" if spent + most <= values["max_usd"] else "may stop the run before the end"
    return (
        f"{estimate.text(frame, asked, prices=prices)}\n"
        f"max_usd = {values['max_usd']:g}, of which ${spent:.2f} are spent by earlier runs: {verdict}"
    )


def main():
    """Command line: print the estimate of a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run_dir")
    try:
        print(text(parser.parse_args().run_dir))
    except InputError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
