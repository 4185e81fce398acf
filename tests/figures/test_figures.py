"""A figure is kept with the numbers drawn and a description, and the same figure gives the same bytes."""

import matplotlib
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from ferlib import figures
from ferlib.figures import style

TABLE = pd.DataFrame({"group": ["a", "b"], "rate": [1 / 3, 0.5]})


def drawn():
    figure = Figure(figsize=(4, 3))
    figure.subplots().barh(TABLE["group"], TABLE["rate"])
    return figure


def test_four_files_under_one_name(tmp_path):
    saved = figures.save(drawn(), TABLE, tmp_path / "bars.png", alt="Two bars.")
    assert [path.name for path in saved] == ["bars.png", "bars.csv", "bars.txt", "bars.svg"]
    assert saved[1].read_text() == "group,rate\na,0.333333\nb,0.5\n"
    assert saved[2].read_text() == "Two bars.\n"
    with Image.open(saved[0]) as picture:
        assert picture.size == (600, 450) and picture.info["dpi"] == pytest.approx((150, 150), abs=0.1)
        assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_two_saves_give_the_same_bytes_and_nothing_of_the_machine(tmp_path):
    first, *_, slide = (path.read_bytes() for path in figures.save(drawn(), TABLE, tmp_path / "1.png", alt="Two bars."))
    again, *_, other = (path.read_bytes() for path in figures.save(drawn(), TABLE, tmp_path / "2.png", alt="Two bars."))
    assert first == again and slide == other
    assert b"Software" not in first and b"tIME" not in first and b"dc:date" not in slide


def test_the_slide_is_drawn_in_lines_and_as_large_as_the_picture(tmp_path):
    slide = figures.save(drawn(), TABLE, tmp_path / "bars.png", alt="Two bars.")[3].read_text()
    assert '<svg height="216pt"' in slide or 'width="288pt" height="216pt"' in slide
    assert "<image" not in slide and slide.count("<path") > 10


def test_tones_stand_from_light_to_dark_and_other_groups_as_given():
    assert style.in_tone_order(["dark", "light", "medium"]) == ["light", "medium", "dark"]
    assert style.in_tone_order(["White", "Asian"]) == ["White", "Asian"]


def test_fewer_colours_do_not_change_what_is_seen(tmp_path):
    path = figures.save(drawn(), TABLE, tmp_path / "bars.png", alt="Two bars.")[0]
    with Image.open(path) as picture:
        colours = dict((colour, count) for count, colour in picture.convert("RGB").getcolors())
    assert (31, 119, 180) in colours, "the bars keep their very colour"


def test_a_figure_without_a_description_is_refused(tmp_path):
    with pytest.raises(ValueError, match="alternative text is empty"):
        figures.save(drawn(), TABLE, tmp_path / "bars.png", alt=" ")
    with pytest.raises(ValueError, match=r"must end in \.png"):
        figures.save(drawn(), TABLE, tmp_path / "bars.pdf", alt="Two bars.")
    assert list(tmp_path.iterdir()) == []


def test_the_description_reaches_the_page_escaped(tmp_path):
    path = figures.save(drawn(), TABLE, tmp_path / "bars.png", alt='Bars <b> "quoted" & more.')[0]
    page = figures.show(path).data
    assert 'alt="Bars &lt;b&gt; &quot;quoted&quot; &amp; more."' in page
    assert 'width="384"' in page and "data:image/png;base64," in page


def test_file_names_are_safe_whatever_a_model_is_called():
    assert figures.name_of("mistakes", "demo", "google/paligemma 3b: mix") == "mistakes_demo_google-paligemma-3b-mix"
    assert "/" not in figures.name_of("x", "../../etc/passwd")
    long = {figures.name_of("mistakes", "demo", "m" * 300 + end) for end in "ab"}
    assert len(long) == 2 and max(map(len, long)) <= figures.LONGEST


def test_dollars_in_a_name_are_no_mathematics(tmp_path):
    with matplotlib.rc_context(style.STYLE):
        figure = Figure()
        figure.subplots().set_title("$50,000_to_$99,999")
    drawing = figures.save(figure, TABLE, tmp_path / "income.png", alt="Incomes.")[3].read_text()
    assert "<!-- $50,000_to_$99,999 -->" in drawing


@style.styled
def test_a_legend_of_long_names_stays_within_the_figure():
    names = [f"demo-{kind}" for kind in ("clip-balanced-probe", "clip-balanced-zeroshot", "clip-skewed-probe")]
    names += ["demo-clip-skewed-zeroshot", "demo-gemini-balanced", "demo-openai-skewed"]
    for shown in (names, names[:1], names[:4], [name + "-of-a-long-name" for name in names]):
        figure = Figure(figsize=(style.WIDTH, 3), layout="constrained")
        axis = figure.subplots()
        for name in shown:
            axis.plot([0, 1], marker="o", label=name)
        legend = figure.legend(
            loc="outside upper left", ncols=style.legend_columns(shown), columnspacing=1.4, handletextpad=0.4
        )
        figure.draw_without_rendering()
        assert legend.get_window_extent().x1 <= figure.bbox.x1, shown
    assert style.legend_columns(names) == 3 and style.legend_columns(["a", "b"]) == 2
