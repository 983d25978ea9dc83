"""A clip seen in a mirror: left becomes right in everything it holds, and in what is said of it."""

from dataclasses import replace

import numpy as np

from kineograph.core.boxes import Boxes
from kineograph.core.cameras import Cameras
from kineograph.core.tracks import Tracks
from kineograph.data.clip import Clip, Fact
from kineograph.data.procedural.captions import flipped


def flip(clip: Clip) -> Clip:
    """The clip mirrored left to right: pictures, tracks, boxes, flow, cameras, caption and facts.

    A mirrored camera is a camera in a world mirrored along x.
    """
    turn = np.array([-1, 1], np.float32)
    return replace(
        clip,
        video=np.ascontiguousarray(clip.video[:, :, ::-1]),
        caption=flipped(clip.caption),
        tracks=None if clip.tracks is None else flip_tracks(clip.tracks),
        boxes=None if clip.boxes is None else flip_boxes(clip.boxes),
        cameras=None if clip.cameras is None else flip_cameras(clip.cameras),
        flow=None if clip.flow is None else clip.flow[:, :, ::-1] * turn,
        depth=None if clip.depth is None else clip.depth[:, :, ::-1],
        masks=None if clip.masks is None else clip.masks[..., ::-1],
        facts=tuple(flip_fact(fact) for fact in clip.facts),
    )


def random_flip(clip: Clip, rng: np.random.Generator, probability: float | int = 0.5) -> Clip:
    """The clip, mirrored with this probability."""
    return flip(clip) if rng.random() < probability else clip


def flip_tracks(tracks: Tracks) -> Tracks:
    """Tracks mirrored: x becomes W - x.

    A point exactly on the left border, inside, comes to lie on the right one, outside, and is
    hidden there.
    """
    points = tracks.points * np.array([-1, 1], np.float32)
    points += np.array([tracks.size[0], 0], np.float32)
    return replace(tracks, points=points).hide_outside()


def flip_boxes(boxes: Boxes) -> Boxes:
    """Boxes mirrored, their left sides and right sides changing places."""
    turned = boxes.boxes.copy()
    turned[..., 0] = boxes.size[0] - boxes.boxes[..., 2]
    turned[..., 2] = boxes.size[0] - boxes.boxes[..., 0]
    return replace(boxes, boxes=turned, labels=tuple(flipped(label) for label in boxes.labels))


def flip_cameras(cameras: Cameras) -> Cameras:
    """Cameras of a world mirrored along x, such that what they see is mirrored left to right."""
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    lens = cameras.K.copy()
    lens[:, 0, 1] *= -1
    lens[:, 0, 2] = cameras.size[0] - lens[:, 0, 2]
    return replace(cameras, K=lens, w2c=mirror @ cameras.w2c @ mirror)


def flip_fact(fact: Fact) -> Fact:
    """The fact as it is in the mirror."""
    direction = None if fact.direction is None else flipped(fact.direction)
    return replace(fact, subject=flipped(fact.subject), direction=direction)
