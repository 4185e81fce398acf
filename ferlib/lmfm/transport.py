"""Which way questions go: one by one, or as batches; the answers and where they are kept are the same."""

from ferlib.errors import InputError
from ferlib.lmfm import batch, budget, plans, run
from ferlib.lmfm.models import TRANSPORTS

WITH_BATCHES = ("openai", "gemini")


def ask(plan, responses, *, transport, max_usd, prices=None, **how):
    """Answers to all questions of a plan, by the transport that was chosen, within the budget.

    Parameters
    ----------
    plan : ferlib.lmfm.plans.Plan
    responses : ferlib.lmfm.store.Store
    transport : str
        `direct` or `batch`, unless the model has its own; providers without batches are asked directly.
    max_usd : float
        Most that may be spent on these responses, earlier runs included.
    prices : dict, optional
        From `ferlib.lmfm.cost.read_prices`.
    **how
        For `ferlib.lmfm.run.ask`.

    Returns
    -------
    pandas.DataFrame
        From `ferlib.lmfm.replay.tabulate`.
    """
    if transport not in TRANSPORTS:
        raise InputError(f"transport is {transport!r}. Allowed: {', '.join(TRANSPORTS)}.")
    batched = uses_batch(plan.model, transport)
    purse = None
    if not plans.unanswered(plan, responses).empty:  # a replay needs no price
        purse = budget.of(plan.model, responses.folder, max_usd=max_usd, prices=prices, batched=batched)
    return (batch if batched else run).ask(plan, responses, budget=purse, **how)


def uses_batch(model, transport):
    """Whether a model's questions go as batches."""
    return model.get("transport", transport) == "batch" and model["provider"] in WITH_BATCHES
