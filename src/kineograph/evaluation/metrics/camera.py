"""Whether the camera did what the true camera does, told from where the background goes.

The camera of the generated video is estimated from the points of an even grid that are on no
object (see `camera_motion`): by resection where the true depth of the first frame is known, then in
its unit, and else by the essential matrix, which says nothing of how far. The lens is the true
one, so a zoom is not mistaken for a step (and a video that does not zoom where the true lens does
is one of a camera that steps back). Everything is relative to the first frame. Frames in which no
camera is found are left out, and `camera-found` says how many are left.
"""

import numpy as np
from jaxtyping import Bool, Float64

from kineograph.evaluation.background import RESTS, background
from kineograph.evaluation.camera_motion import CameraPath, angle, by_depth, by_parallax
from kineograph.evaluation.look import Look
from kineograph.evaluation.metric import Metric
from kineograph.evaluation.scale import UNIT, distances, mean_where

GOES = 0.01
"""A camera goes somewhere if that is farther than this share of the median depth of what it sees;
where no depth is known, if it goes anywhere."""

FAR = 0.1
"""A frame has a direction if the true camera is farther from its start than this share of the
farthest it gets."""

RESTING = 0.05
"""A found camera that never gets farther than this share of the true one rests."""

Centres = Float64[np.ndarray, "frames 3"]


def cammc(look: Look) -> float:
    """How far the background is from where the true camera takes it, in pixels of 256x256.

    0 and up, lower is better: the mean over background points of an even grid and the frames after
    the first in which they are in the picture and nothing is before them. Image Conductor's CamMC
    (Li et al. 2024) as its authors say it is measured, distances of trajectories in the picture
    and not of camera poses; the paths asked for are here those that the true camera and depth make.
    NaN where the true camera goes somewhere and no depth is known.
    """
    ground = background(look)
    if ground.paths is None:
        return float("nan")
    found = look.grid_followed.select(ground.which).points
    counts = ground.clear & (np.arange(found.shape[1]) > 0)
    apart = distances(found, np.nan_to_num(ground.paths), look.sample.size)
    return mean_where(apart, counts)


def camera_rotation(look: Look) -> float:
    """The angle between the found and the true rotation of the camera, the mean over frames.

    0 to 180 degrees, lower is better: arccos((tr(R_found^T R_true) - 1) / 2), as CameraCtrl (He et
    al. 2024), which takes the sum over frames and not the mean. The frames after the first count.
    A true camera that rests counts too: then every turn is wrong.
    """
    found, true = _found(look), _true(look)
    held = np.flatnonzero(_counts(found))
    return _mean([angle(found.rotation[t], true.rotation[t]) for t in held])


def camera_translation(look: Look) -> float:
    """How far the found camera is from the true one, as a share of the farthest the true one gets.

    0 and up, lower is better; the mean over frames after the first. In the unit of the depths, so
    a camera that goes the right way half as far is half wrong; one that rests has the mean of the
    true camera's own distances, at most 1. NaN where the true camera goes nowhere, or no depth of
    the first frame is known.
    """
    found, true = _found(look), _true(look)
    if not (found.metric and _goes(look, true)):
        return float("nan")
    return _apart(found.centres, true, _counts(found))


def camera_translation_aligned(look: Look) -> float:
    """The same after the found path has been scaled by one factor, by least squares.

    CameraCtrl's TransErr (He et al. 2024) and others align the scale, as nobody knows that of a
    structure from motion; so it does not see a camera that goes the right way half as far. A
    found camera that rests is not scaled. NaN as `camera_translation`.
    """
    found, true = _found(look), _true(look)
    if not (found.metric and _goes(look, true)):
        return float("nan")
    counts = _counts(found)
    return _apart(found.centres * aligning(found.centres, true.centres, counts), true, counts)


def camera_direction(look: Look) -> float:
    """The angle between where the found and the true camera are from their start, in degrees.

    0 to 180, lower is better; the mean over frames in which the true camera is away from its
    start. A found camera that rests has no direction: 90. NaN where the true camera goes nowhere.
    """
    found, true = _found(look), _true(look)
    if not _goes(look, true):
        return float("nan")
    away = np.linalg.norm(true.centres, axis=1) > FAR * true.reach
    least = RESTING * true.reach if found.metric else 0.0
    held = np.flatnonzero(_counts(found) & away)
    return _mean([_between(found.centres[t], true.centres[t], least) for t in held])


