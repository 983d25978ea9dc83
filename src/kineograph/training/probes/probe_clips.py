"""The clips that probes measure on: procedural scenes that no training run sees."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from kineograph.core.errors import TrainingError
from kineograph.data.batch import first_objects
from kineograph.data.clip import Clip
from kineograph.data.procedural.scene import scene
from kineograph.data.procedural.settings import SceneSettings
from kineograph.data.sampling import random_window
from kineograph.data.track_sampling import draw_tracks, with_motion
from kineograph.evaluation.followable import RELIABLE, followable, still_error
from kineograph.evaluation.metrics.boxes import still_overlap
from kineograph.evaluation.metrics.direction import measurable
from kineograph.training.scene_clips import scene_frames
from kineograph.training.stage import Stage

SEED = 2_000_000_000
"""Of the first scene and of the noise; the seeds of training scenes are drawn, and miss these."""

TRIES = 40
"""Scenes that are looked at for each that is taken."""


def probe_clips(stage: Stage, count: int, data: Mapping[str, Any]) -> tuple[Clip, ...]:
    """So many scenes of a stage's size and length, the same ones every time.

    Only scenes in which every probe of the stage has something to measure are taken: tracks that
    move, a boxed object that is seen, a direction that is said. Where the recipe trains on scenes,
    these are like them; otherwise they are general ones, and say how the network does beyond its
    data. Tracks are drawn as in training, and so are the frames: a part of a scene that is as long
    as the data's, and at least of some frames, for a scene of one says that nothing moves.

    Args:
        stage: what is trained; its probes say what the scenes need.
        count: how many.
        data: of the recipe.

    Raises:
        TrainingError: there are too few such scenes.
        DataError: the recipe's scenes say something that is not allowed.
    """
    settings = _settings(stage, data)
    needs = [_NEEDS[probe.measure] for probe in stage.probes if probe.measure in _NEEDS]
    found: list[Clip] = []
    for number in range(TRIES * count):
        clip = _sampled(scene(SEED + number, **settings), stage, SEED + number)
        if all(suits(clip) for suits in needs):
            found.append(clip)
        if len(found) == count:
            return tuple(found)
    measures = ", ".join(probe.measure for probe in stage.probes)
    raise TrainingError(
        f"stage {stage.name} probes {measures}, and {len(found)} of {TRIES * count} scenes have "
        "all that these measure; probe less at once, or change the scenes"
    )


def _settings(stage: Stage, data: Mapping[str, Any]) -> dict[str, Any]:
    own = {}
    if data.get("kind", "scenes") == "scenes":
        own = {name: held for name, held in data.items() if name in SceneSettings.model_fields}
    given = {"size": stage.sampling.size, "frames": scene_frames(stage.sampling.frames, data)}
    return {**own, **given, "masks": True, "flow": True}


def _sampled(clip: Clip, stage: Stage, seed: int) -> Clip:
    """A scene with as many frames, tracks and objects as training gives."""
    sampling, rng = stage.sampling, np.random.default_rng(seed)
    clip = replace(clip, boxes=first_objects(clip.boxes, sampling.max_objects))
    if clip.frames > sampling.frames:
        clip = random_window(clip, sampling.frames, rng)
    clip = with_motion(clip, sampling.motion)
    if sampling.tracks == "none" or clip.tracks is None:
        return clip
    return draw_tracks(clip, sampling.tracks, rng)


def _moves(clip: Clip) -> bool:
    """Whether following its tracks is more than resting, and the tracker could tell."""
    if clip.tracks is None:
        return False
    held = followable(clip.video, clip.tracks)
    return held.count > 0 and still_error(held) >= 2 * RELIABLE


def _has_boxes(clip: Clip) -> bool:
    return clip.boxes is not None and not np.isnan(still_overlap(clip, pictured=clip.frames > 1))


def _says(clip: Clip) -> bool:
    """Whether its caption says a way, and more than one frame can show it."""
    return clip.frames > 1 and any(measurable(fact) for fact in clip.facts)


_NEEDS: Mapping[str, Callable[[Clip], bool]] = {
    "epe": _moves,
    "box-iou": _has_boxes,
    "direction": _says,
}
