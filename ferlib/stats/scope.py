"""Scope: what an audit is about. The study's seven emotions, race and gender are the default, and no law."""

from dataclasses import asdict, dataclass, field, fields

import numpy as np

from ferlib.errors import InputError
from ferlib.labels import EMOTIONS, STATUSES, fold

CROSSED = "group"
"""The attribute that crosses all others: the finest groups."""

TAKEN = ("all", "dataset", "model", "variant", "repeat", "status", "image_id", "subject_id", "emotion", "predicted",
         "true", "outcome")  # fmt: skip
"""Columns of an audit that are no attributes of people."""

MEASURES = ("accuracy", "no_answer", "recall", "confusion")
SHARES = np.array([[0.25, 0.15], [0.45, 0.15]])
"""What part of alpha a kind of contrast has: accuracy and no answer, then recall and confusions; each by race and by
gender, then by race-gender group. The study's own question is which emotion is taken for which by race and by gender,
and that is most of the contrasts. Chosen on the first half of the designs of `make calibrate`, and on the demo."""

MOST_LABELS = 40  # each pair of labels is a measure; more are another kind of question


@dataclass(frozen=True)
class Scope:
    """Labels, attributes of people, the measures that are judged, and the groups that others are held against.

    Attributes
    ----------
    labels : tuple of str
    attributes : tuple of str
        Columns of the manifest whose groups are contrasted; `group` among them crosses the others.
    measures : tuple of str
        What is judged: names out of `MEASURES`, or one rate as `recall:fear`, `confusion:fear:surprise`; empty for all.
    reference : dict of str to str
        Attribute to the group that each other one is contrasted with; where none is named, every two groups are.
    """

    labels: tuple = EMOTIONS
    attributes: tuple = ("race", "gender", CROSSED)
    measures: tuple = ()
    reference: dict = field(default_factory=dict)

    @classmethod
    def of(cls, table):
        """The scope that a manifest, or a table made of it, declares in its `attrs`, which Parquet files keep."""
        known = {one.name for one in fields(cls)} & set(table.attrs)
        return cls(**{name: value if name == "reference" else tuple(value) for name in known
                      if (value := table.attrs[name]) is not None})  # fmt: skip

    @classmethod
    def declared(cls, *, labels=(), attributes=(), measures=(), reference=None):
        """The scope that somebody asks for; what is left empty is the study's.

        Raises
        ------
        InputError
            Names what cannot be, and what can.
        """
        given = {"labels": tuple(labels), "attributes": tuple(attributes), "measures": tuple(measures)}
        scope = cls(**{name: value for name, value in given.items() if value}, reference=dict(reference or {}))
        folded = [fold(label) for label in scope.labels]
        if not 2 <= len(set(folded)) == len(folded) <= MOST_LABELS or {"", *STATUSES} & set(folded):
            raise InputError(
                f"LABELS={','.join(scope.labels)}: give 2 to {MOST_LABELS} labels that differ in letters or digits, "
                f"none of them one of {', '.join(STATUSES)}."
            )
        wrong = [name for name in scope.attributes if name in TAKEN or scope.attributes.count(name) > 1]
        if wrong or (CROSSED in scope.attributes and len(scope.base) < 2):
            raise InputError(
                f"ATTRIBUTES={','.join(scope.attributes)}: give columns that say something about people, each once; "
                f"`{CROSSED}` among them crosses two or more others. A column of yours that has one of our names "
                f"needs another one: COLUMNS=team={(wrong or [CROSSED])[0]}."
            )
        for measure in scope.measures:
            if not any(_is(rate, measure) for rate in scope.rates):
                raise InputError(
                    f"MEASURES={measure}: give {', '.join(MEASURES)}, or one rate: recall:{scope.labels[0]}, "
                    f"confusion:{scope.labels[0]}:{scope.labels[1]}. Labels are {', '.join(scope.labels)}."
                )
        for name in scope.reference:
            if name not in scope.attributes:
                raise InputError(f"REFERENCE={name}=...: give one of {', '.join(scope.attributes)} = a group of it.")
        return scope

    @property
    def attrs(self):
        """As `pandas.DataFrame.attrs` keeps it; nothing for the study's own scope."""
        return {} if self == Scope() else asdict(self)

    @property
    def base(self):
        """Attributes that are columns of their own."""
        return tuple(name for name in self.attributes if name != CROSSED)

    @property
    def person(self):
        """Columns with what is known about a person."""
        return ("subject_id", *self.base, CROSSED)

    @property
    def described(self):
        """The ways to divide people; `all` puts everybody into one group."""
        return ("all", *self.base, CROSSED)

    @property
    def outcomes(self):
        """What an answer can be: one of the labels, or the reason why there is none."""
        return self.labels + STATUSES[1:]

    @property
    def rates(self):
        """Every rate of the audit: its name, and the true and the predicted label where it is about one."""
        pairs = [("confusion", true, other) for true in self.labels for other in self.labels if true != other]
        return [(name, "", "") for name in MEASURES[:2]] + [("recall", one, one) for one in self.labels] + pairs

    def crossed(self, table):
        """The finest group of each row of a table, as text."""
        names = table[self.base[0]].astype(object)
        for other in self.base[1:]:
            names = names + " " + table[other].astype(object)
        return names

    def order(self, attribute, names):
        """Groups of an attribute with its reference last, so that it is the second of every pair."""
        last = self.reference.get(attribute)
        return sorted(names, key=lambda name: (name == last, name))

    def judges(self, contrasts):
        """Which contrasts are asked for: a bool a row of a table with `measure`, `attribute`, `group_b` and so on."""
        held = contrasts["attribute"].map(self.reference)
        asked = (held.isna() | (held == contrasts["group_b"])).to_numpy(bool)
        if self.measures:
            rates = contrasts[["measure", "true", "predicted"]].itertuples(index=False, name=None)
            asked = asked & np.array(
                [any(_is(rate, measure) for measure in self.measures) for rate in rates], dtype=bool
            )
        return asked

    def shares(self, contrasts):
        """Part of alpha for each contrast; see `family`. Measures of another audit than this one are all alike."""
        kind = 2 * ~contrasts["measure"].isin(MEASURES[:2]).to_numpy() + (contrasts["attribute"] == CROSSED).to_numpy()
        return SHARES.ravel()[kind] / np.bincount(kind, minlength=4)[kind]

    @property
    def family(self):
        """The contrasts over which `p_adjusted` controls the error of any false `different`, in words."""
        held = "".join(f", {name} against {group}" for name, group in self.reference.items())
        what = ", ".join(self.measures or MEASURES)
        if self == Scope():
            return _STUDY
        return (
            f"all estimable contrasts of one dataset, model and variant in {what}, "
            f"by {', '.join(self.attributes)}{held}. Of alpha, each kind of contrast has the part that it has in an "
            f"audit of emotions by race and gender, raised as far as there are fewer of them and they go together"
        )

    def check_reference(self, manifest):
        """Raise unless every reference is a group of its attribute."""
        for name, group in self.reference.items():
            there = sorted(set(manifest[name]))
            if group not in there:
                raise InputError(f"REFERENCE={name}={group}: there is no such group. There are: {', '.join(there)}.")


_STUDY = (
    "all estimable contrasts of one dataset, model and variant. Of alpha, {:.0%} is for accuracy and no answer by race "
    "and by gender, {:.0%} for these by race-gender group, {:.0%} for recall and confusions by race and by gender, "
    "{:.0%} for these by group; each part is raised as far as contrasts go together"
).format(*SHARES.ravel())


def _is(rate, asked):
    parts = tuple(asked.split(":"))
    return rate[: len(parts)] == parts
