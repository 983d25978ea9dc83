"""What a file holds, as plain facts: pictures, videos, motion, documents, measurements."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from kineograph.cli import measured
from kineograph.core.boxes import Boxes
from kineograph.core.cameras import Cameras
from kineograph.core.errors import KineographError, TracksError
from kineograph.core.files import sha256_of
from kineograph.core.picture import MAX_PIXELS, PICTURE_ENDINGS, read_picture
from kineograph.core.request_record import find_request
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.core.video import open_video
from kineograph.gestures.document import Document
from kineograph.gestures.writing.reading import read_document

Facts = dict[str, Any]
"""Names to JSON values, in the order in which they are told."""


def describe(path: Path, max_pixels: int | None = None) -> Facts:
    """What the file (or folder of frames) at `path` holds.

    Args:
        path: a video, a folder of frames, a picture, a `.npz` of tracks, boxes, cameras, poses or
            depth, another depth map, a motion document, a pose, a recording of a mouse, or the
            record beside an output.
        max_pixels: the largest picture that is read.

    Raises:
        KineographError: it is missing, broken or nothing that Kineograph knows.
    """
    if not path.exists():
        raise KineographError(f"{path} does not exist; name a file that does")
    return {"file": str(path), **_facts(path, max_pixels)}


def _facts(path: Path, max_pixels: int | None) -> Facts:
    if path.suffix.lower() == ".npz":
        return _npz(path, max_pixels)
    if path.suffix.lower() == ".npy":
        return measured.depth(path, max_pixels)
    if path.suffix.lower() == ".json":
        return _json(path)
    if path.is_file() and is_picture(path):
        return _picture(path, max_pixels)
    return _video(path, max_pixels)


def is_picture(path: Path) -> bool:
    """Whether the file is a still picture; one of several frames (animated) is not."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            return getattr(image, "n_frames", 1) == 1
    except Image.DecompressionBombError:
        return True
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return path.suffix.lower() in PICTURE_ENDINGS  # a broken one, which read_picture explains


def _picture(path: Path, max_pixels: int | None) -> Facts:
    if measured.is_depth_picture(path):
        return measured.depth(path, max_pixels)
    image = read_picture(path, max_pixels=max_pixels or MAX_PIXELS)
    height, width = image.shape[:2]
    return {"kind": "picture", "size": [width, height], "sha256": sha256_of(path)}


def _video(path: Path, max_pixels: int | None) -> Facts:
    with open_video(path, max_pixels=max_pixels or MAX_PIXELS) as video:
        facts: Facts = {
            "kind": "folder of frames" if path.is_dir() else "video",
            "size": list(video.size),
            "frames": video.frames,
            "fps": video.fps,
            "seconds": video.duration,
            "codec": video.codec,
        }
        return facts | ({} if video.request is None else {"made by": _record(video.request)})


def _npz(path: Path, max_pixels: int | None) -> Facts:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError):
        raise TracksError(f"cannot read {path}: it is not a .npz file, or a broken one") from None
    if "boxes" in names:
        return _boxes(Boxes.load(path))
    if "w2c" in names:
        return _cameras(Cameras.load(path))
    if "keypoints" in names:
        return measured.poses(path)
    if "depth" in names and "points" not in names:
        return measured.depth(path, max_pixels)
    return _tracks(Tracks.load(path))


def _clip(size: tuple[int, int], frames: int, fps: float) -> Facts:
    return {"size": list(size), "frames": frames, "fps": fps, "seconds": frames / fps}


def _states(state: np.ndarray) -> Facts:
    return {
        kind.name.lower(): float(np.mean(state == kind)) if state.size else 0.0 for kind in State
    }


def _groups(group: np.ndarray | None) -> int | None:
    return None if group is None else len(np.unique(group[group >= 0]))


def _tracks(tracks: Tracks) -> Facts:
    reach = np.linalg.norm(tracks.displacements(), axis=2).max(axis=1, initial=0.0)
    return {
        "kind": "tracks",
        "tracks": tracks.count,
        **_clip(tracks.size, tracks.frames, tracks.fps),
        "share of entries": _states(tracks.state),
        "groups": _groups(tracks.group),
        "depth": tracks.depth is not None,
        "strength": tracks.strength is not None,
        "pixels moved": {
            "median": float(np.median(reach)) if reach.size else 0.0,
            "largest": float(reach.max(initial=0.0)),
        },
    }


def _boxes(boxes: Boxes) -> Facts:
    return {
        "kind": "boxes",
        "objects": boxes.count,
        "labels": list(boxes.labels),
        **_clip(boxes.size, boxes.frames, boxes.fps),
        "share of entries": _states(boxes.state),
        "hard": float(np.mean(boxes.hard)) if boxes.hard.size else 0.0,
        "groups": _groups(boxes.group),
        "depth": boxes.depth is not None,
    }


def _cameras(cameras: Cameras) -> Facts:
    path = np.linalg.norm(np.diff(cameras.centres, axis=0), axis=1).sum()
    return {
        "kind": "cameras",
        **_clip(cameras.size, cameras.frames, cameras.fps),
        "path length": float(path),
    }


def _json(path: Path) -> Facts:
    record = find_request(path)
    if record is not None:
        return {"kind": "record of an output", **_record(record)}
    data = read_document(path)
    if data.get("kind") == "recording":
        return measured.recording(path)
    if data.get("kind") == "pose" or ("joints" in data and "size" not in data):
        return measured.pose(path, data)
    return {"kind": "motion document", **_document(Document.load(path), path.parent)}


def _record(record: Facts) -> Facts:
    """The request that an output carries, told from whatever of it is there."""
    facts: Facts = {"kineograph": record.get("kineograph")}
    document = record.get("document")
    if not isinstance(document, dict):
        return facts | {"overlay of": record.get("overlay")}
    picture, gestures = document.get("picture"), document.get("gestures")
    return facts | {
        "engine": record.get("engine"),
        "size": record.get("size"),
        "picture": picture.get("path") if isinstance(picture, dict) else None,
        "text": document.get("text") or None,
        "seed": document.get("seed"),
        "gestures": [g.get("kind") for g in gestures or () if isinstance(g, dict)],
    }


def _document(document: Document, folder: Path) -> Facts:
    picture = document.picture
    return {
        "version": document.version,
        **_clip(document.size, document.frames, document.fps),
        "picture": None if picture is None else f"{picture.path} ({_standing(picture, folder)})",
        "text": document.text or None,
        "negative text": document.negative_text or None,
        "seed": document.seed,
        "engine": document.engine.name,
        "settings": dict(document.engine.settings) or None,
        "gestures": [_gesture(gesture) for gesture in document.gestures],
    }


def _standing(picture: Any, folder: Path) -> str:
    """Whether the picture that a document names is there and the one that was meant."""
    path = folder / picture.path
    if not path.is_file():
        return "missing"
    if picture.sha256 is None:
        return "there"
    return "as it was" if sha256_of(path) == picture.sha256 else "changed since"


def _gesture(gesture: Any) -> str:
    end = "end" if gesture.end is None else f"{gesture.end:g} s"
    name = f" {gesture.name!r}" if gesture.name else ""
    return f"{gesture.kind}{name}, {gesture.start:g} s to {end}"
