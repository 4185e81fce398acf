"""Runs in processes of their own, which can be killed; they are forked from one that has imported everything before."""

import multiprocessing
from pathlib import Path

import openai  # noqa: F401  (so that no process imports it again)
from lmfm_helpers import plan_for

from ferlib.errors import InputError
from ferlib.lmfm import ledger, pace, run, store

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])


def asking(manifest, model, folder, *, max_usd=None, prices=None, **limits):
    """Start a run; returns its process, which ends with 1 when the run is refused.

    Parameters
    ----------
    manifest, model
        As for `lmfm_helpers.plan_for`.
    folder : pathlib.Path
    max_usd, prices
        As for `ferlib.lmfm.ledger.of`; None for no budget.
    **limits
        For `ferlib.lmfm.run.ask`.
    """
    process = CONTEXT.Process(target=_ask, args=(manifest, model, folder, max_usd, prices, limits), daemon=True)
    process.start()
    return process


def _ask(manifest, model, folder, max_usd, prices, limits):
    pace.FIRST_WAIT_S = 0.01
    book = None if prices is None else ledger.of(model, Path(folder), max_usd=max_usd, own_prices=prices)
    try:
        run.ask(plan_for(manifest, model), store.Store(folder), ledger=book, progress=False, **limits)
    except InputError:
        raise SystemExit(1) from None
