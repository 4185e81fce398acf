"""What a training needs to go on where it was stopped: a file beside the model, until the training has ended."""

import json

import torch
from safetensors import safe_open
from safetensors.torch import save as packed

from ferlib import tables


def save(path, *, identity, step, model, optimisers, losses, more=None):
    """Write the state of a training.

    Parameters
    ----------
    path : pathlib.Path
    identity : str
        What the training is.
    step : int
        The step to go on with.
    model : torch.nn.Module
    optimisers : sequence of torch.optim.Optimizer
    losses : numpy.ndarray, shape (steps,)
    more : object, optional
        Anything else that JSON can hold, such as the state of a generator.
    """
    state = {f"model.{name}": value.contiguous() for name, value in model.state_dict().items()}
    for number, optimiser in enumerate(optimisers):
        for place, values in optimiser.state_dict()["state"].items():
            state |= {
                f"optimiser.{number}.{place}.{name}": torch.as_tensor(v).contiguous() for name, v in values.items()
            }
    state["losses"] = torch.from_numpy(losses.copy())
    about = {"identity": identity, "step": json.dumps(step), "more": json.dumps(more)}
    tables.write_bytes(packed({name: value.clone() for name, value in state.items()}, about), path)


def resume(path, *, identity, model, optimisers, losses):
    """Take up the state that `save` left; that of another training is left alone.

    Parameters
    ----------
    path, identity, model, optimisers, losses
        As for `save`; the last three are changed in place.

    Returns
    -------
    step : int
        The step to go on with; 0 where there is nothing to take up.
    more : object
        As given to `save`; None where there is nothing.
    """
    if not path.is_file():
        return 0, None
    with safe_open(path, "pt") as file:
        about = file.metadata()
        if about["identity"] != identity:
            return 0, None
        state = {name: file.get_tensor(name) for name in file.keys()}
    model.load_state_dict({n.removeprefix("model."): v for n, v in state.items() if n.startswith("model.")})
    for number, optimiser in enumerate(optimisers):
        found = {}
        for name, value in state.items():
            if name.startswith(f"optimiser.{number}."):
                _, _, place, key = name.split(".")
                found.setdefault(int(place), {})[key] = value
        optimiser.load_state_dict({"state": found, "param_groups": optimiser.state_dict()["param_groups"]})
    losses[:] = state["losses"].numpy()
    return json.loads(about["step"]), json.loads(about.get("more", "null"))
