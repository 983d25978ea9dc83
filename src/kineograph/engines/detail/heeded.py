"""Which motion is used: that of tracks and boxes, and where only words speak the generated one."""

from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from kineograph.conditioning.first_motion import NEARBY, SEEN, UNIT, hints, tracks_of
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.picture import fit
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.engines.base import Request
from kineograph.engines.detail.calm import calmed
from kineograph.engines.lowering import asked_tracks
from kineograph.render.warp import Warp

TOGETHER = 0.4
"""If nearly all cells are this near to one affine motion, as a share of how far they go, it is the
camera's."""

NEARLY = 0.95
"""What counts as nearly all."""

CERTAIN = 0.95
"""Where tracks nearby tell so much or more, words do not."""

FINER = 4
"""Places along each side of a cell for which it is told apart what they move with."""

LARGER = 2
"""By how much the picture that this is seen in is larger than the one that the model is given."""


def heeded(
    motion: Float32[np.ndarray, "3 frames rows columns"],
    request: Request,
    picture: UInt8[np.ndarray, "height width 3"],
) -> Float32[np.ndarray, "3 frames fine_rows fine_columns"]:
    """A generated motion, as far as the request stands for it, told to things and not to cells.

    What tracks and boxes ask is certain, and what the model adds to it by itself is as often wrong
    as right; words speak of all the rest of a picture. What moves with what is told by the
    picture's own edges, as in `render.warp`, which is shown the tracks and, with words, the motion
    of the cells that no track is near; what goes behind what is then seen from how far each goes.
    Where words move all as a camera does nothing is told apart, so that nothing tears. What a track
    lets go of goes on as it went. Where nothing is asked the picture drifts as a whole; see
    `calmed`.

    Args:
        motion: as of `conditioning.first_motion`.
        request: what the model was asked, of its size and frames.
        picture: the first frame, of any size.

    Returns:
        A motion of finer cells; of the same where nothing is asked.
    """
    asked = asked_tracks(request)
    asked = asked if asked is not None and asked.count else None
    if not request.text and asked is None:
        return calmed(motion)
    fine = _finer(motion)
    if request.text and asked is None:
        whole = calmed(fine)
        if _together(fine[:2], whole[:2]):
            return whole
    near = np.zeros((1, 1, *motion.shape[2:]), np.float32)
    if asked is not None:
        stride = request.size[1] // motion.shape[2]
        batch = TrackBatch.of([asked], frames=motion.shape[1], size=request.size)
        near = hints(batch, stride)[:, NEARBY].amax(dim=1, keepdim=True).numpy()
    known = _finer(near)[0]
    seen = fine[2:] * known + np.float32(SEEN) * (1 - known)
    moving = [] if asked is None else [asked]
    if request.text:
        cells = tracks_of(motion, request.size, request.fps)
        cells = replace(cells, state=np.full_like(cells.state, State.VISIBLE))
        moving.insert(0, cells.select(near.ravel() < CERTAIN))
    return np.concatenate([_warped(picture, Tracks.merge(*moving), fine.shape[2:]), seen])


def _together(
    gone: Float32[np.ndarray, "2 frames rows columns"],
    whole: Float32[np.ndarray, "2 frames rows columns"],
) -> bool:
    """Whether a motion is nearly one affine motion."""
    left, far = (np.sqrt((held**2).sum(axis=0).mean(axis=0)) for held in (gone - whole, gone))
    return bool(np.quantile(left, NEARLY) < TOGETHER * far.mean())


def _warped(
    picture: UInt8[np.ndarray, "height width 3"], tracks: Tracks, grid: tuple[int, ...]
) -> Float32[np.ndarray, "2 frames rows columns"]:
    """Where engine `warp` would move each part of a picture, for tracks of the model's size."""
    width, height = (LARGER * side for side in tracks.size)
    warp = Warp(fit(picture, (width, height)), tracks.resize((width, height)))
    moved = [
        cv2.resize(warp.motion(frame), grid[::-1], interpolation=cv2.INTER_AREA)
        for frame in range(warp.frames)
    ]
    unit = np.float32(UNIT * max(width, height))
    return np.moveaxis(np.stack(moved), -1, 0).astype(np.float32) / unit


def _finer(
    values: Float32[np.ndarray, "channels frames rows columns"],
) -> Float32[np.ndarray, "channels frames fine_rows fine_columns"]:
    """The same on finer cells, linear between the middles of the coarse ones."""
    channels, frames, rows, columns = values.shape
    size = (FINER * columns, FINER * rows)
    flat = [cv2.resize(plane, size) for plane in values.reshape(-1, rows, columns)]
    return np.stack(flat).reshape(channels, frames, *size[::-1])
