"""What of a clip is trained on: which frames, which part of the picture, mirrored or not.

Pure functions from clip to clip; everything a clip holds follows. Where chance decides, a NumPy
generator is passed in. Which tracks are taken is in `track_sampling.py`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from kineograph.core.cameras import Cameras
from kineograph.core.checks import checked_crop, checked_size
from kineograph.core.errors import DataError, TracksError
from kineograph.core.picture import fit as fit_picture
from kineograph.data.clip import Clip
from kineograph.vision.flow import sample_field

Fitting = Literal["crop", "stretch"]
"""How a picture gets another shape: its middle cut out, or stretched."""

HELD = ("tracks", "boxes", "cameras", "flow", "depth", "masks")
"""What a clip may hold beside its frames."""

Strides = tuple[int, int]
"""The smallest and the largest distance between the frames taken, each as likely."""


class Window(NamedTuple):
    """Which frames of a clip are taken."""

    start: int
    frames: int
    stride: int

    @property
    def indices(self) -> range:
        """The frames, counted from 0."""
        return range(self.start, self.start + self.frames * self.stride, self.stride)

    @property
    def picked(self) -> slice:
        """The same, for indexing."""
        return slice(self.start, self.indices[-1] + 1, self.stride)


def window(clip: Clip, start: int, frames: int, stride: int = 1) -> Clip:
    """So many frames of a clip from `start` on, every `stride`-th.

    The rate falls by the stride. Flow over several frames is followed from one to the next.

    Raises:
        DataError: the clip does not have these frames.
    """
    last = start + (frames - 1) * stride
    if min(frames, stride) < 1 or start < 0 or last >= clip.frames:
        raise DataError(
            f"clip {clip.name}: frames {start} to {last}, every {stride}, were asked for; it has "
            f"0 to {clip.frames - 1}"
        )
    chosen, fps = Window(start, frames, stride), clip.fps / stride
    held = {name: taken(name, getattr(clip, name), chosen, fps) for name in HELD}
    return replace(clip, video=clip.video[chosen.picked], fps=fps, **held)


def taken(name: str, held: Any, chosen: Window, fps: float) -> Any:
    """One of the things a clip holds beside its frames, at the chosen frames only.

    Args:
        name: one of `HELD`.
        held: it; or None, which stays None.
        chosen: the frames.
        fps: frames a second then.
    """
    picked = chosen.picked
    if held is None:
        return None
    if name == "tracks":
        depth = None if held.depth is None else held.depth[:, picked]
        points, state = held.points[:, picked], held.state[:, picked]
        return replace(held, points=points, state=state, depth=depth, fps=fps)
    if name == "boxes":
        parts = {each: getattr(held, each)[:, picked] for each in ("boxes", "state", "hard")}
        return replace(held, **parts, fps=fps)
    if name == "cameras":
        return replace(held, K=held.K[picked], w2c=held.w2c[picked], fps=fps)
    if name == "flow":
        return _flow_at(held, chosen)
    return held[:, picked] if name == "masks" else held[picked]


def draw_window(total: int, frames: int, strides: Strides, rng: np.random.Generator) -> Window:
    """A window out of `total` frames by chance.

    Strides that do not fit are left out; all starts that fit are as likely.

    Raises:
        DataError: not even the smallest stride fits.
    """
    low, high = strides
    if not 1 <= low <= high:
        raise DataError(f"strides of {low} to {high} were asked for; give 1 or more, in order")
    most = high if frames == 1 else min(high, (total - 1) // (frames - 1))
    if most < low or total < frames or frames < 1:
        raise DataError(f"it has {total} frames, too few for {frames} at a stride of {low}")
    stride = int(rng.integers(low, most + 1))
    start = int(rng.integers(0, total - (frames - 1) * stride))
    return Window(start, frames, stride)


def random_window(
    clip: Clip, frames: int, rng: np.random.Generator, *, strides: Strides = (1, 1)
) -> Clip:
    """A window of the clip by chance; see `draw_window`.

    Raises:
        DataError: the clip is too short.
    """
    try:
        chosen = draw_window(clip.frames, frames, strides, rng)
    except DataError as error:
        raise DataError(f"clip {clip.name}: {error}") from error
    return window(clip, *chosen)


def crop(clip: Clip, box: Sequence[int]) -> Clip:
    """The part x0, y0, x1, y1 of the picture, in whole pixels.

    Points and boxes that leave it become occluded and keep their place; a box that is wholly
    outside becomes a line on the border when boxes are batched (Boximator's rule, `BoxBatch`).

    Raises:
        DataError: the crop is no part of the picture.
    """
    try:
        (left, top), (width, height) = checked_crop(box, clip.size)
    except TracksError as error:
        raise DataError(f"clip {clip.name}: {error}") from error
    down, across = slice(top, top + height), slice(left, left + width)
    return replace(
        clip,
        video=clip.video[:, down, across],
        tracks=None if clip.tracks is None else clip.tracks.crop(box),
        boxes=None if clip.boxes is None else clip.boxes.crop(box),
        cameras=None if clip.cameras is None else _shifted(clip.cameras, left, top, width, height),
        flow=None if clip.flow is None else clip.flow[:, down, across],
        depth=None if clip.depth is None else clip.depth[:, down, across],
        masks=None if clip.masks is None else clip.masks[:, :, down, across],
    )


def resize(clip: Clip, size: tuple[int, int]) -> Clip:
    """The clip at another size (width, height); its aspect is not kept.

    Depth and masks take the nearest pixel, flow is averaged and scaled.
    """
    size = checked_size(size)
    if size == clip.size:
        return clip
    factors = np.array(size, np.float32) / np.array(clip.size, np.float32)
    return replace(
        clip,
        video=np.stack([fit_picture(frame, size) for frame in clip.video]),
        tracks=None if clip.tracks is None else clip.tracks.resize(size),
        boxes=None if clip.boxes is None else clip.boxes.resize(size),
        cameras=None if clip.cameras is None else clip.cameras.resize(size),
        flow=None if clip.flow is None else _flow_resized(clip.flow, size, factors),
        depth=None if clip.depth is None else _nearest(clip.depth, size),
        masks=None if clip.masks is None else _nearest(clip.masks, size),
    )


def fit(clip: Clip, size: tuple[int, int], how: Fitting = "crop") -> Clip:
    """The clip at a size (width, height): "crop" keeps its aspect and cuts its middle out.

    "stretch" keeps the whole picture and not the aspect, as SMCD's training does.
    """
    box = None if how == "stretch" else centre_box(clip.size, size)
    return resize(clip if box is None else crop(clip, box), size)


def random_crop(
    clip: Clip, size: tuple[int, int], rng: np.random.Generator, *, smallest: float | int = 1.0
) -> Clip:
    """A part of the aspect of `size` at a random place, resized to it.

    Args:
        clip: the clip.
        size: (width, height) of the result.
        rng: chance.
        smallest: the part's sides are `smallest` to 1 times the largest that fits.

    Raises:
        DataError: `smallest` is not above 0 and at most 1.
    """
    if not 0 < smallest <= 1:
        raise DataError(f"crops of at least {smallest} of the picture were asked for; give 0 to 1")
    left, top, right, bottom = centre_box(clip.size, size)
    share = rng.uniform(smallest, 1.0)
    width = max(1, round((right - left) * share))
    height = max(1, round((bottom - top) * share))
    x = int(rng.integers(0, clip.size[0] - width + 1))
    y = int(rng.integers(0, clip.size[1] - height + 1))
    return resize(crop(clip, (x, y, x + width, y + height)), size)


def centre_box(held: tuple[int, int], wanted: tuple[int, int]) -> tuple[int, int, int, int]:
    """The largest part of a picture of size `held`, about its middle, of the aspect of `wanted`."""
    factor = min(held[0] / wanted[0], held[1] / wanted[1])
    width = min(held[0], max(1, round(wanted[0] * factor)))
    height = min(held[1], max(1, round(wanted[1] * factor)))
    left, top = (held[0] - width) // 2, (held[1] - height) // 2
    return left, top, left + width, top + height


def _flow_at(
    flow: Float[np.ndarray, "pairs height width 2"], chosen: Window
) -> Float[np.ndarray, "picked height width 2"]:
    """Flow between frames a stride apart: each pixel followed through the frames between."""
    if chosen.frames == 1 or chosen.stride == 1:
        return flow[chosen.start : chosen.start + chosen.frames - 1]
    return np.stack([_chained(flow[i : i + chosen.stride]) for i in chosen.indices[:-1]])


def _chained(
    flow: Float[np.ndarray, "steps height width 2"],
) -> Float32[np.ndarray, "height width 2"]:
    height, width = flow.shape[1:3]
    rows, columns = np.mgrid[:height, :width].astype(np.float32) + np.float32(0.5)
    begun = np.stack([columns, rows], axis=-1).reshape(-1, 2)
    points = begun
    for step in flow:
        points = points + sample_field(np.ascontiguousarray(step, np.float32), points)
    return (points - begun).reshape(height, width, 2)


def _shifted(cameras: Cameras, left: int, top: int, width: int, height: int) -> Cameras:
    """Cameras for a part of the picture: the principal point moves."""
    lens = cameras.K.copy()
    lens[:, 0, 2] -= left
    lens[:, 1, 2] -= top
    return replace(cameras, K=lens, size=(width, height))


def _flow_resized(
    flow: Float[np.ndarray, "pairs height width 2"],
    size: tuple[int, int],
    factors: Float32[np.ndarray, "2"],
) -> Float32[np.ndarray, "pairs rows columns 2"]:
    if len(flow) == 0:
        return np.zeros((0, size[1], size[0], 2), np.float32)
    smaller = size[0] < flow.shape[2]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    fields = [cv2.resize(f.astype(np.float32), size, interpolation=how) for f in flow]
    return np.asarray(np.stack(fields) * factors, np.float32)


def _nearest(
    maps: Float32[np.ndarray, "*any height width"] | UInt8[np.ndarray, "*any height width"] | Any,
    size: tuple[int, int],
) -> Any:
    """Maps at another size, each pixel that of the nearest middle."""
    height, width = maps.shape[-2:]
    rows = ((np.arange(size[1]) + 0.5) * height / size[1]).astype(np.intp)
    columns = ((np.arange(size[0]) + 0.5) * width / size[0]).astype(np.intp)
    return maps[..., rows[:, None], columns]
