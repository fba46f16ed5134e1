"""The closed list of rules by which an upgrade is decided, and the numbers in them.

``docs/decision.md`` holds the same table for people, and a test compares the two; ``evidence`` looks for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

NOTICED = 1.2
"""Ratio of speeds from which a difference is noticed: about a fifth, the rule of thumb for durations in S. Seow,
Designing and Engineering Time, 2008."""
MUCH = 1.5
"""Ratio of speeds that is worth a machine by itself: a third of every wait is gone. A judgement."""
NEAR = 1.25
"""A model that needs no more than this times the speed is just missed: the step between two like machines."""
EDGE = 1.05
"""A gain that is less than this beyond the limit lies on it: runs of one machine differ by as much."""
SAME_SIZE = 1.1
"""Parameter counts that are closer are one size: 7.6B and 8B, 70B and 72B."""
PREDICTED = "predicted"
"""Provenance of figures that nobody measured."""
FEW = 3
"""Trials below which nothing is known of a figure's spread."""


class Verdict(StrEnum):
    """What to do."""

    UPGRADE = "upgrade"
    WAIT = "wait"
    NO_DIFFERENCE = "no difference"
    UNDECIDED = "undecided"


class Rule(StrEnum):
    """Everything that can speak for a verdict, or raise a doubt. The first that applies decides."""

    NOTHING_COMPARED = "nothing compared"
    NOT_TO_BE_USED = "not to be used"
    LOSES_MODEL = "loses a model"
    GAINS_MODEL = "gains a model"
    SLOWER = "slower"
    GAINS_SIZE = "gains a size"
    MUCH_FASTER = "much faster"
    STILL_SLOW = "still too slow"
    DISAGREE = "models disagree"
    CANNOT_TELL = "cannot be told"
    HARDLY_FASTER = "hardly faster"
    FASTER_ALONE = "faster alone"
    JUST_MISSED = "just missed"
    USABLE_BEFORE = "usable before"
    PREDICTED = "predicted"
    ONE_MODEL = "one model"
    FEW_TRIALS = "few trials"
    REPORTED = "as reported"
    LEFT_OUT = "left out"
    LOW_GRADE = "low grade"
    UNLIKE = "unlike"
    MIXED = "mixed weights"
    ON_THE_LINE = "on the line"
    BY_CHANCE = "perhaps chance"
    SIZE_UNSURE = "size unsure"
    BEYOND_MEASURED = "beyond measured"


class Meaning(NamedTuple):
    """What a rule is for."""

    verdict: Verdict | None
    """What it speaks for; None for a doubt, which changes no verdict."""
    when: str
    says: str
    """With ``{a}`` and ``{b}`` for the machines, ``{limit}``, ``{models}``, ``{ratio}``, its interval
    ``{span}``, and ``{between}`` for the sizes gained."""


