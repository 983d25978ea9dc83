"""What files of measurements hold, as plain facts: depth, poses, recordings of a mouse."""

from pathlib import Path
from typing import Any

import numpy as np

from kineograph.core.embedding import open_image
from kineograph.core.errors import DocumentError, KineographError
from kineograph.core.picture import MAX_PIXELS
from kineograph.gestures.pose import Pose
from kineograph.gestures.recording import Recording
from kineograph.gestures.writing.messages import shown
from kineograph.vision.depth_file import SCALE_KEY, read_depth
from kineograph.vision.pose import JOINTS, SURE, Poses, check_joints

Facts = dict[str, Any]
"""Names to JSON values, in the order in which they are told."""


def is_depth_picture(path: Path) -> bool:
    """Whether the picture is a depth map that Kineograph wrote."""
    try:
        with open_image(path) as image:
            return SCALE_KEY in image.info
    except (OSError, SyntaxError, ValueError):
        return False


def depth(path: Path, max_pixels: int | None) -> Facts:
    """A depth map.

    Raises:
        VisionError: it is broken or no depth map.
    """
    found = read_depth(path, max_pixels=max_pixels or MAX_PIXELS)
    height, width = found.depth.shape
    return {
        "kind": "depth",
        "size": [width, height],
        "nearest": float(found.depth.min()),
        "farthest": float(found.depth.max()),
        "unit": "metres" if found.metric else "relative",
        "lens": found.K is not None,
    }


def poses(path: Path) -> Facts:
    """The poses of a person through a video.

    Raises:
        KineographError: it is broken or something else.
    """
    found = Poses.load(path)
    return {
        "kind": "poses",
        "size": list(found.size),
        "frames": found.frames,
        "fps": found.fps,
        "seconds": found.frames / found.fps,
        "joints found": float(np.mean(found.score >= SURE)),
    }


def pose(path: Path, data: Facts) -> Facts:
    """The joints of a person in a picture, with or without the keys that move them.

    Args:
        path: the file, for the messages.
        data: its JSON.

    Raises:
        DocumentError: something in it is not allowed.
    """
    try:
        if data.keys() & {"keys", "source"}:
            given: Any = Pose(**data).joints
        else:  # as `kineograph pose` measures them, not yet moved; a face alone is fine
            given = data.get("joints")
            check_joints(given if isinstance(given, dict) else ())
    except KineographError as error:
        raise DocumentError(f"{path}: {error}") from None
    if not isinstance(given, dict | list):
        raise DocumentError(f"{path}: its joints are {shown(given)}; give names and places")
    places = given.values() if isinstance(given, dict) else given
    return {
        "kind": "pose",
        "joints": f"{sum(place is not None for place in places)} of {len(JOINTS)}",
        "keys": len(data.get("keys") or ()),
        "source": data.get("source"),
    }


def recording(path: Path) -> Facts:
    """A recorded mouse.

    Raises:
        DocumentError: it is broken.
    """
    held = Recording.load(path)
    return {
        "kind": "recording of a mouse",
        "size": None if held.size is None else list(held.size),
        "samples": len(held.points),
        "fps": held.fps,
        "seconds": held.duration,
        "presses": len(held.presses()),
    }
