"""Which way questions go: one by one, or as batches; the answers and where they are kept are the same."""

from ferlib.errors import InputError
from ferlib.lmfm import batch, ledger, plans, run, services
from ferlib.lmfm.models import TRANSPORTS


def ask(plan, responses, *, transport, max_usd, prices=None, **how):
    """Answers to all questions of a plan, by the transport that was chosen, within the limit.

    Parameters
    ----------
    plan : ferlib.lmfm.plans.Plan
    responses : ferlib.lmfm.store.Store
    transport : str
        `direct` or `batch`, unless the model has its own; services without batches are asked directly.
    max_usd : float
        Most that may be spent on these responses, earlier runs included.
    prices : dict, optional
        See `ferlib.lmfm.prices.price_of`.
    **how
        For `ferlib.lmfm.run.ask`.

    Returns
    -------
    pandas.DataFrame
        From `ferlib.lmfm.replay.tabulate`.
    """
    if transport not in TRANSPORTS:
        raise InputError(f"transport is {transport!r}. Allowed: {', '.join(TRANSPORTS)}.")
    batched, book = uses_batch(plan.model, transport), None
    if not plans.unanswered(plan, responses).empty:  # a replay needs no price
        book = ledger.of(plan.model, responses.folder, max_usd=max_usd, own_prices=prices, batched=batched)
    return (batch if batched else run).ask(plan, responses, ledger=book, **how)


def uses_batch(model, transport):
    """Whether a model's questions go as batches."""
    return model.get("transport", transport) == "batch" and services.batches(model)