RULES: Mapping[Rule, Meaning] = {
    Rule.NOTHING_COMPARED: Meaning(
        Verdict.UNDECIDED, "no model was compared on both machines", "No model could be compared."
    ),
    Rule.NOT_TO_BE_USED: Meaning(
        Verdict.UNDECIDED,
        "each compared model has a figure of grade D",
        "Grade D throughout: nothing to decide by. Measure again.",
    ),
    Rule.LOSES_MODEL: Meaning(
        Verdict.WAIT,
        "a measured model is usable on the old machine alone",
        "No longer usable on {b}: {models}.",
    ),
    Rule.GAINS_MODEL: Meaning(
        Verdict.UPGRADE,
        "a measured model is surely usable on the new machine alone",
        "Usable on {b} alone: {models}.",
    ),
    Rule.SLOWER: Meaning(
        Verdict.WAIT, "below 1/1.2 of the speed, and not by chance", "{b} has {ratio} the speed of {a}."
    ),
    Rule.GAINS_SIZE: Meaning(
        Verdict.UPGRADE,
        "a common size lies between the intervals of the largest usable sizes",
        "By the lines through the measured sizes, usable on {b} alone: {models}.",
    ),
    Rule.MUCH_FASTER: Meaning(
        Verdict.UPGRADE,
        "at least 1.5 times the speed, not by chance, and a model is usable on it",
        "{b} has {ratio} the speed of {a}: a third of every wait or more is gone.",
    ),
    Rule.STILL_SLOW: Meaning(
        Verdict.WAIT,
        "at least 1.5 times the speed, but no measured model is usable even so",
        "{b} has {ratio} the speed of {a}, but no measured model is usable even so.",
    ),
    Rule.DISAGREE: Meaning(
        Verdict.UNDECIDED,
        "models differ noticeably, and the mean ratio hides it or has no interval",
        "The models disagree: {b} has {ratio} the speed of {a} on average, but {span} by model.",
    ),
    Rule.CANNOT_TELL: Meaning(
        Verdict.UNDECIDED,
        "an interval of the ratio holds 1, and 1.2 or 1/1.2 too",
        "The figures cannot tell which is faster: {b} has {ratio} the speed of {a}, from {span}.",
    ),
    Rule.HARDLY_FASTER: Meaning(
        Verdict.NO_DIFFERENCE,
        "between 1/1.2 and 1.2 times the speed",
        "{b} has {ratio} the speed of {a}, which is hardly noticed.",
    ),
    Rule.FASTER_ALONE: Meaning(
        Verdict.WAIT,
        "1.2 to 1.5 times the speed, and no model or common size is surely gained",
        "{b} has {ratio} the speed of {a}, but no common size becomes usable{between}.",
    ),
    Rule.JUST_MISSED: Meaning(
        Verdict.WAIT,
        "a model is faster on the new machine, and needs at most 1.25 times its speed",
        "On {b} {models} just misses {limit}.",
    ),
    Rule.USABLE_BEFORE: Meaning(
        Verdict.NO_DIFFERENCE,
        "every compared model is usable on both machines, and no size is gained",
        "Every compared model is usable on {a} already.",
    ),
    Rule.PREDICTED: Meaning(
        None,
        "the figures of a machine are predicted",
        "Nobody measured {models}: its figures are predicted, with 95% intervals.",
    ),
    Rule.ONE_MODEL: Meaning(None, "a single model was compared", "One model compared: others may differ."),
    Rule.FEW_TRIALS: Meaning(
        None,
        "a compared figure comes from fewer than 3 trials",
        "Fewer than three trials: the spread is not known ({models}).",
    ),
    Rule.REPORTED: Meaning(
        None, "a compared figure was reported by somebody else", "Figures are as others reported them."
    ),
    Rule.LEFT_OUT: Meaning(
        None,
        "a figure of grade D is in no mean and no gain, as others are better",
        "Grade D, so in no mean and no gain: {models}.",
    ),
    Rule.LOW_GRADE: Meaning(None, "a compared figure has grade C or D", "Grade C or D: {models}."),
    Rule.UNLIKE: Meaning(
        None, "models were compared in spite of a difference", "Compared although not alike: {models}."
    ),
    Rule.MIXED: Meaning(
        None,
        "sizes on a curve differ in quantisation",
        "Sizes are in several quantisations, so the largest usable one is rough.",
    ),
    Rule.ON_THE_LINE: Meaning(
        None,
        "a gain is within 5% of the limit, or its interval holds it",
        "So near {limit} that it may fall below: {models}.",
    ),
    Rule.BY_CHANCE: Meaning(
        None, "a gained model has an interval of its ratio that holds 1", "Perhaps by chance: {models}."
    ),
    Rule.SIZE_UNSURE: Meaning(
        None,
        "the interval of a largest usable size holds a common size",
        "By the intervals it may fall on either side: {models}.",
    ),
    Rule.BEYOND_MEASURED: Meaning(
        None,
        "a largest usable size lies beyond the measured ones",
        "The largest usable size is beyond the measured ones.",
    ),
}
"""Every rule in the order in which they decide, then what supports a verdict, then doubts."""
