"""All questions of a run, from the parameters of notebook 04: the same for asking, estimating and exporting."""

from ferlib.errors import InputError
from ferlib.lmfm import plans, prompts

PARAMETERS = (
    "datasets", "prompt_names", "option_order", "repeats", "temperature", "max_tokens", "compare_images",
    "compare_prompts", "compare_orders", "compare_repeats", "compare_temperatures", "legacy_check_images", "seed",
)  # fmt: skip
"""Parameters of notebook 04 that decide what is asked."""

MAIN, CLIENT = "the study", "through the retired client"


def questions(
    manifest, *, models, datasets=(), prompt_names, option_order, repeats, temperature, max_tokens, compare_images,
    compare_prompts, compare_orders, compare_repeats, compare_temperatures, legacy_check_images, seed,
    folder=prompts.FOLDER, sent=None,
):  # fmt: skip
    """Plans of a run, by what they are for.

    Parameters
    ----------
    manifest : pandas.DataFrame
        The images.
    models : sequence of dict
        From `ferlib.lmfm.models.read`; empty to ask nobody.
    datasets, prompt_names, option_order, repeats, temperature, max_tokens, compare_*, legacy_check_images, seed
        Parameters of notebook 04, explained there.
    folder : pathlib.Path
        Of the prompts.
    sent : ferlib.lmfm.attachments.Sent, optional
        See `ferlib.lmfm.plans.plan`.

    Returns
    -------
    dict of str to list of ferlib.lmfm.plans.Plan
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
    asked = {name: prompts.load(name, folder=folder) for name in dict.fromkeys([*prompt_names, *compare_prompts])}
    first = asked[prompt_names[0]]

    def of(images, prompt, *, settings=settings, who=models, **more):
        how = {"option_order": option_order, "seed": seed, "sent": sent, **more}
        return [plans.plan(images, model=model, prompt=prompt, settings=settings, **how) for model in who]

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
