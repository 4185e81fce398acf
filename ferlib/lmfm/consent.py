"""Which images may be sent where: a dataset's terms decide, and the user who holds a permission says so by name."""

from ferlib import tables
from ferlib.errors import InputError
from ferlib.lmfm import services
from ferlib.paths import ROOT, relative

TERMS = ROOT / "data" / "terms" / "datasets.csv"

COLUMNS = ("dataset", "terms", "quotation", "quoted_from", "source", "checked")

FREE = ("demo", "demo-crossed", "demo-light-pose", "demo-action-units")
"""Datasets that anyone may send anywhere: the rendered faces, which are in the public domain (CC0)."""


def check(datasets, *, model, may_send=()):
    """Raise unless the images of these datasets may be sent to a model's address.

    An address on this machine is always allowed: mind that a gateway which listens here and passes requests on is such
    an address, too.

    `may_send` are datasets that the user holds permission for. The `InputError` names each of the others with its terms
    and their source, the host, and the parameter.
    """
    unclear = sorted({*datasets} - {*FREE, *may_send})
    if unclear and not services.is_loopback(model["base_url"]):
        known = tables.read_csv(TERMS, columns=COLUMNS, dtype=str, keep_default_na=False).set_index("dataset")
        reasons = "\n".join(f"- {name!r}: {_terms(name, known)}" for name in unclear)
        raise InputError(
            f"model {model['name']!r} at {services.host(model['base_url'])}: images of "
            f"{', '.join(map(repr, unclear))} stay on this machine. Their terms:\n{reasons}\nIf you hold permission to "
            f"send them there, name the dataset: may_send = {sorted({*may_send, *unclear})!r}."
        )


def _terms(name, known):
    if name not in known.index:
        return f"not known here (no row in {relative(TERMS)}), so taken to forbid it"
    row = known.loc[name]
    quoted = f"it says “{row['quotation']}” ({row['quoted_from']}); " if row["quotation"] else ""
    return f"{quoted}in our words: {row['terms']}. Source: {row['source']}, noted here on {row['checked']}"
