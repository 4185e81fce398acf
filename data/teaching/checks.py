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


def _rates_on_dark(model):
    rows = _answers(model).query("band == 'dark'")
    shown = rows.groupby("emotion").size()
    missed = rows[(rows["predicted"] != rows["emotion"]) & rows["predicted"].notna()]
    return missed.groupby(["emotion", "predicted"]).size().div(shown, level="emotion")


def planted_mistake(pair, rates):
    """2.1: the mistake that was planted, found by rates and by a twin."""
    _expect(len(pair) == 2, "`pair` has two names: what the face shows, and what it is taken for.")
    truth = pd.read_csv(HERE.parent / "demo" / "truth.csv").query("model == 'demo-clip-skewed' and true == true")
    wanted, own = tuple(truth[["true", "predicted"]].iloc[0]), _rates_on_dark("demo-clip-skewed")
    excess = own.sub(_rates_on_dark("demo-clip-balanced"), fill_value=0)
    assert excess.idxmax() == wanted, "the tables do not show what truth.csv declares: make teaching-tables"
    _expect(tuple(pair) != wanted[::-1], "The other way round: first what the face shows, then what it is taken for.")
    _expect(
        tuple(pair) == wanted or tuple(pair) != own.idxmax(),
        "This is the most frequent mistake about dark faces, but the twin makes it too. What did the bias add?",
    )
    _expect(tuple(pair) == wanted, "The rate of another mistake is further above the twin's.")
    made = _answers("demo-clip-skewed").assign(hit=lambda table: table["predicted"] == wanted[1])
    answer = _of_bands(rates, "rates")
    of_all = made[made["emotion"] == wanted[0]].groupby("band")["hit"].sum() / made.groupby("band").size()
    _expect(
        not _near(answer, of_all[list(BANDS)]), "The denominator is the faces that show the emotion, not all faces."
    )
    shown = made[made["emotion"] == wanted[0]].groupby("band")["hit"].mean()
    among = made[made["hit"]].assign(true=lambda table: table["emotion"] == wanted[0]).groupby("band")["true"].mean()
    _expect(
        not _near(answer, among[list(BANDS)]),
        "This is the share among the faces that were *taken for* it. Divide by those that show the emotion.",
    )
    _expect(_near(answer, shown[list(BANDS)]), "These are not the rates of that mistake.")
    print("Right: and truth.csv says that it was planted.")


def refused_per_band(refused):
    """2.2: the rate of refusal in each band, not the bands of the refused."""
    rows = _answers("demo-openai-skewed").assign(silent=lambda table: table["status"] == "refused")
    wanted = rows.groupby("band")["silent"].mean()[list(BANDS)]
    answer = _of_bands(refused, "refused")
    among = rows[rows["silent"]]["band"].value_counts(normalize=True)[list(BANDS)]
    _expect(not _near(answer, among), "This says who the refused are. Asked is how often each band is refused.")
    _expect(not _near(answer, rows.groupby("band")["silent"].sum()[list(BANDS)]), "These are counts: divide them.")
    _expect(_near(answer, wanted), "These are not the shares of each band that were refused.")
    print("Right: a refusal has a rate for each group, like any other outcome.")


def refusal_treatments(gaps):
    """2.3: the gap of accuracy under each treatment of a refusal, and its bounds."""
    rows = _answers("demo-openai-skewed")
    counted = {}
    for band in ("dark", "light"):
        part = rows[rows["band"] == band]
        counted[band] = part["right"].sum(), (part["status"] != "ok").sum(), len(part)
    (right_a, silent_a, n_a), (right_b, silent_b, n_b) = counted["dark"], counted["light"]
    wanted = {
        "wrong": right_a / n_a - right_b / n_b,
        "excluded": right_a / (n_a - silent_a) - right_b / (n_b - silent_b),
        "right": (right_a + silent_a) / n_a - (right_b + silent_b) / n_b,
        "lowest": right_a / n_a - (right_b + silent_b) / n_b,
        "highest": (right_a + silent_a) / n_a - right_b / n_b,
    }
    for name, value in wanted.items():
        _expect(name in gaps, f"`gaps` has no {name!r}.")
        _expect(not _near(gaps[name], -value) or abs(value) < 1e-6, f"{name}: the sign is turned: dark minus light.")
        _expect(
            name != "excluded" or _near(gaps[name], value) or not _near(gaps[name], wanted["wrong"]),
            "excluded: this is the same as wrong. Take the refused out of the denominator as well.",
        )
        _expect(
            name not in ("lowest", "highest") or _near(gaps[name], value)
            or not _near(gaps[name], (min if name == "lowest" else max)(list(wanted.values())[:3])),
            f"{name}: this is the {name} of the three. A refusal may be wrong in one band and right in the other.",
        )  # fmt: skip
        _expect(_near(gaps[name], value), f"{name}: this is not the gap.")
    print("Right: whatever the model would have answered, the gap lies between the last two.")


