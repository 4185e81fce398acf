"""What is derived from the published numbers agrees with them, with other libraries, and names its assumptions."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import hypergeom
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

from ferlib import paths
from ferlib.stats import published_claims


@pytest.fixture(scope="module")
def published():
    return {path.stem: pd.read_csv(path) for path in paths.PUBLISHED.glob("*.csv")}


@pytest.fixture(scope="module")
def counts(published):
    radiate = published["composition"].query("dataset == 'radiate'")
    images = published_claims.images_of_groups(radiate, published["radiate_models"])
    return published["confusions"].merge(images, on=["true", "group"])


def test_the_transcript_has_42_pairs_of_8_groups_and_the_headlines_counts(published):
    table = published["confusions"]
    assert len(table) == 42 * 8 and not table.duplicated(["true", "predicted", "group"]).any()
    headline = table.query("true == 'anger' and predicted == 'disgust'").set_index("group")["count"]
    assert (headline["Black Female"], headline["White Female"]) == (17, 8)
    assert table["count"].sum() == 432


@pytest.mark.parametrize("total", [1488, 1053, 1207])
def test_a_share_is_decoded_into_every_count_that_prints_like_it_and_no_other(total):
    for count in range(0, total, 37):
        percent = float(f"{100 * count / total:.2f}")
        expected = [k for k in range(total + 1) if f"{100 * k / total:.2f}" == f"{percent:.2f}"]
        assert published_claims.possible_counts(percent, total) == expected


def test_the_images_of_the_groups_add_up_to_those_of_the_races(published, counts):
    images = counts.drop_duplicates(["true", "group"])
    summed = images.groupby(["race", "true"])["n"].sum()
    radiate = published["composition"].query("dataset == 'radiate'").set_index(["race", "emotion"])["n_images"]
    assert (summed - radiate.reindex(summed.index)).abs().max() <= 1
    assert (images["n_least"] <= images["n"]).all() and (images["n"] <= images["n_most"]).all()


def test_no_group_has_more_mistakes_than_images(counts):
    mistaken = counts.groupby(["true", "group"]).agg(mistakes=("count", "sum"), n=("n_most", "first"))
    assert (mistaken["mistakes"] <= mistaken["n"]).all()


def test_contrasts_agree_with_statsmodels_and_scipy_one_by_one(counts):
    table = published_claims.contrasts(counts)
    for row in table.sample(40, random_state=0).itertuples():
        _, p = proportions_ztest([row.count_a, row.count_b], [row.n_a, row.n_b])
        assert row.p == pytest.approx(p)
    small = table[table["p_exact"].notna() & (table["n_a"] < 41) & (table["n_b"] < 41)].sample(6, random_state=1)
    for row in small.itertuples():
        shown = hypergeom(row.n_a + row.n_b, row.count_a + row.count_b, row.n_a)
        half = shown.pmf(row.count_a) / 2
        tails = shown.cdf(row.count_a) - half, shown.sf(row.count_a) + half
        assert row.p_exact == pytest.approx(min(1, 2 * min(tails)))
    expected = multipletests(table["p_exact"].fillna(table["p"]), method="holm")[1]
    np.testing.assert_allclose(table["p_holm"], expected)


def test_with_two_images_a_person_as_one_the_interval_is_that_of_half_the_images():
    whole = published_claims.compare(17, 40, 8, 30, design_effect=2).iloc[0]
    half = published_claims.compare(8.5, 20, 4, 15).iloc[0]
    np.testing.assert_allclose(whole[["rr_low", "rr_high", "p"]], half[["rr_low", "rr_high", "p"]])


def test_the_findings_that_notebook_09_states(counts):
    table = published_claims.contrasts(counts)
    assert not (table["p_holm"] < 0.05).any()
    first = table.loc[table["p"].idxmin()]
    assert (first["true"], first["predicted"], first["group_a"], first["group_b"]) == (
        "fear", "surprise", "Black Female", "White Female",
    )  # fmt: skip
    ratio = published_claims.compare(17, 40, 8, 30).iloc[0]
    assert ratio["rr_low"] < 1 < 1.55 < ratio["risk_ratio"] < 1.65 < 3 < ratio["rr_high"]
