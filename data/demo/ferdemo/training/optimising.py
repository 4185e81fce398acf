"""The training loop that both stages of the demo models share: a fixed number of steps, the same for the same seed."""

import math
import re

import numpy as np
import torch
from tqdm import tqdm

from ferdemo.training import checkpoints

RAMP = 30
"""Steps over which the learning rate rises, before it falls along half a cosine."""
MATRIX_RATE = 10
"""Learning rate of weight matrices, as a multiple of the others'."""
EVERY = 50
"""Steps between checkpoints."""


def minimise(
    loss,
    model,
    *,
    n_images,
    steps,
    batch_size,
    learning_rate,
    seed,
    description,
    progress=True,
    checkpoint=None,
    identity="",
):
    """Minimise a loss over batches of images.

    Weight matrices and filters are trained with Muon, which makes each update orthogonal (Jordan et al. 2024,
    https://kellerjordan.github.io/posts/muon), all else with AdamW. In trials a tower arrived in 120 such steps where
    AdamW alone took 500. The number of steps is fixed, not the time: a slower machine takes longer and arrives at the
    same place.

    Parameters
    ----------
    loss : callable
        Takes the rows of a batch, int64 (batch_size,), and a `numpy.random.Generator`; returns a scalar tensor.
    model : torch.nn.Module
        What is trained; changed in place.
    n_images : int
        Every image is used once before any is used again.
    steps, batch_size : int
    learning_rate : float
        The highest; see `RAMP` and `MATRIX_RATE`.
    seed : int
    description : str
        Shown beside the progress bar.
    progress : bool
        Show a progress bar.
    checkpoint : pathlib.Path, optional
        Written every `EVERY` steps and removed at the end, so that a training that was stopped goes on there and ends
        as if it had not been. None where it shall start anew.
    identity : str
        What the training is; a checkpoint of another is not taken up.

    Returns
    -------
    numpy.ndarray, shape (steps,)
        The loss of each step's batch, before the step.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    matrices = [p for name, p in model.named_parameters() if p.requires_grad and is_matrix(name, p)]
    known = {id(parameter) for parameter in matrices}
    others = [parameter for parameter in parameters if id(parameter) not in known]
    flat = [torch.nn.Parameter(_flat(matrix.detach(), matrix)) for matrix in matrices]
    optimisers = [torch.optim.AdamW(others, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.01)] if others else []
    if flat:
        optimisers.append(torch.optim.Muon(flat, lr=MATRIX_RATE * learning_rate, momentum=0.95, weight_decay=0.05))
    highest = [one.param_groups[0]["lr"] for one in optimisers]
    generator, waiting = np.random.default_rng(seed), np.empty(0, dtype=np.int64)
    losses, first = np.full(steps, np.nan), 0
    state = {"identity": identity, "model": model, "optimisers": optimisers, "losses": losses}
    if checkpoint is not None:
        first, random = checkpoints.resume(checkpoint, **state)
        if first:
            generator.bit_generator.state, waiting = random["generator"], np.array(random["waiting"], dtype=np.int64)
    with tqdm(total=steps, initial=first, desc=description, unit="step", disable=not progress, mininterval=5) as bar:
        for step in range(first, steps):
            while len(waiting) < batch_size:
                waiting = np.concatenate([waiting, generator.permutation(n_images)])
            rows, waiting = waiting[:batch_size], waiting[batch_size:]
            value = loss(rows, generator)
            model.zero_grad(set_to_none=True)
            value.backward()
            torch.nn.utils.clip_grad_norm_(others, 1.0)
            for view, matrix in zip(flat, matrices, strict=True):
                view.grad = None if matrix.grad is None else _flat(matrix.grad, matrix)
            for one, most in zip(optimisers, highest, strict=True):
                one.param_groups[0]["lr"] = most * rate(step, steps)
                one.step()
            losses[step] = value.detach()
            bar.update()
            bar.set_postfix(loss=f"{losses[max(0, step - 20) : step + 1].mean():.3f}", refresh=False)
            if checkpoint is not None and (step + 1) % EVERY == 0 and step + 1 < steps:
                random = {"generator": generator.bit_generator.state, "waiting": waiting.tolist()}
                checkpoints.save(checkpoint, step=step + 1, more=random, **state)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return losses


def is_matrix(name, parameter):
    """Whether a parameter maps features to features: no embedding (rows are looked up), no head, no vector.

    Examples
    --------
    >>> filters, table = torch.zeros(8, 3, 3, 3), torch.zeros(9, 4)
    >>> is_matrix("visual.conv1.weight", filters), is_matrix("token_embedding.weight", table)
    (True, False)
    """
    return parameter.ndim >= 2 and not re.search(r"embed|(?:^|\.)(?:lm_)?head\.", name)


def _flat(values, weight):
    """Values of a weight's shape as a matrix, a row an output; of the weight itself a view that shares its storage."""
    if weight.ndim == 4 and not weight.is_contiguous():
        values = values.permute(0, 2, 3, 1)  # channels last: that is the order in which they lie in the storage
    return values.flatten(1)


def rate(step, steps):
    """Learning rate at a step, as a share of the highest.

    Examples
    --------
    >>> rate(29, 1000) > rate(0, 1000), rate(999, 1000) < 0.02
    (True, True)
    """
    return min(1.0, (step + 1) / RAMP) * (0.5 * (1 + math.cos(math.pi * step / steps)) + 0.01)