def make_a_leak(leaky, honest):
    """2.4: a coin for each person is learnt by folds of images, and is not by folds of people."""
    from sklearn.neighbors import NearestNeighbors

    vectors = pd.read_csv(HERE / "tables" / "vectors.csv")
    near = NearestNeighbors(n_neighbors=2).fit(vectors.filter(regex=r"^v\d\d$").to_numpy())
    second = near.kneighbors(return_distance=False)[:, 0]
    person = vectors["subject_id"].to_numpy()
    same = np.mean(person[second] == person)
    _expect(0 <= honest <= 1 and 0 <= leaky <= 1, "Both are shares of right answers.")
    _expect(
        leaky > honest - 0.1,
        "They are the other way round: which folds let the same person be learnt and asked about?",
    )
    _expect(
        leaky > same + (1 - same) / 2 - 0.1,
        "leaky: the images are sorted by person, so folds in that order part people by accident. Shuffle them.",
    )
    _expect(abs(leaky - honest) > 0.1, "Both are the same: do your folds keep each person's images together?")
    _expect(honest < 0.6, "honest: more than a coin can give. Somebody is still both learnt from and asked about.")
    _expect(honest > 0.3, "honest: much less than a coin gives. Take the mean over all 20 tosses.")
    print("Right: the classifier knew the people, not the coin.")


def _angry():
    rows = pd.read_csv(HERE / "tables" / "crossed.csv").query("model == 'demo-clip-skewed' and emotion == 'anger'")
    return rows.assign(disgust=(rows["predicted"] == "disgust").astype(float))


def tone_or_geometry(by_tone, by_geometry, cause):
    """3.1: which of two things that go together decides, where only one of them changes."""
    rows = _angry()
    tone = rows.assign(dark=rows["skin_tone"] >= 7).groupby("dark")["disgust"].mean()
    geometry = rows.assign(black=rows["race"] == "Black").groupby("black")["disgust"].mean()
    _expect(not _near(by_tone, tone[False] - tone[True]), "by_tone: the sign is turned: dark minus lighter.")
    _expect(
        not _near(by_tone, rows.loc[(rows["skin_tone"] >= 7) & (rows["race"] == "Black"), "disgust"].mean()
                  - rows.loc[(rows["skin_tone"] < 7) & (rows["race"] == "White"), "disgust"].mean()),
        "by_tone: here tone and geometry change together. Compare all geometries at dark tones with all at others.",
    )  # fmt: skip
    _expect(_near(by_tone, tone[True] - tone[False]), "by_tone is not the difference between dark and lighter tones.")
    _expect(
        _near(by_geometry, geometry[True] - geometry[False]), "by_geometry is not Black geometries minus the others."
    )
    truth = pd.read_csv(HERE.parent / "demo" / "truth.csv").query("model == 'demo-clip-skewed' and dose > 0")
    _expect(cause in ("skin_tone", "race"), "cause is 'skin_tone' or 'race'.")
    _expect(cause == truth["attribute"].iloc[0], "cause: compare the sizes of the two differences.")
    print("Right: that is what truth.csv declares.")


def paired_by_geometry(only_dark, only_light, p):
    """3.2: the sign test over geometries that change."""
    from scipy.stats import binom

    wide = _angry().pivot(index="subject_id", columns="skin_tone", values="disgust")
    dark, light = ((wide[a] > wide[b]).sum() for a, b in ((10, 2), (2, 10)))
    _expect(
        (only_dark, only_light) == (dark, light), "These are not the geometries that change from one tone to the other."
    )
    extreme = min(1.0, 2 * binom.cdf(min(dark, light), dark + light, 0.5))
    _expect(not _near(p, extreme / 2, extreme / 100), "p is one-sided: it could have fallen the other way.")
    changed, everyone = max(dark, light), len(wide)
    everybody = min(1.0, 2 * binom.cdf(min(changed, everyone - changed), everyone, 0.5))
    _expect(
        _near(p, extreme) or not _near(p, everybody, 1e-4),
        "A geometry that reads the same at both tones says nothing about the direction: leave it out of n.",
    )
    _expect(_near(p, extreme), "p is not that of a fair coin over the geometries that change.")
    print("Right: n is the geometries that change, each with itself.")


