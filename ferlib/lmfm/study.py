"""The questions of a study, the same for asking, estimating and exporting: plans, each of one model and one prompt."""

import dataclasses
import hashlib

import numpy as np
import pandas as pd

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS
from ferlib.lmfm import prompts, store

PARAMETERS = (
    "datasets", "prompt_names", "option_order", "repeats", "temperature", "max_tokens", "compare_images",
    "compare_prompts", "compare_orders", "compare_repeats", "compare_temperatures", "legacy_check_images", "seed",
)  # fmt: skip
"""Parameters of notebook 04 that decide what is asked."""

MAIN, CLIENT = "the study", "through the retired client"

ORDERS = ("listed", "shuffled")


@dataclasses.dataclass(frozen=True)
class Plan:
    """One model, one prompt, and the questions that follow from them."""

    model: dict
    prompt: prompts.Prompt
    settings: dict
    questions: pd.DataFrame
    """A row a question, sorted by image and repeat: `dataset, image_id, path, sha256, repeat, order, draw, seed,
    options, sent, response_id`; `sent` is the hash of the bytes that are sent, where they are not those of the file."""

    def question(self, row):
        """The question of a row of `questions`, as `ferlib.lmfm.store` addresses it."""
        return {
            "provider": self.model["provider"], "model": self.model["model"], "model_version": self.model["version"],
            "prompt": self.text(row), "settings": self.sent(row), "repeat": int(row.draw), "image_sha256": row.sha256,
        }  # fmt: skip

    def text(self, row):
        """The words that are sent for a row of `questions`."""
        return self.prompt.text(row.options.split(","))

    def sent(self, row):
        """The settings that are sent for a row: sampling, what the prompt demands, and a seed where chance decides."""
        seed = {"seed": int(row.seed)} if self.settings["temperature"] > 0 else {}
        own = self.model.get("settings", {})  # in place of the notebook's or on top of them; None leaves one out
        settings = {**self.settings, **self.prompt.demands(row.options.split(",")), **seed, **own}
        converted = {"image": {"format": self.model["image_format"], "sha256": row.sent}} if row.sent else {}
        return {name: value for name, value in settings.items() if value is not None} | converted


def order_of(sha256, *, seed, order, kind="shuffled"):
    """The labels as they are offered for one image: each has its own order, so that no label is always first.

    `order` counts several orders of the same image; of the `kind` `listed`, the first is that of the tables.
    """
    if kind == "listed" and order == 0:
        return EMOTIONS
    digest = hashlib.sha256(f"option order\0{seed}\0{sha256}\0{order}".encode()).digest()
    shuffled = np.random.default_rng(int.from_bytes(digest[:16])).permutation(len(EMOTIONS))
    return tuple(EMOTIONS[i] for i in shuffled)


def plan(manifest, *, model, prompt, settings, repeats=1, orders=1, option_order="listed", seed=0, sent=None):
    """Questions to a model: every image, in so many orders of the options, each so many times.

    Parameters
    ----------
    manifest : pandas.DataFrame
        With `dataset`, `image_id`, `path`, `sha256`.
    model : dict
        From `ferlib.lmfm.models.read`.
    prompt : ferlib.lmfm.prompts.Prompt
    settings : dict
        `temperature` and `max_tokens`.
    repeats, orders : int
        How often the very same question is asked, and with how many orders of the options (a prompt without options
        has one), at least 1.
    option_order : str
        `shuffled`: each image its own order, drawn by the seed. `listed`: the order of the tables comes first.
    seed : int
        Decides the orders; sent to the provider, too, plus the number of the repeat, where the temperature is not 0.
    sent : ferlib.lmfm.attachments.Sent, optional
        Without it, images that are sent as other bytes than those of their files have the addresses of the files.

    Returns
    -------
    Plan
        `repeat` counts through orders and repeats (`repeat = order * repeats + draw`).
    """
    for name, value in (("repeats", repeats), ("orders", orders)):
        if type(value) is not int or value < 1:
            raise InputError(f"{name} is {value!r}. It must be a whole number, 1 or more.")
    if option_order not in ORDERS:
        raise InputError(f"option_order is {option_order!r}. Allowed: {', '.join(ORDERS)}.")
    if prompt.form == "scores" and model["provider"] != "paligemma":
        raise InputError(
            f"prompt {prompt.name!r} asks for the log-probability of each label, which model {model['name']!r} "
            f"(provider {model['provider']!r}) does not give. Ask it with another prompt; only 'paligemma' has them."
        )
    if prompt.form in prompts.WITHOUT_OPTIONS:
        orders, option_order = 1, "listed"
    draws = pd.DataFrame({"repeat": range(orders * repeats)})
    draws["order"], draws["draw"] = draws["repeat"] // repeats, draws["repeat"] % repeats
    draws["seed"] = seed % 2**31 + draws["draw"]
    rows = manifest[["dataset", "image_id", "path", "sha256"]].merge(draws, how="cross")
    rows = rows.sort_values(["dataset", "image_id", "repeat"], ignore_index=True)
    rows["options"] = [
        ",".join(order_of(row.sha256, seed=seed, order=row.order, kind=option_order)) for row in rows.itertuples()
    ]
    hashes = sent.sha256(manifest, image_format=model.get("image_format", "")) if sent else {}
    rows["sent"] = [hashes[sha256] if hashes.get(sha256, sha256) != sha256 else "" for sha256 in rows["sha256"]]
    made = Plan(model, prompt, dict(settings), rows)
    rows["response_id"] = [store.key(made.question(row)) for row in rows.itertuples()]
    return made


