"""What each part of the training is worth: arms that differ in one thing, on the same clips."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from mini_arms import Arm, arms_of, differ, rows_of, spread, values_of
from mini_plan import MINI, Plan, failures
from mini_suites import OPPOSITE, TOLD, Pictured, Untold

from kineograph.evaluation.bench.report_folder import STILL, TRUTH, WARP
from kineograph.evaluation.bench.results import Results
from kineograph.evaluation.intervals import Interval
from kineograph.evaluation.suites.procedural import ProceduralBoxes
from kineograph.evaluation.suites.suite import Suite


@dataclass(frozen=True)
class Question:
    """What is asked of the arms.

    Args:
        name: of their folder, and of the report's.
        about: what is compared, and the paper whose claim it is.
        suite: the clips.
        metrics: the figures.
        variants: of the suite.
        alone: whether it is asked of `mini` itself too.
        usual: settings of engine `mini` for the arms.
    """

    name: str
    about: str
    suite: Callable[[Plan], Suite]
    metrics: tuple[str, ...]
    variants: tuple[str, ...] = ("",)
    alone: bool = False
    usual: Mapping[str, Any] = field(default_factory=dict)


TRACKS = ("4", "2048")
OWN = {"motion": "own"}

QUESTIONS: tuple[Question, ...] = (
    Question(
        "text",
        "First frame and caption are given, then the same picture with the opposite caption. The "
        "share of said motions that are seen, within 45 degrees, and the mean cosine; arms with "
        "and without the motion focal loss (MotiF, arXiv:2412.16153).",
        lambda plan: Pictured(count=plan.said),
        ("text-direction", "text-direction-cosine"),
        (TOLD, OPPOSITE),
        alone=True,
    ),
    Question(
        "boxes",
        "Mean overlap (AO) of the followed objects with the boxes asked for, and SR50; two "
        "stages (SMCD, arXiv:2403.10179) against joint training, where the picture moves as the "
        "network says, and not along the boxes by itself.",
        lambda plan: ProceduralBoxes(count=plan.boxed),
        ("ao", "sr50"),
        alone=True,
        usual=OWN,
    ),
    Question(
        "tracks",
        "How many tracks are shown in training (Motion Prompting, arXiv:2412.02700, table 3). The "
        "picture moves as the network says, and not along the given tracks by itself.",
        lambda plan: Untold(count=plan.compared),
        ("psnr", "ssim", "epe"),
        TRACKS,
        usual=OWN,
    ),
    Question(
        "encodings",
        "How tracks enter the network, at equal compute. The picture moves as the network says, "
        "and not along the given tracks by itself.",
        lambda plan: Untold(count=plan.compared),
        ("psnr", "ssim", "epe"),
        TRACKS,
        usual=OWN,
    ),
)


def answer(plan: Plan, question: Question) -> list[str]:
    """The section of a question."""
    arms = arms_of(plan.arms, question.name)
    rows = rows_of(plan.arms, question.name, arms, question.usual) if plan.arms else []
    if not arms and not question.alone:
        return [question.about, "", f"Not measured: no models of `{question.name}` are at hand."]
    rows += plan.row() if question.alone else []
    variants = question.variants if question.variants != ("",) else ()
    suite = question.suite(plan)
    results = plan.measure(suite, question.name, question.metrics, rows, variants)
    return [question.about, "", *table(results, question, arms)]


def table(results: Results, question: Question, arms: Sequence[Arm]) -> Iterator[str]:
    """Every row's and arm's figures, and how the arms differ, each with its interval."""
    heads = [_head(metric, variant) for variant in question.variants for metric in question.metrics]
    said = f"{len(results.names)} clips; 95 % intervals over clips and trainings."
    yield " ".join(filter(None, [said, _few(arms), *failures(results)]))
    yield ""
    yield "| arm | trainings | " + " | ".join(heads) + " |"
    yield "|-" * (len(heads) + 2) + "|"
    labels = [row.label for row in results.head.rows]
    for row in (label for label in (TRUTH, STILL, WARP, MINI) if label in labels):
        yield f"| {row} | | " + " | ".join(_cells(results, question, row)) + " |"
    for arm in arms:
        cells = list(_levels(results, question, arm))
        yield f"| {arm.name} | {len(arm.models)} | " + " | ".join(cells) + " |"
    for first, second in combinations(arms, 2):
        cells = list(_changes(results, question, first, second))
        yield f"| {second.name} - {first.name} | | " + " | ".join(cells) + " |"


def _levels(results: Results, question: Question, arm: Arm) -> Iterator[str]:
    for variant in question.variants:
        for metric in question.metrics:
            values = values_of(results, arm, metric, variant)
            empty = bool(np.isnan(values).all())
            yield "" if empty else _said(spread(values, f"{metric} {variant}"))


def _changes(results: Results, question: Question, first: Arm, second: Arm) -> Iterator[str]:
    paired = list(first.models) == list(second.models)
    for variant in question.variants:
        for metric in question.metrics:
            held = [values_of(results, arm, metric, variant) for arm in (first, second)]
            if any(np.isnan(values).all() for values in held):
                yield ""
                continue
            change = differ(held[0], held[1], f"{metric} {variant}", paired=paired)
            clear = change.low > 0 or change.high < 0
            said = _said(change, sign="+")
            yield f"**{said}**" if clear else said


def _cells(results: Results, question: Question, row: str) -> Iterator[str]:
    for variant in question.variants:
        for metric in question.metrics:
            held = results.interval(metric, row, variant)
            yield "" if held is None else _said(held)


def _head(metric: str, variant: str) -> str:
    said = metric.upper() if len(metric) <= 4 else metric
    if not variant:
        return said
    return f"{said} at {int(variant):,}" if variant.isdecimal() else f"{said}, {variant}"


def _said(held: Interval, sign: str = "") -> str:
    return f"{held.value:{sign}.3g} [{held.low:{sign}.3g}, {held.high:{sign}.3g}]"


def _few(arms: Sequence[Arm]) -> str:
    alone = [arm.name for arm in arms if len(arm.models) == 1]
    if not alone:
        return ""
    return f"One training only of {', '.join(alone)}: what another would give is not in theirs."