def camera_found(look: Look) -> float:
    """The share of frames after the first in which a camera was found.

    0 to 1, higher is better; what the other figures of the camera are means over.
    """
    return float(_found(look).found[1:].mean()) if len(look.sample.frames) > 1 else float("nan")


def aligning(found: Centres, true: Centres, counts: Bool[np.ndarray, " frames"]) -> float:
    """The factor, 0 or more, by which a found path fits the true one best; 1 for one that rests."""
    one, other = found[counts], true[counts]
    farthest = np.linalg.norm(true, axis=1).max()
    if not len(one) or np.linalg.norm(one, axis=1).max() <= RESTING * farthest:
        return 1.0
    return max(0.0, float((one * other).sum() / (one**2).sum()))


def _found(look: Look) -> CameraPath:
    """The camera of the generated video."""
    held: CameraPath = look.once("camera of the video", lambda: _estimated(look))
    return held


def _estimated(look: Look) -> CameraPath:
    ground, cameras = background(look), look.truth.cameras
    assert cameras is not None
    tracks = look.grid_followed.select(ground.which)
    paths, size = tracks.points.astype(np.float64), look.sample.size
    if ground.depth is None:
        return by_parallax(paths, tracks.visible, cameras.K, size)
    return by_depth(paths, tracks.visible, ground.depth, cameras.K, size)


def _true(look: Look) -> CameraPath:
    assert look.truth.cameras is not None
    return CameraPath.of(look.truth.cameras)


def _goes(look: Look, true: CameraPath) -> bool:
    depth = background(look).depth
    known = np.zeros(0) if depth is None else depth[np.isfinite(depth)]
    return bool(true.reach > (GOES * np.median(known) if len(known) else RESTS))


def _counts(found: CameraPath) -> Bool[np.ndarray, " frames"]:
    return found.found & (np.arange(len(found.found)) > 0)


def _apart(found: Centres, true: CameraPath, counts: Bool[np.ndarray, " frames"]) -> float:
    return mean_where(np.linalg.norm(found - true.centres, axis=1), counts) / true.reach


def _between(
    one: Float64[np.ndarray, "3"], other: Float64[np.ndarray, "3"], least: float | int
) -> float:
    """The angle between two directions in degrees; 90 if the first is not longer than `least`."""
    if np.linalg.norm(one) <= least:
        return 90.0
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(one, other)), one @ other)))


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


FILMED = frozenset({"truth", "cameras", "picture"})

METRICS = (
    Metric(
        name="cammc",
        title="CamMC",
        what="mean distance of background points from where the true camera takes them",
        measure=cammc,
        better="lower",
        unit=UNIT,
        needs=FILMED,
        motion=True,
        source="Image Conductor (2406.15339), and its issue 6",
    ),
    Metric(
        name="camera-rotation",
        title="Camera rotation error",
        what="mean angle between the rotation of the camera found in the video and the true one",
        measure=camera_rotation,
        better="lower",
        unit="degrees",
        range=(0.0, 180.0),
        needs=FILMED,
        motion=True,
        source="CameraCtrl (2404.02101), RotErr, mean over frames in place of the sum",
    ),
    Metric(
        name="camera-translation",
        title="Camera translation error",
        what="mean distance of the found camera from the true one, by the farthest the true one "
        "gets",
        measure=camera_translation,
        better="lower",
        unit="of the camera's reach",
        needs=FILMED | {"depth"},
        motion=True,
        source="Kineograph",
    ),
    Metric(
        name="camera-translation-aligned",
        title="Camera translation error, aligned",
        what="the same after scaling the found path by the factor that fits best",
        measure=camera_translation_aligned,
        better="lower",
        unit="of the camera's reach",
        needs=FILMED | {"depth"},
        motion=True,
        source="CameraCtrl (2404.02101), TransErr, mean over frames, by the camera's reach",
    ),
    Metric(
        name="camera-direction",
        title="Camera direction error",
        what="mean angle between the directions in which the found and the true camera went",
        measure=camera_direction,
        better="lower",
        unit="degrees",
        range=(0.0, 180.0),
        needs=FILMED,
        motion=True,
        source="Diffusion as Shader (2501.03847), TransErr",
    ),
    Metric(
        name="camera-found",
        title="Camera found",
        what="share of frames in which a camera could be found at all",
        measure=camera_found,
        better="higher",
        range=(0.0, 1.0),
        needs=FILMED,
        motion=True,
        source="Kineograph",
    ),
)
"""This family."""