def unanswered(plan, responses):
    """The questions of a plan that the store has no answer to: rows of `plan.questions`, identical questions once."""
    rows = plan.questions.drop_duplicates("response_id")
    return rows[[responses.get(key) is None for key in rows["response_id"]]]


def questions(
    manifest, *, models, datasets=(), prompt_names, option_order, repeats, temperature, max_tokens, compare_images,
    compare_prompts, compare_orders, compare_repeats, compare_temperatures, legacy_check_images, seed, sent=None,
):  # fmt: skip
    """Plans of a run by what they are for; manifest, models and `sent` as for `plan`, all else as notebook 04 explains.

    Returns
    -------
    dict of str to list of Plan
        `MAIN`: all images. Then, for a few images and with only one thing changed at a time, what answers may depend
        on: `prompt`, `option order`, `repeat at temperature ...`. `CLIENT`: a few images through Google's retired
        client. Parts share questions, which are asked once.

    Raises
    ------
    InputError
        When no prompt is named, or a dataset that the manifest does not hold.
    """
    if not prompt_names:
        raise InputError("prompt_names: the list is empty. Name at least one file of data/prompts/, without .yaml.")
    known = sorted(manifest["dataset"].unique())
    for name in sorted({*datasets} - {*known}):
        raise InputError(
            f"datasets: {name!r} is not in the manifest. It holds: {', '.join(known)}. Name some of these, or none "
            f"for all, or add it to the parameter datasets of notebook 01_data_prep."
        )
    manifest = manifest[manifest["dataset"].isin(list(datasets) or known)]
    settings = {"temperature": float(temperature), "max_tokens": max_tokens}
    asked = {name: prompts.load(name) for name in dict.fromkeys([*prompt_names, *compare_prompts])}
    first = asked[prompt_names[0]]

    def of(images, prompt, *, settings=settings, who=models, **more):
        how = {"option_order": option_order, "seed": seed, "sent": sent, **more}
        return [plan(images, model=model, prompt=prompt, settings=settings, **how) for model in who]

    parts = {MAIN: [plan for name in prompt_names for plan in of(manifest, asked[name], repeats=repeats)]}
    few = _some(manifest, compare_images, seed)
    if len(few):
        parts["prompt"] = [plan for prompt in asked.values() for plan in of(few, prompt)]
        parts["option order"] = of(few, first, orders=compare_orders)
        for value in compare_temperatures:
            warm = {**settings, "temperature": float(value)}
            parts[f"repeat at temperature {value:g}"] = of(few, first, settings=warm, repeats=compare_repeats)
    few = _some(manifest, legacy_check_images, seed)
    old = [{**model, "provider": "gemini-legacy"} for model in models if model["provider"] == "gemini"]
    parts[CLIENT] = of(few, first, who=old) if len(few) else []
    return parts


def _some(manifest, number, seed):
    """So many images, drawn by the seed, evenly over groups and emotions; all of them when there are fewer."""
    shuffled = manifest.sort_values(["dataset", "image_id"]).sample(frac=1, random_state=seed)
    cells = [name for name in ("dataset", "group", "emotion") if name in shuffled]
    turn = shuffled.groupby(cells).cumcount()
    return shuffled.loc[turn.sort_values(kind="stable").index[:number]]
