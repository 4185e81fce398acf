"""What notebook 04 would ask in a run, worked out without executing it: for the estimate and the archive."""

from pathlib import Path

import yaml

from ferlib import paths, tables
from ferlib.errors import InputError
from ferlib.lmfm import attachments, models, study
from ferlib.provenance import declared

NOTEBOOK = paths.ROOT / "notebooks" / "04_lmfm_prompting.ipynb"


def of_run(run_dir):
    """Questions of a run.

    Parameters
    ----------
    run_dir : str or pathlib.Path

    Returns
    -------
    run : ferlib.paths.Run
    values : dict
        Parameters of notebook 04.
    asked : list of dict
        Models.
    parts : dict of str to list of ferlib.lmfm.study.Plan

    Raises
    ------
    InputError
        When the run has no parameters or no manifest yet.
    """
    run = paths.run(Path(run_dir).resolve())
    file = run.root / "params" / f"{NOTEBOOK.stem}.yaml"
    if not file.is_file():
        raise InputError(f"{paths.relative(file)}: no such file. Start it by make, which writes it.")
    values = declared(NOTEBOOK) | yaml.safe_load(file.read_text(encoding="utf-8"))
    manifest = tables.read_parquet(run.manifest, made_by="01_data_prep")
    local = models.stand_in(values["models"], package=values["standin"], weights=values["standin_weights"])
    asked = models.read(local.pin(values["models"]), **{name: values[name] for name in models.LIMITS})
    chosen = {name: values[name] for name in study.PARAMETERS}
    parts = study.questions(manifest, models=asked, sent=attachments.Sent(run.responses), **chosen)
    return run, values, asked, parts
