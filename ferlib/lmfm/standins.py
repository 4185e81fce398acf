"""A server that answers in place of a provider, such as the demo's; named by a parameter, never imported by name."""

from importlib import import_module
from types import SimpleNamespace

WORD = "standin"
"""A model whose `base_url` is this word is answered by the stand-in."""

NOBODY = SimpleNamespace(
    pin=lambda models: models, connect=lambda model: model, sources=lambda models: [], stop=lambda: None
)  # fmt: skip
"""What stands in where no model asks for it: nothing. Models stay as they are, no file is read, nothing has to end."""


def of(models, *, package, weights):
    """The stand-in that some of the models (of notebook 04) ask for, or `NOBODY`.

    Parameters
    ----------
    models : list of dict
    package : str
        Module with a class `StandIn`, which has the methods of `NOBODY`; imported only if a model asks for it.
    weights : str
        Folder of the networks that it answers from.
    """
    if any(isinstance(model, dict) and model.get("base_url") == WORD for model in models):
        return import_module(package).StandIn(weights=weights)
    return NOBODY
