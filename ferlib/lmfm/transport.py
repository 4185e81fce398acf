"""Which way questions go: one by one, or as batches; the answers and where they are kept are the same."""

from ferlib.errors import InputError
from ferlib.lmfm import batch, ledger, run, services, study
from ferlib.lmfm.models import TRANSPORTS


def ask(plan, responses, *, transport, max_usd, prices=None, **how):
    """Answers to all questions of a plan: from the store where it has them, else from the model.

    A question that gets no answer after all tries has the status `error`; nothing is stored for it, so that the next
    run asks it again. When many in a row get none, the server is taken to be down, and no more are asked.

    Parameters
    ----------
    plan, responses
        A `ferlib.lmfm.study.Plan` and a `ferlib.lmfm.store.Store`.
    transport : str
        `direct` or `batch`, unless the model has its own; services without batches are asked directly.
    max_usd : float
        Most that may be spent on these responses, earlier runs included.
    prices : dict, optional
        See `ferlib.lmfm.prices.price_of`.
    **how
        `connect(model) -> model` (gives the model its final `base_url`, when something is to be asked), `may_send`
        (datasets that may leave this machine, see `ferlib.lmfm.permissions`), `progress` (show a bar, True by default),
        and any of `ferlib.lmfm.models.LIMITS` in place of the model's own.

    Returns
    -------
    pandas.DataFrame
        From `ferlib.lmfm.replay.tabulate`.

    Raises
    ------
    InputError
        When the images may not be sent, the limit is reached, or further questions would fail alike. Answers so far are
        stored.
    """
    if transport not in TRANSPORTS:
        raise InputError(f"transport is {transport!r}. Allowed: {', '.join(TRANSPORTS)}.")
    batched, book = uses_batch(plan.model, transport), None
    if not study.unanswered(plan, responses).empty:  # a replay needs no price
        book = ledger.of(plan.model, responses.folder, max_usd=max_usd, own_prices=prices, batched=batched)
    return run.ask(plan, responses, ledger=book, way=batch.Batches if batched else run.Direct, **how)


def uses_batch(model, transport):
    """Whether a model's questions go as batches."""
    return model.get("transport", transport) == "batch" and services.batches(model)
