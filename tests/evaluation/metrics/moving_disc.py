"""A textured disc that moves over a textured ground, with all its truth."""

from dataclasses import replace

import cv2
import numpy as np

from kineograph.core.boxes import Boxes
from kineograph.data.clip import Clip, Fact
from kineograph.engines.base import Request
from kineograph.evaluation.look import Look
from kineograph.evaluation.sample import Sample

SIZE, FRAMES, RADIUS = (128, 96), 6, 18


def _texture(seed: int, tint: tuple[int, int, int]) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(
        rng.random((SIZE[1] + 80, SIZE[0] + 80, 3)).astype(np.float32), (0, 0), 2
    )
    bright = cv2.normalize(noise, None, 0, 1, cv2.NORM_MINMAX)
    return (bright * np.array(tint)).astype(np.float32)


def disc_clip(step: tuple[float, float] = (6, 0), begin: tuple[float, float] = (40, 48)) -> Clip:
    """A reddish disc that moves by so many pixels a frame over a bluish ground."""
    ground, skin = _texture(1, (90, 120, 255)), _texture(2, (255, 90, 60))
    y, x = np.mgrid[: SIZE[1], : SIZE[0]] + 0.5
    frames, masks, boxes = [], [], []
    for frame in range(FRAMES):
        cx, cy = begin[0] + frame * step[0], begin[1] + frame * step[1]
        shift = np.array([[1, 0, cx - 60], [0, 1, cy - 60]], np.float32)
        moved = cv2.warpAffine(skin, shift, SIZE)
        mask = (x - cx) ** 2 + (y - cy) ** 2 <= RADIUS**2
        frames.append(np.where(mask[..., None], moved, ground[: SIZE[1], : SIZE[0]]))
        masks.append(mask)
        boxes.append([cx - RADIUS, cy - RADIUS, cx + RADIUS, cy + RADIUS])
    video = np.clip(np.rint(np.stack(frames)), 0, 255).astype(np.uint8)
    held = Boxes.of(np.array([boxes]), size=SIZE, fps=8, labels=("red disc",))
    said = "right" if step[0] > 0 else "left"
    fact = Fact("red disc", "moves", said, abs(step[0]) * (FRAMES - 1), group=0)
    return Clip(
        video,
        8,
        f"A red disc moves {said}.",
        boxes=held,
        masks=np.stack(masks)[None],
        facts=(fact,),
    )


def look_at(
    frames: np.ndarray,
    truth: Clip | None,
    *,
    asked: Clip | None = None,
    pictured: bool = True,
    name: str = "a",
) -> Look:
    """A look at a video that was asked to be like a clip (the truth, if not another)."""
    said = asked or truth
    assert said is not None
    request = Request(
        size=said.size,
        frames=said.frames,
        fps=said.fps,
        picture=said.video[0] if pictured else None,
        text=said.caption,
        boxes=said.boxes,
    )
    return Look(Sample(frames, request, truth, name))


def still(clip: Clip) -> np.ndarray:
    """Its first frame, in all frames."""
    return np.repeat(clip.video[:1], clip.frames, axis=0)


def without_boxes(clip: Clip) -> Clip:
    """The clip with nothing boxed."""
    return replace(clip, boxes=None, masks=None)