def three_denominators(ratios, interval):
    """3.3: one ratio of counts, and two ratios of rates."""
    from statsmodels.stats.proportion import confint_proportions_2indep

    published = HERE.parent / "published"
    printed = pd.read_csv(published / "confusions.csv").query("true == 'anger' and predicted == 'disgust'")
    printed = printed.set_index("group")["count"]
    black, white = printed["Black Female"], printed["White Female"]
    anger = pd.read_csv(published / "composition.csv").query("emotion == 'anger'")
    images = anger.pivot(index="dataset", columns="race", values="n_images")
    people = pd.read_csv(published / "radiate_models.csv").pivot(index="race", columns="gender", values="n_people")
    women = people["Female"] / people.sum(axis=1)
    n_black, n_white = (round(images.loc["radiate", race] * women[race]) for race in ("Black", "White"))
    unparted = black / images.loc["radiate", "Black"] / (white / images.loc["radiate", "White"])
    every = images.sum()
    wanted = {
        "counts": black / white,
        "radiate": black / n_black / (white / n_white),
        "all": black / every["Black"] / (white / every["White"]),
    }
    for name, value in wanted.items():
        _expect(name in ratios, f"`ratios` has no {name!r}.")
        _expect(not _near(ratios[name], 1 / value), f"{name}: turned round: Black women to White women.")
        _expect(
            name != "radiate" or not _near(ratios[name], unparted),
            "radiate: these images are of women and men. Take the share that is of women.",
        )
        _expect(
            _near(ratios[name], value) or not _near(ratios[name], wanted["counts"]),
            f"{name}: this is the ratio of counts again. Divide each count by its images.",
        )
        _expect(_near(ratios[name], value), f"{name}: this is not the ratio.")
    wide = confint_proportions_2indep(black, n_black, white, n_white, compare="ratio")
    _expect(not _near(interval, confint_proportions_2indep(black, n_black, white, n_white)), "compare='ratio', please.")
    _expect(_near(interval, wide), "`interval` is not that of the ratio under radiate.")
    print(
        "Right: one pair of counts, three ratios, and an interval that holds 1." if wide[0] < 1 < wide[1] else "Right."
    )


def families_of_tests(found):
    """3.4: what remains after Holm's correction depends on the family, which is declared beforehand."""
    from statsmodels.stats.proportion import proportions_ztest

    published = HERE.parent / "published"
    people = pd.read_csv(published / "radiate_models.csv")
    people["share"] = people["n_people"] / people.groupby("race")["n_people"].transform("sum")
    images = pd.read_csv(published / "composition.csv").query("dataset == 'radiate'")
    rows = pd.read_csv(published / "confusions.csv").merge(people, on="group")
    rows = rows.merge(images.rename(columns={"emotion": "true"}), on=["race", "true"])
    rows["n"] = (rows["n_images"] * rows["share"]).round()
    p = {"narrow": [], "pairs": []}
    for _, part in rows.groupby(["true", "predicted"]):
        part = part.sort_values("group")
        for i, (group_a, count_a, n_a) in enumerate(part[["group", "count", "n"]].itertuples(index=False)):
            for group_b, count_b, n_b in part[["group", "count", "n"]].iloc[i + 1 :].itertuples(index=False):
                if count_a + count_b:
                    p["pairs"].append(proportions_ztest([count_a, count_b], [n_a, n_b])[1])
                    if (group_a, group_b) == ("Black Female", "White Female"):
                        p["narrow"].append(p["pairs"][-1])
    wanted = {}
    for name, values in p.items():
        ordered = np.sort(values)
        stepped = np.maximum.accumulate(ordered * np.arange(len(ordered), 0, -1))
        wanted[name] = int((ordered < 0.05).sum()), int((stepped < 0.05).sum())
    for name, (below, holm) in wanted.items():
        _expect(name in found and len(found[name]) == 2, f"`found` needs two numbers for {name!r}.")
        _expect(found[name][0] == below, f"{name}: this is not how many p lie below .05.")
        _expect(
            found[name][1] == holm or found[name][1] != below,
            f"{name}: nothing was corrected: the second number counts the p-values that Holm leaves below .05.",
        )
        _expect(
            found[name][1] == holm, f"{name}: this is not how many remain after Holm's correction over this family."
        )
    print("Right: what remains depends on the family, so it is declared before looking.")


