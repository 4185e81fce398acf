"""Simulated audits of the shape that real data have, with a model of people that no part of the audit knows.

A person is somewhere on a scale from easy to hard; how that turns into chances of being read rightly is logit-normal,
two kinds of people, beta, or different from emotion to emotion. Groups differ in how much their people differ, in
their number, in the images that each person has, in the emotions that are shown at all, and in whom the model refuses.
In a fair audit all that leaves the expected rates of all groups alike.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import expit, ndtri
from scipy.stats import beta as beta_distribution

from ferlib.labels import EMOTIONS
from ferlib.stats.counts import OUTCOMES, Counts

RACES, GENDERS = ("Asian", "Black", "Latino", "White"), ("Female", "Male")
GROUPS = [(race, gender) for race in RACES for gender in GENDERS]
SCALE = (np.arange(2000) + 0.5) / 2000
"""Places on the scale from easy to hard where people are."""


@dataclass(frozen=True)
class Design:
    """One kind of audit.

    Attributes
    ----------
    number : int
        The design is drawn from it. Even ones may be looked at while the audit is made; odd ones are for the end.
    kind : {"fair", "planted", "hard"}
        `planted`: one race, or one gender, is read worse by `shift`. `hard`: `shift` of the people of one group are
        never read rightly, all others like everybody else.
    shift : float
    model : {"logit-normal", "two kinds", "beta", "by emotion"}
    level : numpy.ndarray, shape (7,)
        Expected recall of each emotion.
    spread : numpy.ndarray, shape (8,)
        How much the people of each group differ.
    people : numpy.ndarray of int, shape (8,)
    images : str
        `one`, `few`, `equal`, `heavy tails`: images of a person and emotion.
    shown : str
        `all`, `mixed`: how often each emotion is shown varies, `one-sided`: two races show two emotions only.
    refuses : float
        Chance that a hard person gets no answer.
    target : tuple of int
        Groups that `shift` is about.
    """

    number: int
    kind: str
    shift: float
    model: str
    level: np.ndarray
    spread: np.ndarray
    people: np.ndarray
    images: str
    shown: str
    refuses: float
    target: tuple
    mix: np.ndarray
    known: dict = field(default_factory=dict, repr=False, compare=False)

    @property
    def held_back(self):
        """Whether the design is of the half that is looked at once, at the end."""
        return self.number % 2 == 1

    def chances(self, group):
        """Chance of each outcome for people of a group, at every place of `SCALE`.

        Parameters
        ----------
        group : int

        Returns
        -------
        numpy.ndarray of float64, shape (places, 7, 12)
        """
        if group not in self.known:
            self.known[group] = self._chances(group, SCALE)
        return self.known[group]

    def _chances(self, group, place):
        level = np.clip(self.level - (self.shift if self.kind == "planted" and group in self.target else 0), 0.02, 0.99)
        silent = self.refuses * (place > 0.8)
        right = np.stack([self._right(group, place, number, value) for number, value in enumerate(level)], axis=1)
        right *= 1 - silent[:, None]
        # Whoever differs how much from whom, and whoever is refused: what is expected is the same in every fair group.
        for _ in range(200):
            right = np.clip(right + level * (1 - silent.mean()) - right.mean(axis=0), 0, 1 - silent[:, None])
        if self.kind == "hard" and group in self.target:
            right[place > 1 - self.shift] = 0.0
        found = np.zeros((len(place), len(EMOTIONS), len(OUTCOMES)))
        # The same confusions in every group: each emotion's neighbours, the nearer the likelier.
        profile = 0.5 ** ((np.arange(7)[None, :] - np.arange(7)[:, None]) % 7)
        np.fill_diagonal(profile, 0)
        wrong = 1 - silent[:, None] - right
        found[..., :7] = wrong[..., None] * profile / profile.sum(axis=1, keepdims=True)
        found[:, np.arange(7), np.arange(7)] = right
        found[..., OUTCOMES.index("refused")] = silent[:, None]
        return found

    def _right(self, group, place, emotion, level):
        spread = self.spread[group]
        if self.model == "by emotion":
            place, spread = (place + 0.37 * emotion * (emotion % 2)) % 1, spread * (0.3 + 0.25 * emotion)
        if self.model == "beta":
            size = 1 / np.clip(0.02 * spread**2, 1e-3, 0.6) - 1
            return beta_distribution.ppf(1 - place, level * size, (1 - level) * size)
        if self.model == "two kinds":
            share = np.clip(0.08 * spread, 0.02, 0.4) * min(1, 2 * (1 - level))
            low = 0.1 * level
            return np.where(place > 1 - share, low, (level - share * low) / (1 - share))
        normal = -spread * ndtri(place)
        middle = _middle(level, spread)
        return expit(middle + normal)

    def draw(self, random):
        """One audit.

        Parameters
        ----------
        random : numpy.random.Generator

        Returns
        -------
        counts : ferlib.stats.counts.Counts
        expected : numpy.ndarray of float64, shape (people, 7, 12)
            What the tensor of counts is in expectation, given whose images there are.
        """
        tensors, expected, rows = [], [], []
        for group, (race, gender) in enumerate(GROUPS):
            n = self._images(group, random)
            chances = self.chances(group)
            place = random.integers(len(SCALE), size=len(n))
            tensors.append(random.multinomial(n, chances[place]).astype(float))
            expected.append(n[..., None] * chances.mean(axis=0))
            rows += [(f"{race}{gender}{k}", race, gender, f"{race} {gender}") for k in range(len(n))]
        people = pd.DataFrame(rows, columns=["subject_id", "race", "gender", "group"])
        tensor, expected = np.concatenate(tensors), np.concatenate(expected)
        there = tensor.sum(axis=(1, 2)) > 0
        tensor, expected, people = tensor[there], expected[there], people[there].reset_index(drop=True)
        return Counts("simulated", "model", "only", people, tensor, tensor), expected

    def _images(self, group, random):
        people = int(self.people[group])
        if self.images == "equal":
            n = np.full((people, 7), 3)
        elif self.images == "few":
            n = np.full((people, 7), 1 if group % 4 < 2 else 6)
        elif self.images == "one":
            return random.multinomial(1, np.full(7, 1 / 7) if self.shown == "all" else self.mix[group], size=people)
        else:
            each = np.minimum(np.ceil(random.pareto(1.1, people)), 60).astype(int)
            n = random.multinomial(each, np.full(7, 1 / 7))
        if self.shown == "mixed":
            n = random.binomial(n, np.clip(7 * self.mix[group] / 2, 0.1, 1))
        if self.shown == "one-sided" and group < 4:
            n[:, 2:] = 0
        return n


def _middle(level, spread):
    """Logit around which logit-normal chances have the mean `level`."""
    normal, low, high = ndtri(SCALE), -12.0, 12.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(middle + spread * normal).mean() < level else (low, middle)
    return middle


def design(number):
    """The design of a number."""
    random = np.random.default_rng([2408, 14842, number])
    turn = number // 2
    kind = ("fair", "fair", "planted", "hard")[turn % 4]
    small = int(random.integers(8))
    people = {
        0: lambda: np.full(8, random.choice([6, 12, 20, 40])),
        1: lambda: np.exp(random.uniform(np.log(5), np.log(200), 8)).astype(int),
        2: lambda: np.where(np.arange(8) == small, random.integers(5, 9), random.choice([20, 40])),
    }[turn // 4 % 3]()
    odd = np.where(np.arange(8) == small, random.choice([1.0, 2.0, 3.0]), 1.0)
    base = random.uniform(0.3, 1.8)
    target = ((small,), tuple(range(2 * (small // 2), 2 * (small // 2) + 2)), tuple(range(small % 2, 8, 2)))
    return Design(
        number=number, kind=kind,
        shift={"fair": 0.0, "planted": random.choice([0.1, 0.15, 0.2]), "hard": random.choice([0.06, 0.1, 0.15])}[kind],
        model=("logit-normal", "two kinds", "beta", "by emotion")[random.integers(4)],
        level=np.clip(random.uniform(0.55, 0.97) + random.uniform(-0.15, 0.1, 7), 0.4, 0.985),
        spread=base * odd * random.uniform(0.8, 1.25, 8), people=people,
        images=("equal", "few", "heavy tails", "one")[random.integers(4)],
        shown=("all", "mixed", "one-sided")[random.choice(3, p=[0.4, 0.35, 0.25])],
        refuses=float(random.choice([0.0, 0.0, 0.3])),
        target=target[0] if kind == "hard" else target[1 + number // 8 % 2],
        mix=random.dirichlet(np.full(7, 3.0), 8),
    )  # fmt: skip
