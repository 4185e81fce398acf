"""A small audit with known truth, for the tests of the statistics and the figures."""

import numpy as np
import pandas as pd

from ferlib.labels import EMOTIONS


def manifest_of(people=3, races=("Asian", "Black", "White"), emotions=EMOTIONS, dataset="set"):
    """A balanced manifest: each person of each race-gender group shows each emotion once."""
    rows = []
    for race in races:
        for gender in ("Female", "Male"):
            for number in range(people):
                subject = f"{race[0]}{gender[0]}{number:02d}"
                for emotion in emotions:
                    rows.append((dataset, f"{subject}-{emotion}", subject, emotion, race, gender, f"{race} {gender}"))
    return pd.DataFrame(rows, columns=["dataset", "image_id", "subject_id", "emotion", "race", "gender", "group"])


def predictions_of(manifest, *, seed, model="model", variant="only", repeat=0):
    """Random answers: two in three right, one in ten without an answer, the others anything."""
    random = np.random.default_rng(seed)
    predicted = manifest["emotion"].to_numpy(dtype=object).copy()
    guess = random.random(len(manifest)) < 1 / 3
    predicted[guess] = random.choice(EMOTIONS, guess.sum())
    status = random.choice(
        ["ok", "refused", "blocked", "truncated", "unparsed", "error"], len(manifest), p=[0.9, *[0.02] * 5]
    )
    predicted[status != "ok"] = None
    return manifest[["dataset", "image_id"]].assign(
        model=model, variant=variant, repeat=repeat, status=status, predicted=pd.Series(predicted, index=manifest.index)
    )


def step_down(observed, null):
    """Step-down max-T by its definition, one contrast at a time (Westfall and Young 1993, algorithm 4.1)."""
    order = np.argsort(-np.asarray(observed))
    adjusted, before = np.empty(len(order)), 0.0
    for rank, index in enumerate(order):
        reached = (null[:, order[rank:]].max(axis=1) >= observed[index] - 1e-5).sum()
        before = max(before, (1 + reached) / (1 + len(null)))
        adjusted[index] = before
    return adjusted


def assert_equivalent_from(edges, judged):
    """Each contrast is `equivalent` when delta passes its edge, and not before.

    Parameters
    ----------
    edges : numpy.ndarray
        Largest distance from 0 of the ends of each contrast's simultaneous interval.
    judged : callable
        Verdicts of the same contrasts for a delta.
    """
    for number, edge in enumerate(edges):
        assert list(judged(edge * (1 + 1e-4)))[number] == "equivalent", (number, edge)
        assert list(judged(edge * (1 - 1e-4)))[number] == "inconclusive", (number, edge)
