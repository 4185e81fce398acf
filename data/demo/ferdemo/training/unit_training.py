"""The training of a network for Action Units: a fixed number of steps, resumed where it stopped."""

import numpy as np
import torch
import torch.nn.functional as F
from tqdm import tqdm

from ferdemo.training import checkpoints
from ferdemo.training.optimising import EVERY, MATRIX_RATE, rate
from ferdemo.training.training_images import vary


def fit(model, pixels, present, *, steps, batch_size, learning_rate, seed, checkpoint, identity, progress=True):
    """Train a network by binary cross-entropy.

    The same arguments give the same weights, whether the training was interrupted or not.

    Filters are trained with Muon, which makes each update orthogonal (Jordan et al. 2024,
    https://kellerjordan.github.io/posts/muon), all else with AdamW. What is random in a step depends on the seed and
    the number of the step alone, so that a checkpoint needs no state of a generator.

    Parameters
    ----------
    model : torch.nn.Module
        Images to logits; changed in place.
    pixels : torch.Tensor, shape (n, 3, size, size), uint8
        Varied anew in every step, see `ferdemo.training.training_images.vary`.
    present : torch.Tensor, shape (n, units), float32
        1 where a unit is present, else 0.
    steps, batch_size : int
    learning_rate : float
        The highest.
    seed : int
    checkpoint : pathlib.Path
        Written every `EVERY` steps, removed at the end.
    identity : str
        What the training is; a checkpoint of another is not resumed.
    progress : bool

    Returns
    -------
    numpy.ndarray, shape (steps,)
        The loss of each step's batch, before the step.
    """
    model.to(memory_format=torch.channels_last).train()
    optimisers, views = _optimisers(model, learning_rate)
    losses = np.full(steps, np.nan)
    state = {"identity": identity, "model": model, "optimisers": [one for one, _ in optimisers], "losses": losses}
    first, _ = checkpoints.resume(checkpoint, **state)
    with tqdm(total=steps, initial=first, desc="units", unit="step", disable=not progress, mininterval=5) as bar:
        for step in range(first, steps):
            rows = torch.from_numpy(_rows(len(pixels), batch_size, step, seed))
            images = vary(pixels[rows], generator=np.random.default_rng([seed, 1, step]))
            loss = F.binary_cross_entropy_with_logits(model(images), present[rows])
            model.zero_grad(set_to_none=True)
            loss.backward()
            for view, weight in views:
                view.grad = _flat(weight.grad)
            for optimiser, highest in optimisers:
                optimiser.param_groups[0]["lr"] = highest * rate(step, steps)
                optimiser.step()
            losses[step] = loss.detach()
            bar.update()
            if (step + 1) % EVERY == 0 and step + 1 < steps:
                checkpoints.save(checkpoint, step=step + 1, **state)
    checkpoint.unlink(missing_ok=True)
    return losses


def thresholds(logits, present):
    """For each unit, the logit above which saying that it is there gives the highest F1.

    Rare units are told too seldom at a logit of 0: there the network is as often right as wrong, which counts missed
    units and false ones alike, while F1 does not count what is rightly passed over.

    Parameters
    ----------
    logits : numpy.ndarray, shape (n, units)
        Of images that the network has not been trained on.
    present : numpy.ndarray of bool, shape (n, units)

    Returns
    -------
    numpy.ndarray, shape (units,)
        Half way between the two scores that it keeps apart; 0 for a unit that none or all of the images show.
    """
    if len(logits) < 2:
        return np.zeros(logits.shape[1])
    order = np.argsort(-logits, axis=0, kind="stable")
    scores, hits = np.take_along_axis(logits, order, axis=0), np.take_along_axis(present, order, axis=0)
    n_said, n_present = np.arange(1, len(logits) + 1)[:, None], hits.sum(axis=0)
    f1 = 2 * hits.cumsum(axis=0) / (n_said + n_present)
    f1[:-1][scores[:-1] == scores[1:]] = -1  # equal scores are not kept apart
    last = np.minimum(f1.argmax(axis=0), len(logits) - 2)
    units = np.arange(logits.shape[1])
    half_way = (scores[last, units] + scores[last + 1, units]) / 2
    return np.where((n_present == 0) | (n_present == len(logits)), 0.0, half_way)


def _optimisers(model, learning_rate):
    filters = [weight for weight in model.parameters() if weight.ndim == 4]
    others = [weight for weight in model.parameters() if weight.ndim != 4]
    views = [torch.nn.Parameter(_flat(weight.detach())) for weight in filters]
    highest = MATRIX_RATE * learning_rate
    return [
        (torch.optim.AdamW(others, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.01), learning_rate),
        (torch.optim.Muon(views, lr=highest, momentum=0.95, weight_decay=0.05), highest),
    ], list(zip(views, filters, strict=True))


def _flat(filters):
    """Filters as a matrix, one row an output; in the order channels last it shares their storage."""
    return filters.permute(0, 2, 3, 1).flatten(1)


def _rows(n, batch_size, step, seed):
    """Rows of a step's batch: every image is used once before any is used again."""
    places = np.arange(step * batch_size, (step + 1) * batch_size)
    orders = {turn: np.random.default_rng([seed, 0, turn]).permutation(n) for turn in np.unique(places // n)}
    return np.array([orders[place // n][place % n] for place in places])
