"""Bars, dots and matrices show the numbers of their table, no others, in letters that can be read."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from ferlib.figures import matrices, rates, style
from ferlib.labels import EMOTIONS, STATUSES

GROUPS = ("Asian Female", "Asian Male", "Black Female", "Black Male")
MODELS = ("one", "two")


@pytest.fixture
def composition():
    random = np.random.default_rng(0)
    rows = [
        (dataset, race, emotion, random.integers(0, 30), 12)
        for dataset in ("demo", "other")
        for race in ("Asian", "Black", "White")
        for emotion in EMOTIONS
    ]
    return pd.DataFrame(rows, columns=["dataset", "race", "emotion", "images", "people"])


@pytest.fixture
def accuracy():
    random = np.random.default_rng(1)
    rows = []
    for model in MODELS:
        for by, names in (("all", ["all"]), ("gender", ["Female", "Male"]), ("group", GROUPS)):
            for name in names:
                low, rate, high = np.sort(random.random(3))
                rows.append(("demo", model, "v", by, name, 84, 12, 84, rate, low, high))
    columns = ["dataset", "model", "variant", "by", "group", "n_images", "n_subjects", "n_answered", "accuracy"]
    return pd.DataFrame(rows, columns=[*columns, "ci_low", "ci_high"])


@pytest.fixture
def confusions():
    random = np.random.default_rng(2)
    rows = []
    for model in MODELS:
        for group in GROUPS:
            for true in EMOTIONS:
                outcome = random.multinomial(12, [0.3, *[0.05] * 14])[1:]
                for predicted, count in zip((*EMOTIONS, *STATUSES[1:]), outcome, strict=True):
                    rows.append(("demo", model, "v", group, true, predicted, count, 12, count / 12))
    columns = ["dataset", "model", "variant", "group", "true", "predicted", "count", "n_true", "rate"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def mistakes(confusions):
    wrong = confusions[(confusions["true"] != confusions["predicted"]) & (confusions["model"] == "one")]
    return wrong[wrong.groupby(["true", "predicted"])["count"].transform("sum") > 0]


@pytest.fixture
def pooled(confusions):
    known = confusions["predicted"].isin(EMOTIONS)
    table = confusions.assign(predicted=confusions["predicted"].where(known, matrices.NO_ANSWER))
    table = table.groupby(["dataset", "model", "variant", "true", "predicted"], as_index=False)["count"].sum()
    return table.assign(n_true=48, rate=table["count"] / 48)


@pytest.fixture
def silent(confusions):
    table = confusions[~confusions["predicted"].isin(EMOTIONS)].rename(columns={"predicted": "status"})
    table = table.groupby(["dataset", "model", "variant", "group", "status"], as_index=False)["count"].sum()
    return table.assign(n_images=84, rate=table["count"] / 84)


def labels_of(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_composition_draws_each_count_of_the_table(composition):
    figure = rates.composition(composition)
    lengths = [bar.get_width() for panel in figure.axes for bar in panel.patches]
    np.testing.assert_array_equal(lengths, composition["images"])
    written = [text.get_text() for panel in figure.axes for text in panel.texts]
    assert written == [str(count) for count in composition["images"]]
    assert [panel.get_title(loc="left") for panel in figure.axes[:2]] == ["Asian (12 people)", "Black (12 people)"]


def test_accuracy_draws_each_rate_and_interval_of_the_table(accuracy):
    (panel,) = rates.accuracy(accuracy).axes
    for model, container in zip(MODELS, panel.containers, strict=True):
        part = accuracy[accuracy["model"] == model]
        dots, _, (bars,) = container.lines
        np.testing.assert_allclose(dots.get_xdata(orig=False), part["accuracy"])
        ends = np.array([segment[:, 0] for segment in bars.get_segments()])
        np.testing.assert_allclose(ends, part[["ci_low", "ci_high"]])
        ticks = dict(zip(panel.get_yticks(), labels_of(panel.yaxis), strict=True))
        for y, group in zip(dots.get_ydata(orig=False), part["group"], strict=True):
            nearest = ticks[min(ticks, key=lambda tick: abs(tick - y))]
            assert nearest.startswith("everybody" if group == "all" else group)
            assert nearest.endswith("84 images, 12 people")


def test_accuracy_says_its_confidence(accuracy):
    assert "with 90 % interval" in rates.accuracy(accuracy, confidence=0.9).axes[0].get_xlabel()


def test_variants_of_one_model_are_told_apart(accuracy):
    both = pd.concat([accuracy, accuracy[accuracy["model"] == "one"].assign(variant="w")])
    assert set(style.named(both)) == {"one (v)", "one (w)", "two"}
    assert len(rates.accuracy(both).axes[0].containers) == 3


def test_mistakes_writes_and_colours_each_cell_of_the_table(mistakes):
    figure = matrices.mistakes(mistakes, title="one")
    drawn = {}
    for panel in figure.axes[:2]:
        rates = panel.collections[0].get_array().reshape(-1, len(GROUPS))
        texts = np.array([text.get_text() for text in panel.texts]).reshape(rates.shape)
        for row, pair in enumerate(labels_of(panel.yaxis)):
            for column, group in enumerate(GROUPS):
                drawn[(*pair.split(" → "), group)] = (texts[row, column], rates[row, column])
    assert len(drawn) == len(mistakes)
    for row in mistakes.itertuples():
        text, rate = drawn[row.true, row.predicted, row.group]
        assert rate == pytest.approx(row.rate)
        assert text == ("0" if row.count == 0 else f"{row.count} ({100 * row.rate:.0f} %)")


def test_no_reason_for_silence_is_told_by_its_colour_alone():
    columns = ["model", "variant", "group", "status", "count", "n_images", "rate"]
    rows = [("m", "v", "A", status, 2, 10, 0.2) for status in ("refused", "unparsed", "blocked")]
    bars = rates.no_answer(pd.DataFrame(rows, columns=columns).assign(dataset="d")).axes[0].containers
    assert len({bar.patches[0].get_hatch() for bar in bars}) == len(bars) == 3


def test_two_models_share_one_scale_of_colours(mistakes):
    fewer = mistakes.assign(rate=mistakes["rate"] / 4)
    limits = [
        matrices.mistakes(table, title="x", most=0.9).axes[0].collections[0].get_clim() for table in (mistakes, fewer)
    ]
    assert limits == [(0, 0.9)] * 2
    assert matrices.mistakes(fewer, title="x").axes[0].collections[0].get_clim()[1] == fewer["rate"].max()


def test_mistakes_stand_in_order_and_silence_below(mistakes):
    emotions, silence = matrices.mistakes(mistakes, title="one").axes[:2]
    total = mistakes.groupby(["true", "predicted"])["count"].sum()
    for panel, names in ((emotions, EMOTIONS), (silence, STATUSES)):
        pairs = [tuple(label.split(" → ")) for label in labels_of(panel.yaxis)]
        assert all(predicted in names for _, predicted in pairs)
        counts = [total[pair] for pair in pairs]
        assert counts == sorted(counts, reverse=True)
    assert labels_of(emotions.xaxis)[2] == "Black\nFemale\nn = 12"


def test_a_model_without_mistakes_gets_a_figure_that_says_so(mistakes):
    figure = matrices.mistakes(mistakes.head(0), title="one")
    assert any("No mistake" in text.get_text() for text in figure.texts)
    assert "every image was read as labelled" in matrices.describe_mistakes(mistakes.head(0), title="one")


def test_confusion_draws_the_rates_of_the_table(pooled):
    figure = matrices.confusion(pooled)
    for model, panel in zip(MODELS, figure.axes, strict=True):
        drawn = panel.collections[0].get_array().reshape(7, 8)
        part = pooled[pooled["model"] == model].pivot(index="true", columns="predicted", values="rate")
        np.testing.assert_allclose(drawn, part.loc[list(EMOTIONS), [*EMOTIONS, matrices.NO_ANSWER]])
        assert labels_of(panel.yaxis)[0] == "anger (48)"


def test_numbers_stand_out_from_their_cell(pooled):
    def luminance(colour):
        channel = np.array(colour[:3])
        linear = np.where(channel <= 0.04045, channel / 12.92, ((channel + 0.055) / 1.055) ** 2.4)
        return linear @ (0.2126, 0.7152, 0.0722)

    figure = matrices.confusion(pooled.assign(rate=np.linspace(0, 1, len(pooled))))
    figure.canvas.draw()
    for panel in figure.axes:
        for text, cell in zip(panel.texts, panel.collections[0].get_facecolors(), strict=True):
            pair = sorted([luminance(cell), 1.0 if text.get_color() == "white" else 0.0])
            assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5


def test_no_answer_stacks_the_rates_of_the_table(silent):
    figure = rates.no_answer(silent)
    for model, panel in zip(MODELS, figure.axes, strict=True):
        part = silent[silent["model"] == model]
        for bars in panel.containers:
            expected = part[part["status"] == bars.get_label()].set_index("group")["rate"]
            np.testing.assert_allclose([bar.get_width() for bar in bars], expected[list(GROUPS)])
        ends = np.max([[bar.get_x() + bar.get_width() for bar in bars] for bars in panel.containers], axis=0)
        np.testing.assert_allclose(ends, part.groupby("group")["rate"].sum()[list(GROUPS)])
        counted = [text.get_text() for text in panel.texts]
        assert counted == [str(count) for count in part.groupby("group")["count"].sum()[list(GROUPS)]]


def test_no_answer_of_models_that_always_answer_says_so(silent):
    figure = rates.no_answer(silent.assign(count=0, rate=0.0))
    assert figure.get_suptitle() == "Every image got an answer"
    assert all(bar.get_width() == 0 for panel in figure.axes for bar in panel.patches)


def test_every_letter_is_at_least_9_points_and_no_figure_is_wider_than_the_page(
    composition, accuracy, mistakes, pooled, silent
):
    drawn = [
        rates.composition(composition),
        rates.accuracy(accuracy),
        rates.no_answer(silent),
        matrices.confusion(pooled),
        matrices.mistakes(mistakes, title="one"),
    ]
    for figure in drawn:
        figure.canvas.draw()
        assert min(text.get_fontsize() for text in figure.findobj(Text) if text.get_text()) >= 9
        assert figure.get_size_inches()[0] <= style.WIDTH


def test_descriptions_name_the_extremes(accuracy, mistakes, pooled, silent, composition):
    groups = accuracy[accuracy["by"] == "group"]
    low = groups.loc[groups["accuracy"].idxmin()]
    assert f"{low['model']} on {low['group']}, {style.percent(low['accuracy'])}" in rates.describe_accuracy(accuracy)
    top = mistakes.loc[mistakes["rate"].idxmax()]
    assert f"{top['group']}: {top['count']} of 12 images" in matrices.describe_mistakes(mistakes, title="one")
    off = pooled[pooled["true"] != pooled["predicted"]]
    assert style.percent(off["rate"].max()) in matrices.describe_confusion(pooled)
    assert f"one {silent.loc[silent['model'] == 'one', 'count'].sum()}" in rates.describe_no_answer(silent)
    assert f"{composition['images'].sum()} images of 72 people" in rates.describe_composition(composition)


def test_span_shows_a_range_only_when_there_is_one():
    assert style.span([12, 12]) == "12"
    assert style.span([9, 1200]) == "9–1,200"