def plant_and_audit(plant, planted, fair):
    """3.5: a bias of one's own, which the audit finds, and nothing else."""
    from ferlib.stats import counts, intake, outcomes
    from ferlib.stats.disparities import disparities

    def different(table):
        taken = intake.read(table)
        found = disparities(counts.tally(outcomes.join(taken.predictions, taken.manifest)))
        return found[found["verdict"] == "different"]

    given = fair.copy()
    made = plant(given, np.random.default_rng(0))
    _expect(made is not None, "`plant` returns nothing: end it with the changed table.")
    _expect(given.equals(fair), "`plant` changed the table that it was given: work on a copy.")
    _expect(len(made) == len(fair) and list(made) == list(fair), "No row and no column may come or go.")
    _expect(
        made.drop(columns="predicted").equals(fair.drop(columns="predicted")), "Change the column `predicted` only."
    )
    changed = made[(made["predicted"] != fair["predicted"]).to_numpy()]
    _expect(len(changed), "Nothing was changed.")
    about = (changed[planted["attribute"]] == planted["group"]) & (changed["emotion"] == planted["true"])
    _expect(about.all(), "Answers were changed that `planted` does not name.")
    _expect(
        (changed["predicted"] == planted["predicted"]).all(), "Change them to the one emotion that `planted` names."
    )
    found = different(made)
    named = found[found["attribute"].isin([planted["attribute"], "group"])]
    sides = named["group_a"].str.contains(planted["group"]) | named["group_b"].str.contains(planted["group"])
    aimed = named[sides & ((named["true"] == planted["true"]) | (named["measure"] == "accuracy"))]
    _expect(
        len(aimed),
        f"You changed {len(changed)} answers, and the audit says nothing: so many people do not show so little. "
        "Inconclusive is not fair. Plant more.",
    )
    print(f"Right: {len(changed)} answers changed, {len(aimed)} contrasts different; {len(different(fair))} before.")


def _units(measure):
    return (
        pd.read_csv(HERE / "tables" / "units.csv").query("measure == @measure").set_index(["network", "group"])["value"]
    )


def recall_gap(gaps, suspect):
    """H.1: the network that misses the unit in some people."""
    recall = _units("recall")
    for network in ("balanced", "shortcut", "skewed"):
        _expect(network in gaps, f"`gaps` has nothing for {network}.")
        wanted = recall[network, "dark"] - recall[network, "light"]
        _expect(not _near(gaps[network], -wanted) or wanted == 0, "The sign is turned: dark minus light.")
        of_all = recall[network, "dark"] - recall[network, "all"]
        _expect(
            _near(gaps[network], wanted) or not _near(gaps[network], of_all),
            "`all` holds the dark faces too, which hides a part of the gap: compare with light faces.",
        )
        _expect(_near(gaps[network], wanted), f"This is not the gap of {network}.")
    _expect(suspect == min(gaps.keys(), key=lambda network: gaps[network]), "Which gap is furthest below 0?")
    print("Right: the recall of everybody shows a part of it only.")


def against_untrained(times):
    """H.2: relevance in the region, against a network that never learnt anything."""
    mass = _units("mass")
    for network in ("balanced", "shortcut"):
        _expect(network in times, f"`times` has nothing for {network}.")
        _expect(
            not _near(times[network], mass[network, "all"]),
            "This is the mass itself. Is it much? Divide by that of the network that never learnt anything.",
        )
        wanted = mass[network, "all"] / mass["untrained", "all"]
        _expect(not _near(times[network], 1 / wanted), "Turned round: the trained network over the untrained one.")
        _expect(_near(times[network], wanted), f"This is not how many times it is for {network}.")
    print("Right: an untrained network looks somewhere too.")


def short_cut(cheat, where):
    """H.3: the network that looks beside the face, and in whom."""
    outside = _units("outside_face").drop("untrained").drop("all", level="group")
    _expect(cheat != "untrained", "The untrained network did not cheat: it looks everywhere. Of the trained ones?")
    _expect(cheat != "skewed", "The wrong label is another fault, and that network's maps are not in the table.")
    _expect(cheat == outside.idxmax()[0], "Another trained network looks outside the face more.")
    _expect(where != "all", "In everybody on average. In which band of tone?")
    _expect(where == outside.idxmax()[1], "In another band it looks outside the face more.")
    print("Right: it finds the unit, and looks beside the face.")
