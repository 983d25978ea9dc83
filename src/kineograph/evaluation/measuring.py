"""Measuring one sample by some metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isinf
from typing import Any

import numpy as np

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.backbones.store import Backbones
from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric, Part
from kineograph.evaluation.metrics import METRICS


@dataclass(frozen=True, eq=False)
class Found:
    """What metrics found of one sample.

    Args:
        values: metric to number, or to a list for a curve; NaN where it does not apply.
        features: "METRIC.generated" and "METRIC.reference" of set metrics.
    """

    values: dict[str, Any] = field(default_factory=dict)
    features: dict[str, np.ndarray] = field(default_factory=dict)


def metrics_named(names: Sequence[str]) -> tuple[Metric, ...]:
    """Metrics by name, each once.

    Raises:
        EvaluationError: a name is unknown.
    """
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        raise EvaluationError(
            f"there is no metric {unknown[0]!r}; there are: {', '.join(sorted(METRICS))}"
        )
    return tuple(METRICS[name] for name in dict.fromkeys(names))


def unmeasurable(metrics: Sequence[Metric], backbones: Backbones) -> Mapping[str, str]:
    """Which metrics cannot be measured because a network is missing or broken, and what to do."""
    told = {m.name: [t for b in m.backbones if (t := backbones.unusable(b))] for m in metrics}
    return {name: "; ".join(sentences) for name, sentences in told.items() if sentences}


def measure(look: Look, metrics: Sequence[Metric]) -> Found:
    """Measure a sample; what a metric needs and the sample lacks gives NaN.

    Raises:
        EvaluationError: a metric gives something else than it says.
        KineographError: something cannot be measured.
    """
    found, holds = Found(), look.sample.holds
    for metric in metrics:
        if metric.needs <= holds:
            _add(found, metric, metric.measure(look))
        elif metric.kind != "set":
            found.values[metric.name] = [] if metric.kind == "curve" else float("nan")
    return found


def _add(found: Found, metric: Metric, value: Any) -> None:
    if metric.kind == "set":
        if value is not None:
            _check_part(metric, value)
            found.features[f"{metric.name}.generated"] = np.asarray(value.generated, np.float32)
            found.features[f"{metric.name}.reference"] = np.asarray(value.reference, np.float32)
    elif metric.kind == "curve":
        found.values[metric.name] = [float(x) for x in np.asarray(value)]
    else:
        if isinf(value):
            raise EvaluationError(f"metric {metric.name} gave {value}; a value has to be finite")
        found.values[metric.name] = float(value)


def _check_part(metric: Metric, part: Part) -> None:
    for features in (part.generated, part.reference):
        if features.ndim != 2 or not np.isfinite(features).all():
            raise EvaluationError(
                f"metric {metric.name} gave features of {features.shape} with numbers that are not "
                "finite; they have to be (items, features)"
            )
