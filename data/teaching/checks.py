"""Checks of the exercises: each says whether an answer is right and, when it is not, what it looks like.

They compute the answers another way than the solutions do, from the same tables, so that they stay right when the
tables are made anew. A usual misunderstanding is recognised and named; the right answer is never shown.
"""

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
BANDS = ("light", "medium", "dark")
DEALS = 4999
"""How often the checks deal out the labels themselves."""


class NotYet(AssertionError):
    """An answer that is not right yet, with a hint."""


def _expect(condition, hint):
    if not condition:
        raise NotYet(hint)


def _near(value, wanted, within=1e-6):
    return np.allclose(np.asarray(value, dtype=float), np.asarray(wanted, dtype=float), rtol=0, atol=within)


def _of_bands(answer, what):
    _expect(isinstance(answer, dict | pd.Series), f"`{what}` is to be a pandas Series with the bands as its index.")
    missing = [band for band in BANDS if band not in answer]
    _expect(not missing, f"`{what}` has nothing for the band {', '.join(missing)}.")
    return [float(answer[band]) for band in BANDS]


def _faces():
    table = pd.read_csv(HERE / "tables" / "faces.csv")
    tone = table["skin_tone"]
    return table.assign(band=np.select([tone <= 3, tone <= 6], BANDS[:2], BANDS[2]))


def _answers(model):
    table = pd.read_csv(HERE / "tables" / "answers.csv")
    table = _faces().merge(table[table["model"] == model], on="image_id", validate="one_to_one")
    return table.assign(right=(table["predicted"] == table["emotion"]).astype(float))


def _people(people):
    persons = _faces().drop_duplicates("subject_id")
    answer = _of_bands(people, "people")
    images = [(_faces()["band"] == band).sum() for band in BANDS]
    _expect(answer != images, "These are images. One person has several: count each `subject_id` once.")
    _expect(answer == [(persons["band"] == band).sum() for band in BANDS], "These are not the people of each band.")


def people_per_band(people):
    """1.1: people, not images, in each band of tone."""
    _people(people)
    print("Right: the number of people is what the data can be sure about.")


def accuracy_per_band(table):
    """1.2: a rate with its images and its people, unanswered images in the denominator."""
    for column in ("images", "people", "accuracy"):
        _expect(column in table, f"`table` has no column {column!r}.")
    rows = _answers("demo-openai-skewed")
    inside = [rows[rows["band"] == band] for band in BANDS]
    _people(table["people"])
    _expect(
        _of_bands(table["images"], "images") == [len(part) for part in inside], "`images` counts all that were asked."
    )
    answer = _of_bands(table["accuracy"], "accuracy")
    answered = [part.loc[part["status"] == "ok", "right"].mean() for part in inside]
    _expect(
        not _near(answer, answered),
        "This is the accuracy among the images that were answered. A model could reach 1 by refusing all that is hard.",
    )
    _expect(_near(answer, [part["right"].mean() for part in inside]), "These are not the shares that were read right.")
    print("Right: each rate has its images and its people beside it.")


def z_test(function):
    """1.3: the pooled two-proportion z-test, two-sided."""
    from statsmodels.stats.proportion import proportions_ztest

    for right_a, n_a, right_b, n_b in ((45, 60, 30, 60), (17, 40, 8, 29), (90, 100, 950, 1000)):
        z, p = function(right_a, n_a, right_b, n_b)
        wanted, wanted_p = proportions_ztest([right_a, right_b], [n_a, n_b])
        rates = right_a / n_a, right_b / n_b
        apart = np.sqrt(sum(rate * (1 - rate) / n for rate, n in zip(rates, (n_a, n_b), strict=True)))
        _expect(
            _near(z, wanted) or not _near(z, (rates[0] - rates[1]) / apart),
            "Each group has its own variance here. Under the hypothesis there is one rate for both: pool them.",
        )
        _expect(not _near(z, -wanted), "The sign is turned round: a positive z means that a is larger.")
        _expect(_near(z, wanted), f"z of {right_a} of {n_a} against {right_b} of {n_b} is not right.")
        _expect(not _near(p, wanted_p / 2), "This p is one-sided: a difference the other way would count as much.")
        _expect(_near(p, wanted_p), "z is right, but p is not: the probability beyond |z| on both sides.")
    print("Right: it agrees with statsmodels.")


