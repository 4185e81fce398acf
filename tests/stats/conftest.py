"""A small audit, ready to be counted."""

import pandas as pd
import pytest
from stats_helpers import manifest_of, predictions_of

from ferlib.stats import counts, outcomes


@pytest.fixture
def manifest():
    return manifest_of()


@pytest.fixture
def predictions(manifest):
    parts = [predictions_of(manifest, seed=seed, model=model) for seed, model in enumerate(("first", "second"))]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def joined(predictions, manifest):
    return outcomes.join(predictions, manifest)


@pytest.fixture
def all_counts(joined):
    return counts.tally(joined)
