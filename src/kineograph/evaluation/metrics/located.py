"""The objects of a sample, located in its video once for all metrics of boxes and masks."""

from dataclasses import replace
from zlib import crc32

import numpy as np
from jaxtyping import Float64

from kineograph.core.boxes import Boxes
from kineograph.core.state import State
from kineograph.data.clip import Clip
from kineograph.evaluation.locating import Follow, Located, all_by_points, by_colours, first_seen
from kineograph.evaluation.look import Look
from kineograph.evaluation.tracking import SMALL, Frames, follow
from kineograph.vision.flow_tracker import FlowTracker


def follower_of(look: Look) -> Follow:
    """What follows points for a look: its own tracker.

    The default tracker has too few pixels to go by in very small videos; `tracking.follow` takes
    its place there.
    """
    small = max(look.sample.size) < SMALL and isinstance(look.tracker, FlowTracker)
    return follow if small else look.follow


def boxed_clip(look: Look) -> Clip | None:
    """The clip whose boxes were asked for: the true one, or what is known of it.

    Where none were asked for, as in an ablation, it is the true boxes; None where there are none of
    these either. Where there is no true video the generated one stands in for its size and length;
    it is only looked at where the picture was given.
    """
    asked, truth = look.sample.request.boxes, look.sample.truth
    if asked is None or not asked.count:
        return truth if truth is not None and truth.boxes and truth.boxes.count else None
    if truth is None:
        return Clip(look.sample.frames, look.sample.fps, boxes=asked)
    same = truth.boxes is not None and truth.boxes.labels == asked.labels
    return replace(truth, boxes=asked, masks=truth.masks if same else None)


def located(look: Look, clip: Clip, item: int) -> Located | None:
    """Where an object of a clip is in the generated video, looked for once.

    By its points where the picture shows it, else by its colours in the true video. None where it
    is never seen, or nothing tells what it looks like.

    Args:
        look: at the sample.
        clip: whose boxes name the object: of `boxed_clip`, or the true one.
        item: its index in them.
    """
    assert clip.boxes is not None
    told = crc32(clip.boxes.boxes.tobytes()), crc32(clip.boxes.state.tobytes())
    key = f"objects of {told}, {clip.masks is None}"
    frames, pictured = look.sample.frames, look.sample.request.picture is not None
    if pictured and first_seen(clip, item) == 0:
        shown = [other for other in range(clip.boxes.count) if first_seen(clip, other) == 0]
        together: dict[int, Located] = look.once(
            f"{key} by points", lambda: all_by_points(frames, clip, shown, follower_of(look))
        )
        return together[item]
    if look.sample.truth is None:
        return None
    found: Located | None = look.once(
        f"{key} by colours, {item}", lambda: by_colours(frames, clip, item)
    )
    return found


def seen_after(look: Look, boxes: Boxes, item: int) -> np.ndarray:
    """The frames in which an object's box is meant to be seen, and is not known beforehand.

    The first frame is given where there is a picture.
    """
    seen = boxes.state[item] == State.VISIBLE
    given = look.sample.request.picture is not None
    return np.flatnonzero(seen & ((np.arange(boxes.frames) > 0) | (not given)))


def overlaps(
    one: Float64[np.ndarray, "boxes 4"],
    other: Float64[np.ndarray, "boxes 4"],
    size: tuple[int, int],
) -> Float64[np.ndarray, " boxes"]:
    """Intersection over union of pairs of boxes, of their parts within the picture."""
    limit = np.array(size * 2, np.float64)
    one, other = np.clip(one, 0, limit), np.clip(other, 0, limit)
    sides = np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2])
    shared = np.prod(np.maximum(sides, 0), axis=1)
    areas = [np.prod(np.maximum(box[:, 2:] - box[:, :2], 0), axis=1) for box in (one, other)]
    return np.asarray(shared / np.maximum(areas[0] + areas[1] - shared, 1e-9))


def pixels_in(frames: Frames, boxes: Float64[np.ndarray, "frames 4"], frame: int) -> np.ndarray:
    """The colours (n, 3) inside a frame's box; none where it is outside the picture."""
    height, width = frames.shape[1:3]
    x0, y0 = np.floor(np.clip(boxes[frame, :2], 0, [width, height])).astype(int)
    x1, y1 = np.ceil(np.clip(boxes[frame, 2:], 0, [width, height])).astype(int)
    return np.asarray(frames[frame, y0:y1, x0:x1].reshape(-1, 3))
