"""The spread over wordings is what one gets by counting by hand."""

import numpy as np
import pandas as pd
import pytest
from stats_helpers import manifest_of, predictions_of

from ferlib.probe import zeroshot
from ferlib.stats import outcomes


@pytest.fixture(scope="module")
def joined():
    manifest = manifest_of(4, ("Black", "White"))
    variants = [predictions_of(manifest, seed=seed).assign(variant=name) for seed, name in enumerate("abc")]
    variants.append(variants[1].assign(variant="ensemble"))
    return outcomes.join(pd.concat(variants), manifest)


def test_the_spread_is_best_minus_worst_wording_of_each_group(joined):
    table = zeroshot.wordings(joined)
    right = (joined["outcome"] == joined["true"]).groupby([joined["race"], joined["variant"]]).mean().unstack()
    each = right[["a", "b", "c"]]
    found = table[table["by"] == "race"].set_index("group")
    np.testing.assert_allclose(found["spread"], each.max(axis=1) - each.min(axis=1))
    np.testing.assert_allclose(found["sd_wordings"], each.std(axis=1))
    np.testing.assert_allclose(found["accuracy_ensemble"], right["b"])
    assert found["lowest"].tolist() == each.idxmin(axis=1).tolist() and (found["n_wordings"] == 3).all()


def test_changing_counts_images_whose_label_depends_on_the_wording(joined):
    table = zeroshot.wordings(joined)
    labels = joined[joined["variant"] != "ensemble"].groupby(["group", "image_id"])["outcome"].nunique()
    expected = (labels > 1).groupby("group").mean()
    found = table[table["by"] == "group"].set_index("group")
    np.testing.assert_allclose(found["changing"], expected)
    assert (found["changing_low"] <= found["changing"]).all() and (found["changing"] <= found["changing_high"]).all()


def test_one_wording_has_no_spread(joined):
    table = zeroshot.wordings(joined[joined["variant"].isin(["a", "ensemble"])])
    assert (table["spread"] == 0).all() and (table["changing"] == 0).all() and (table["changing_high"] > 0).all()
