"""Which motion is used: the generated one where words or boxes ask for it, else the tracks' own."""

from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from kineograph.conditioning.box_batch import BoxBatch
from kineograph.conditioning.box_motion import box_hints
from kineograph.conditioning.first_motion import NEARBY, SEEN, UNIT, hints, tracks_of
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.picture import fit
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.engines.base import Request
from kineograph.engines.detail.calm import calmed
from kineograph.render.warp import Warp

TOLD = 3
"""The channel of `box_hints` that says where a box tells."""

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

    Words may speak of every part of a picture, so with words all of it counts. Tracks alone speak
    of what they are on, and boxes of what is inside; what the model adds to that is as often wrong
    as right. What moves with what is told by the picture's own edges, as in `render.warp`, which is
    shown the cells' motion or the tracks. What a track lets go of goes on as it went. Where nothing
    is asked the picture drifts as a whole; see `calmed`.

    Args:
        motion: as of `conditioning.first_motion`.
        request: what the model was asked, of its size and frames.
        picture: the first frame, of any size.

    Returns:
        A motion of finer cells; of the same where nothing is asked.
    """
    if request.text:
        cells = tracks_of(motion, request.size, request.fps)
        seen = replace(cells, state=np.full_like(cells.state, State.VISIBLE))
        fine = _finer(motion)
        return np.concatenate([_warped(picture, seen, fine.shape[2:]), fine[2:]])
    if request.tracks is None and request.boxes is None:
        return calmed(motion)
    frames, rows, columns = motion.shape[1:]
    stride = request.size[1] // rows
    fine = _finer(motion)
    rest = np.zeros_like(fine[:2])
    near = told = np.zeros((1, 1, *fine.shape[2:]), np.float32)
    if request.tracks is not None:
        tracks = TrackBatch.of([request.tracks], frames=frames, size=request.size)
        near = _finer(hints(tracks, stride)[:, NEARBY].amax(dim=1, keepdim=True).numpy())
        rest = _warped(picture, request.tracks, fine.shape[2:])
    if request.boxes is not None:
        boxes = BoxBatch.of([request.boxes], frames=frames, size=request.size)
        held = box_hints(boxes, (rows, columns), request.size)[:, TOLD]
        told = _finer(held.amax(dim=1, keepdim=True).numpy())
    known = np.maximum(near, told)[0]
    seen = fine[2:] * known + np.float32(SEEN) * (1 - known)
    return np.concatenate([fine[:2] * told[0] + rest * (1 - told[0]), seen])


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
