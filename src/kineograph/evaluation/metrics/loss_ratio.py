"""MotiF's loss ratio: how much larger a network's error is where things move, by timestep.

MotiF (arXiv:2412.16153), figure 6: on held-out clips the motion heatmap is thresholded, and the
mean loss inside it is divided by the mean loss of everything, at each timestep. Above 1 the network
does worse on what moves. It is measured on networks and not on videos, so it is no `Metric`; the
probe "loss-ratio" measures it in training.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int

from kineograph.core.errors import EvaluationError

THRESHOLD = 0.5
"""Of the heatmap: what is above it moves. The paper does not state its own."""

Errors = Float[np.ndarray, "_ _ _ _ _"]
"""Clips, channels, frames, rows, columns."""

Heat = Float[np.ndarray, "_ 1 _ _ _"]
"""Clips, 1, frames, rows, columns."""


@dataclass(frozen=True, eq=False)
class Curve:
    """The ratio at each timestep.

    Args:
        timesteps: in rising order, each once.
        ratio: mean error inside the heatmaps over mean error; NaN where nothing moves or there is
            no error at all.
        clips: how many clips each is of.
    """

    timesteps: Float64[np.ndarray, " steps"]
    ratio: Float64[np.ndarray, " steps"]
    clips: Int[np.ndarray, " steps"]


def loss_ratio(errors: Errors, heatmap: Heat, threshold: float | int = THRESHOLD) -> float:
    """The mean error where the heatmap is above a threshold over the mean error; 0 to infinity.

    Of all clips together, so that a clip counts by how much of it moves. 1 means that errors are
    alike; "better" is neither: a low ratio may come from large errors elsewhere. NaN where nothing
    moves or there is no error.

    Args:
        errors: squared errors of what the network predicts, on the latent grid.
        heatmap: where clips move, 0 to 1, on the same grid.
        threshold: of the heatmap.

    Raises:
        EvaluationError: the two do not fit.
    """
    _check(errors, heatmap)
    inside = np.broadcast_to(heatmap > threshold, errors.shape)
    whole = float(errors.mean(dtype=np.float64))
    if not inside.any() or whole == 0:
        return float("nan")
    return float(errors[inside].mean(dtype=np.float64)) / whole


def loss_ratio_curve(
    errors: Errors,
    heatmap: Heat,
    timesteps: Float[np.ndarray, " _"] | Int[np.ndarray, " _"],
    threshold: float | int = THRESHOLD,
) -> Curve:
    """`loss_ratio` of the clips of each timestep.

    Args:
        errors: see there; clips may come again at other timesteps.
        heatmap: see there.
        timesteps: of each clip.
        threshold: of the heatmap.

    Raises:
        EvaluationError: they do not fit, or there is no clip.
    """
    _check(errors, heatmap)
    if timesteps.shape != errors.shape[:1] or not len(timesteps):
        raise EvaluationError(
            f"{len(errors)} clips were given with timesteps of {timesteps.shape}; give one a clip"
        )
    steps, counts = np.unique(timesteps, return_counts=True)
    ratios = [
        loss_ratio(errors[timesteps == step], heatmap[timesteps == step], threshold)
        for step in steps
    ]
    return Curve(steps.astype(np.float64), np.array(ratios, np.float64), counts)


def _check(errors: Errors, heatmap: Heat) -> None:
    if errors.shape[:1] + errors.shape[2:] != heatmap.shape[:1] + heatmap.shape[2:]:
        raise EvaluationError(
            f"errors are {errors.shape}, the heatmap {heatmap.shape}; they need the same clips, "
            "frames, rows and columns"
        )
    if not np.isfinite(errors).all():
        raise EvaluationError("an error is not finite; the network is broken, measure another")
