"""Agreement of raters: Krippendorff's alpha for answers without an order."""

import numpy as np
from jaxtyping import Int

MISSING = -1
"""No answer."""


def nominal_alpha(answers: Int[np.ndarray, "raters units"]) -> float:
    """Krippendorff's alpha for nominal answers, any number of raters, answers may be missing.

    1 less the observed over the expected disagreement: of pairs of answers to one unit, and of
    pairs of answers drawn from all (Krippendorff 2011, "Computing Krippendorff's
    Alpha-Reliability", part C). 1 is full agreement, 0 is chance, less is worse than chance.

    Args:
        answers: what each rater said of each unit, as numbers from 0 on; `MISSING` where nothing.

    Returns:
        NaN where it is not defined: no unit has two answers, or all answers are the same.
    """
    counts = _counts(answers)
    held = counts[counts.sum(axis=1) >= 2].astype(np.float64)
    total = held.sum()
    if not total:
        return float("nan")
    sizes = held.sum(axis=1)
    alike = ((held * (held - 1)).sum(axis=1) / (sizes - 1)).sum()
    values = held.sum(axis=0)
    expected = (values * (values - 1)).sum() / (total - 1)
    if expected == total:
        return float("nan")
    return float(1 - (total - alike) / (total - expected))


def _counts(answers: Int[np.ndarray, "raters units"]) -> Int[np.ndarray, "units values"]:
    """How often each value was said of each unit."""
    values = np.unique(answers[answers != MISSING])
    columns = [(answers == value).sum(axis=0) for value in values]
    return np.stack(columns, axis=1) if columns else np.zeros((answers.shape[1], 0), np.int64)