def double_every_image(once, twice, new_people):
    """1.4: doubled images change p, but bring nobody."""
    from statsmodels.stats.proportion import proportions_ztest

    rows = _answers("demo-clip-skewed")
    dark, light = (rows.loc[rows["band"] == band, "right"] for band in ("dark", "light"))
    counted, asked = np.array([dark.sum(), light.sum()]), np.array([len(dark), len(light)])
    _expect(
        not _near(once[0], -proportions_ztest(counted, asked)[0]), "`once` compares light with dark: turn it round."
    )
    _expect(_near(once, proportions_ztest(counted, asked)), "`once` is not z and p of dark against light faces.")
    _expect(not _near(twice, once), "`twice` is the same as `once`: did you use `doubled`?")
    _expect(_near(twice, proportions_ztest(2 * counted, 2 * asked)), "`twice` is not z and p on the doubled rows.")
    _expect(new_people != len(rows), "These are the rows that were added. Who is in them?")
    _expect(new_people == 0, "Count the different `subject_id` in both tables. How many are new?")
    print(f"Right: z grew by {twice[0] / once[0]:.3f}, the square root of 2, and nobody new was asked.")


def shuffled_bands(function):
    """1.5: labels dealt out anew to people."""
    faces = _faces()
    first, second = (function(faces.copy(), np.random.default_rng(seed)) for seed in (1, 2))
    _expect(isinstance(first, pd.Series) and len(first) == len(faces), "Return a Series with a band for each row.")
    _expect(first.notna().all(), "Some rows have no band: does the index of your Series fit that of `faces`?")
    dealt = faces.assign(band=first.to_numpy())
    _expect(
        (dealt.groupby("subject_id")["band"].nunique() == 1).all(),
        "Somebody is light in one image and dark in another: these labels were dealt out to images, not to people.",
    )
    before, after = (frame.drop_duplicates("subject_id")["band"].value_counts().to_dict() for frame in (faces, dealt))
    _expect(before == after, "There are more people in one band than before: shuffle the labels, do not draw new ones.")
    _expect((first.to_numpy() != faces["band"].to_numpy()).any(), "Nothing was shuffled.")
    _expect((first.to_numpy() != second.to_numpy()).any(), "Two deals are the same: use the `rng` that is given.")
    print("Right: everybody keeps one label in all of their pictures.")


def _permutation_p(model, deals):
    rows = _answers(model)
    persons = rows.groupby("subject_id").agg(right=("right", "sum"), images=("right", "size"), band=("band", "first"))
    right, images = persons["right"].to_numpy(float), persons["images"].to_numpy(float)
    side = (persons["band"] == "dark").to_numpy(float) + 1j * (persons["band"] == "light").to_numpy(float)
    rng = np.random.default_rng(7)
    sides = np.array([side] + [rng.permutation(side) for _ in range(deals)])
    rates = [part @ right / (part @ images) for part in (sides.real, sides.imag)]
    gaps = np.abs(rates[0] - rates[1])
    return np.mean(gaps >= gaps[0] - 1e-12)


def permutation_p(p):
    """1.5: p-values of a test that shuffles people, within what chance does to 499 deals."""
    for model in ("demo-clip-skewed", "demo-clip-balanced"):
        _expect(model in p, f"`p` has no value for {model}.")
        _expect(p[model] != 0, "p is never 0: the real deal is one of the possible ones. Add 1 above and below.")
        _expect(0 < p[model] <= 1, f"The p of {model} is no probability.")
        wanted = _permutation_p(model, DEALS)
        error = np.sqrt(max(wanted * (1 - wanted), 0.002) * (1 / 499 + 1 / DEALS))
        _expect(
            abs(p[model] - wanted / 2) > 4 * error or abs(p[model] - wanted) <= 4 * error,
            f"The p of {model} looks one-sided: count gaps that are as far from 0 on either side.",
        )
        _expect(abs(p[model] - wanted) <= 4 * error, f"The p of {model} is not that of shuffling people.")
    print("Right: the same question, asked of people.")
