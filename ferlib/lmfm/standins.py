"""A server that answers in place of a provider, such as the demo's; named by a parameter, never imported by name."""

from importlib import import_module

WORD = "standin"
"""A model whose `base_url` is this word is answered by the stand-in."""


class Nobody:
    """What stands in where no model asks for it: nothing."""

    def pin(self, models):
        """The models as they are."""
        return models

    def connect(self, model):
        """The model as it is."""
        return model

    def sources(self, _):
        """No file."""
        return []

    def stop(self):
        """Nothing to end."""


def of(models, *, package, weights):
    """The stand-in that some of the models (of notebook 04) ask for, or `Nobody`.

    Parameters
    ----------
    models : list of dict
    package : str
        Module with a class `StandIn`, which has the methods of `Nobody`; imported only if a model asks for it.
    weights : str
        Folder of the networks that it answers from.
    """
    if any(isinstance(model, dict) and model.get("base_url") == WORD for model in models):
        return import_module(package).StandIn(weights=weights)
    return Nobody()
