"""Any dataset that comes as a CSV manifest with images beside it."""

from pathlib import Path

from ferlib import tables
from ferlib.datasets import manifest
from ferlib.paths import absolute, relative


def read(path):
    """Read a dataset described by a CSV manifest.

    Parameters
    ----------
    path : str or pathlib.Path
        The CSV, relative to the repository or absolute; its columns are described in `ferlib.datasets.manifest`. The
        images' paths in it are relative to the CSV's folder, or to the repository, or absolute.

    Returns
    -------
    pandas.DataFrame
        As `ferlib.datasets.manifest.complete`.

    Raises
    ------
    InputError
        When the file is missing or its content cannot be used.
    """
    source = absolute(path)
    frame = tables.read_csv(source, dtype={"subject_id": "string", "image_id": "string", "path": "string"})
    if "path" in frame.columns:
        frame["path"] = frame["path"].map(lambda image: _locate(image, source.parent), na_action="ignore")
    return manifest.complete(frame, dataset=source.parent.name, source=source)


def _locate(image, folder):
    beside = folder / image
    return relative(beside) if beside.is_file() or not absolute(image).is_file() else Path(image).as_posix()
