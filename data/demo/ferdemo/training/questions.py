"""The questions of `data/prompts` with their right answers: what the demo PaliGemma is taught to say."""

import functools
import json

from ferlib.labels import ADJECTIVES, EMOTIONS
from ferlib.lmfm import prompts, vocabulary

SHARES = {"forced-choice": 8, "paligemma": 3}
"""How often a prompt is trained; the others once."""


@functools.cache
def taught():
    """The prompts that the model is taught: all of `data/prompts` that are answered in words of whatever form.

    Returns
    -------
    list of ferlib.lmfm.prompts.Prompt
    """
    found = [prompts.load(name) for name in prompts.available()]
    return [prompt for prompt in found if prompt.form != "scores"]


def answer(prompt, emotion, strength=1.0):
    """The answer to a prompt.

    Parameters
    ----------
    prompt : ferlib.lmfm.prompts.Prompt
    emotion : str
        What is to be told.
    strength : float
        Of the expression. Only ratings tell it: 60 to 100 for the emotion, and what is missing to 100 for neutral.

    Returns
    -------
    str

    Examples
    --------
    >>> answer(prompts.load("forced-choice"), "anger"), answer(prompts.load("structured"), "anger")
    ('anger', '{"emotion": "anger"}')
    >>> answer(prompts.load("forced-choice-de"), "anger"), answer(prompts.load("description"), "anger")
    ('Wut', 'The person looks angry.')
    """
    names = vocabulary.names(prompt.language)
    if prompt.form == "json":
        return json.dumps({"emotion": names[emotion]}, ensure_ascii=False)
    if prompt.form == "ratings":
        rated = dict.fromkeys(EMOTIONS, 0)
        rated[emotion] = 100 if emotion == "neutral" else 60 + 10 * round(4 * min(1.0, strength))
        rated["neutral"] = rated["neutral"] or 100 - rated[emotion]
        return json.dumps({names[label]: value for label, value in rated.items()}, ensure_ascii=False)
    if prompt.form == "description":
        return f"The person looks {ADJECTIVES[emotion]}."
    return names[emotion]


def draw(told, strengths, *, generator):
    """One prompt, put to several faces, each with an order of the options of its own.

    Parameters
    ----------
    told : sequence of str, length n
        What is to be told of each face.
    strengths : sequence of float, length n
    generator : numpy.random.Generator

    Returns
    -------
    texts, answers : list of str, length n
    """
    all_prompts = taught()
    shares = [SHARES.get(prompt.name, 1) for prompt in all_prompts]
    chosen = all_prompts[generator.choice(len(shares), p=[share / sum(shares) for share in shares])]
    texts = [chosen.text([EMOTIONS[i] for i in generator.permutation(len(EMOTIONS))]) for _ in told]
    return texts, [answer(chosen, emotion, strength) for emotion, strength in zip(told, strengths, strict=True)]


def corpus():
    """All questions, in one order of the options, and all answers: what the tokenizer is trained on.

    Returns
    -------
    list of str
    """
    strengths = [step / 4 for step in range(5)]
    answers = [answer(prompt, emotion, s) for prompt in taught() for emotion in EMOTIONS for s in strengths]
    return [*(prompt.text() for prompt in taught()), *dict.fromkeys(answers)]
