"""Judged contrasts: every verdict of a run in one form, whichever notebook gave it, and what one says in words."""

import pandas as pd

from ferlib import paths, tables
from ferlib.provenance import recorded
from ferlib.stats import scoreboard

DEMO = "demo"
"""Name of the dataset that shows how many of the planted faces each group has."""

SOURCES = {
    "disparities": ("06_bias_stats", {"model": "reader", "risk_difference": "difference"}),
    "controlled_contrasts": (
        "07_controlled_faces",
        {"model": "reader", "factor": "attribute", "risk_difference": "difference"},
    ),
    "au_contrasts": (
        "05_action_units",
        {"network": "reader", "kind": "variant", "unit": "true", "risk_difference": "difference"},
    ),
    "heatmap_contrasts": (
        "05_action_units",
        {"network": "reader", "method": "variant", "unit": "true", "mean_a": "rate_a", "mean_b": "rate_b"},
    ),
}
"""Tables with verdicts: the notebook that makes each, and what its columns are called here."""

COLUMNS = (
    "table", "dataset", "reader", "variant", "attribute", "measure", "true", "predicted", "group_a", "group_b",
    "people_a", "people_b", "n_a", "n_b", "rate_a", "rate_b", "difference", "low", "high", "p_adjusted", "bound",
    "min_detectable", "verdict",
)  # fmt: skip


def alike(table, name):
    """One table of verdicts in the common form.

    Parameters
    ----------
    table : pandas.DataFrame
        As `tables/<name>.csv`.
    name : str
        A key of `SOURCES`.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`, and `family`: contrasts that agree in it, the table, dataset, reader and variant were judged
        together. `low` and `high` are the interval that belongs to the verdict where the table has one; `reader` is a
        model or a network.
    """
    low = "sim" if "sim_low" in table else "rd"
    names = {"subjects_a": "people_a", "subjects_b": "people_b"}
    names |= {f"{low}_low": "low", f"{low}_high": "high"} if f"{low}_low" in table else {}
    made = table.rename(columns=names | SOURCES[name][1]).assign(table=name)
    if "control" in made:
        made = made[made["control"] == "groups"]
    made["family"] = made["attribute"] if name == "controlled_contrasts" else ""
    made = made.reindex(columns=[*COLUMNS, "family"])
    text = ["dataset", "variant", "true", "predicted"]
    return made.assign(**made[text].astype(object).where(made[text].notna(), "").astype(str))


def of_run(run):
    """Every verdict of a run about two groups in the form of `alike`, of the variant that stands for each model.

    Tables that the run did not make are passed over.
    """
    main = tables.read_csv(run.tables / "headline.csv", made_by="06_bias_stats", keep_default_na=False)
    main = main[["model", "variant"]].drop_duplicates()
    found = []
    for name in SOURCES:
        if (run.tables / f"{name}.csv").is_file():
            table = tables.read_csv(run.tables / f"{name}.csv", keep_default_na=False, na_values=[""])
            table = table.merge(main) if "model" in table else table
            found.append(alike(table, name))
    return pd.concat([part for part in found if len(part)], ignore_index=True)


def score(run, contrasts):
    """The scoreboard of a run in which models with a known truth were read.

    Parameters
    ----------
    run : ferlib.paths.Run
    contrasts : pandas.DataFrame
        As from `of_run`.

    Returns
    -------
    pandas.DataFrame
        As from `ferlib.stats.scoreboard.board`; without a row when no reader has a known truth.
    """
    truth, declared = (paths.DEMO / f"{name}.csv" for name in ("truth", "declared"))
    if not (truth.is_file() and declared.is_file()):
        return pd.DataFrame(columns=list(scoreboard.COLUMNS))
    truth = tables.read_csv(truth)
    declared = tables.read_csv(declared, keep_default_na=False, na_values={"size": [""]})
    # A network is the demo's by its folder: any other may bear the same short name.
    folders = recorded(run, "05_action_units").get("parameters", {}).get("networks") or {}
    models = dict(zip(declared["reader"], declared["model"], strict=True))
    ours = [name for name in folders if paths.absolute(folders[name]) == paths.DEMO / "models" / models.get(name, "")]
    of_network = contrasts["table"].map(lambda name: SOURCES[name][0]) == "05_action_units"
    contrasts = contrasts[~of_network | contrasts["reader"].isin(ours)]
    if not set(declared["reader"]) & set(contrasts["reader"]):
        return pd.DataFrame(columns=list(scoreboard.COLUMNS))
    people = tables.read_parquet(run.manifest, made_by="01_data_prep").query("dataset == @DEMO")
    least = float(truth.loc[truth["attribute"] == "skin_tone", "group"].iloc[0].removeprefix(">= "))
    share = scoreboard.shares(people, least=least) if "skin_tone" in people else {}
    again = tables.read_csv(paths.DEMO / "again" / "contrasts.csv", keep_default_na=False)
    return scoreboard.board(contrasts, truth, declared, share, again)


def alphas(run):
    """Family-wise error that each table of verdicts was made with, as its notebook's record has it; dict by table."""
    found = {name: recorded(run, notebook) for name, (notebook, _) in SOURCES.items()}
    return {name: record["parameters"]["alpha"] for name, record in found.items() if record}


def measured(row):
    """What a contrast measures, in words: `recall of anger`, `anger → disgust`, `accuracy of au12`."""
    if row.predicted and row.measure == "confusion":
        return f"{row.true} → {row.predicted}"
    return row.measure.replace("_", " ") + (f" of {row.true}" if row.true else "")


def cells(row):
    """A judged contrast (a row of `itertuples` of a table in the common form) as the cells of a table, all text."""
    return {
        "model": f"{row.reader} ({row.variant})",
        "measure": measured(row),
        "groups": f"{row.group_a} / {row.group_b}",
        "rates": f"{row.rate_a:.2f} / {row.rate_b:.2f}",
        "difference": f"{row.difference:+.2f} [{row.low:+.2f}, {row.high:+.2f}]",
        "p adjusted": tables.p_text(row.p_adjusted),
    }


def sentence(row):
    """A judged contrast as one sentence with people, images, interval and verdict."""
    said = cells(row)
    return (
        f"{said['model']}, {said['measure']}: {row.rate_a:.2f} for {row.group_a} ({row.n_a:g} images, {row.people_a:g} "
        f"people) and {row.rate_b:.2f} for {row.group_b} ({row.n_b:g} images, {row.people_b:g} people); difference "
        f"{said['difference']}, adjusted p {said['p adjusted']}: {row.verdict}."
    )


def strongest(contrasts, most=5):
    """The surest contrasts that are *different*, one for each reader and measure, the surest first."""
    found = contrasts[contrasts["verdict"] == "different"]
    found = found.assign(size=-found["difference"].abs()).sort_values(["p_adjusted", "size"], kind="stable")
    return found.drop_duplicates(["table", "reader", "measure", "true", "predicted"]).head(most).drop(columns="size")
