"""The training loop that both stages of the demo models share: a fixed number of steps, the same for the same seed."""

import math

import numpy as np
import torch
from tqdm.auto import tqdm

RAMP = 60
"""Steps over which the learning rate rises, before it falls along half a cosine."""


def minimise(loss, parameters, *, n_images, steps, batch_size, learning_rate, seed, description, progress=True):
    """Minimise a loss over batches of images with AdamW.

    The number of steps is fixed, not the time: a slower machine takes longer and arrives at the same place.

    Parameters
    ----------
    loss : callable
        Takes the rows of a batch, int64 (batch_size,), and a `numpy.random.Generator`; returns a scalar tensor.
    parameters : sequence of torch.nn.Parameter
    n_images : int
        Every image is used once before any is used again.
    steps, batch_size : int
    learning_rate : float
        The highest; see `RAMP`.
    seed : int
    description : str
        Shown beside the progress bar.
    progress : bool
        Show a progress bar.

    Returns
    -------
    numpy.ndarray, shape (steps,)
        The loss of each step's batch, before the step.
    """
    parameters = list(parameters)
    optimiser = torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": 0.05},
            {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
        ],
        lr=learning_rate,
        betas=(0.9, 0.98),
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate(step, steps))
    generator = np.random.default_rng(seed)
    batches = _batches(n_images, batch_size, generator)
    losses = np.empty(steps)
    with tqdm(total=steps, desc=description, unit="step", disable=not progress, mininterval=5) as bar:
        for step in range(steps):
            value = loss(next(batches), generator)
            optimiser.zero_grad(set_to_none=True)
            value.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            schedule.step()
            losses[step] = value.detach()
            bar.update()
            bar.set_postfix(loss=f"{losses[max(0, step - 20) : step + 1].mean():.3f}", refresh=False)
    return losses


def rate(step, steps):
    """Learning rate at a step, as a share of the highest.

    Examples
    --------
    >>> rate(59, 1000) > rate(0, 1000), rate(999, 1000) < 0.02
    (True, True)
    """
    return min(1.0, (step + 1) / RAMP) * (0.5 * (1 + math.cos(math.pi * step / steps)) + 0.01)


def _batches(n_images, batch_size, generator):
    waiting = np.empty(0, dtype=np.int64)
    while True:
        while len(waiting) < batch_size:
            waiting = np.concatenate([waiting, generator.permutation(n_images)])
        yield waiting[:batch_size]
        waiting = waiting[batch_size:]
