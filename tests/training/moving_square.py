"""A clip with exact truth: a textured square that slides over a textured ground."""

import cv2
import numpy as np

from conftest import made_texture
from kineograph.core.boxes import Boxes
from kineograph.core.tracks import Tracks
from kineograph.data.clip import Clip, Fact

SIDE, FRAMES, SQUARE = 32, 6, 10


def square_clip(
    step: tuple[float, float] = (2.0, 0.0), start: tuple[int, int] = (6, 10), seed: int = 0
) -> Clip:
    """A reddish square whose corner begins at `start` and moves by `step` pixels a frame."""
    fine = 4
    ground = made_texture((SIDE * fine, SIDE * fine), seed, grain=10) // 2
    square = made_texture((SQUARE * fine, SQUARE * fine), seed + 1, grain=8) // 3
    square[..., 0] = 200 + square[..., 0] // 2
    video, corners = [], []
    for index in range(FRAMES):
        x, y = start[0] + step[0] * index, start[1] + step[1] * index
        picture = ground.copy()
        left, top = round(x * fine), round(y * fine)
        picture[top : top + SQUARE * fine, left : left + SQUARE * fine] = square
        video.append(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
        corners.append((x, y))
    return Clip(
        video=np.stack(video),
        fps=8,
        caption="a red square moves",
        name="square",
        tracks=_tracks(np.array(corners)),
        boxes=_boxes(np.array(corners)),
        masks=_masks(np.array(corners)),
        facts=(Fact("red square", "moves", said(step), SQUARE, 0),),
    )


def _tracks(corners: np.ndarray) -> Tracks:
    x, y = np.meshgrid(np.arange(0.5, SIDE), np.arange(0.5, SIDE))
    points = np.stack([x, y], -1).reshape(-1, 2)
    inside = _within(points, corners[0])
    moved = np.where(inside[:, None, None], (corners - corners[0])[None], 0.0)
    placed = points[:, None] + moved
    covered = np.stack([_within(points, corner) for corner in corners], axis=1)
    state = np.where(~inside[:, None] & covered, 2, 1).astype(np.uint8)
    return Tracks.of(placed, state, size=(SIDE, SIDE), fps=8)


def _boxes(corners: np.ndarray) -> Boxes:
    boxes = np.concatenate([corners, corners + SQUARE], axis=1)[None]
    return Boxes.of(boxes, size=(SIDE, SIDE), fps=8, labels=("red square",), group=[0])


def _masks(corners: np.ndarray) -> np.ndarray:
    x, y = np.meshgrid(np.arange(0.5, SIDE), np.arange(0.5, SIDE))
    points = np.stack([x, y], -1).reshape(-1, 2)
    return np.stack([_within(points, c).reshape(SIDE, SIDE) for c in corners])[None]


def _within(points: np.ndarray, corner: np.ndarray) -> np.ndarray:
    return ((points >= corner) & (points < corner + SQUARE)).all(axis=1)


def said(step: tuple[float, float]) -> str:
    """The direction of a step in words."""
    across = "right" if step[0] > 0 else "left" if step[0] < 0 else ""
    along = "down" if step[1] > 0 else "up" if step[1] < 0 else ""
    return " ".join(word for word in (along, across) if word)
