"""Figures. One on disk is four files of one name: the picture for pages (PNG) and for slides (SVG), numbers, words.

In the modules a function takes the table of exactly what it draws and returns a matplotlib Figure, which `save` keeps
with the table; `confidence` is that of the intervals, for the label of an axis. Colours are Okabe and Ito's, told apart
by every kind of colour vision. They stand for models and reasons; groups of people have a fixed order and never a
colour of their own.
"""

import base64
import html
import io
import re
import zlib
from pathlib import Path

import matplotlib
from IPython.display import HTML
from PIL import Image

from ferlib.figures.style import DPI, STYLE
from ferlib.tables import write_bytes, write_csv

LONGEST = 120  # letters of a file's name; a system's end at 255 bytes, with what is written beside it


def name_of(*parts):
    """File name, without suffix, that is safe on every system: letters, digits, dots, hyphens and underscores.

    Examples
    --------
    >>> name_of("mistakes", "demo", "google/paligemma 3b")
    'mistakes_demo_google-paligemma-3b'
    """
    name = "_".join(re.sub(r"[^A-Za-z0-9._-]+", "-", part).strip("-") for part in parts)
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 9]}-{zlib.crc32(name.encode()):08x}"


def save(figure, table, path, *, alt):
    """Keep a figure: the picture, the numbers drawn, and a description for those who cannot see it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    table : pandas.DataFrame
        The table that the figure was drawn from.
    path : pathlib.Path
        Where the picture goes; ends in `.png`. The others have the same name with `.csv`, `.txt` and `.svg`.
    alt : str
        Alternative text: what the figure shows and what it says, in a sentence or two.

    Returns
    -------
    list of pathlib.Path
        The four files. The same figure gives the same bytes.

    Raises
    ------
    ValueError
        For another suffix than `.png`, or an empty alternative text.
    """
    path = Path(path)
    if path.suffix != ".png":
        raise ValueError(f"path must end in .png, got {path.name!r}")
    if not alt.strip():
        raise ValueError(f"{path.name}: the alternative text is empty")
    return [
        write_bytes(_png(figure), path),
        write_csv(table, path.with_suffix(".csv")),
        write_bytes((alt.strip() + "\n").encode("utf-8"), path.with_suffix(".txt")),
        write_bytes(_svg(figure), path.with_suffix(".svg")),
    ]


def _svg(figure):
    """The figure as SVG that can be enlarged, its letters drawn, without a date."""
    drawn = io.BytesIO()
    figure.set_layout_engine("none")  # where everything stands was worked out for the PNG, and takes half of the time
    with matplotlib.rc_context(STYLE | {"svg.hashsalt": "ferlib", "svg.fonttype": "path"}):
        figure.savefig(drawn, format="svg", facecolor="white", metadata={"Date": None})
    return drawn.getvalue()


def _png(figure):
    """The figure as PNG bytes that depend on nothing but the drawing; 256 colours make a third of the size."""
    drawn, kept = io.BytesIO(), io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(drawn, format="png", dpi=DPI, facecolor="white", pil_kwargs={"compress_level": 0})
    picture = Image.open(drawn).convert("RGB")
    palette = picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    palette.save(kept, format="PNG", optimize=True, dpi=(DPI, DPI))
    return kept.getvalue()


def show(path):
    """A saved figure (`path` is its `.png`) for display in a notebook, with its alternative text."""
    path = Path(path)
    return _as_html(path.read_bytes(), path.with_suffix(".txt").read_text(encoding="utf-8"))


def glimpse(figure, *, alt):
    """A figure for display in a notebook only, such as faces that are nobody's to publish; nothing is saved."""
    return _as_html(_png(figure), alt)


def _as_html(picture, alt):
    """PNG bytes at their width in print, inside the page; HTML, for nbconvert loses an image's alternative text."""
    with Image.open(io.BytesIO(picture)) as image:
        width = round(image.width / DPI * 96)
    data = base64.b64encode(picture).decode("ascii")
    return HTML(
        f'<img src="data:image/png;base64,{data}" width="{width}" alt="{html.escape(alt.strip(), quote=True)}">'
    )
