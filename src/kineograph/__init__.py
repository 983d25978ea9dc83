"""Kineograph: a still picture, a sentence and a motion prompt become a video.

The names below load on first use, so that `import kineograph` itself loads neither numpy nor torch.

    import kineograph as kg

    document = kg.Document.for_picture("cat.jpg", frames=49, fps=16)
    document = document.add(kg.Drag(path=[(120, 200), (260, 180)]))
    kg.animate(document).save("cat.mp4")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kineograph.core import errors
from kineograph.core.errors import KineographError

if TYPE_CHECKING:
    from kineograph.core.boxes import Boxes
    from kineograph.core.cameras import Cameras
    from kineograph.core.motion import Motion
    from kineograph.core.picture import read_picture, write_picture
    from kineograph.core.state import State
    from kineograph.core.timing import Curve, Key
    from kineograph.core.tracks import Tracks
    from kineograph.core.video import Video, open_video, read_video
    from kineograph.core.video_writer import VideoWriter
    from kineograph.engines.animate import Animation, animate
    from kineograph.engines.base import Capabilities, Engine, Frame, Request
    from kineograph.engines.magnify import magnify_video
    from kineograph.gestures.box import Box, BoxKey
    from kineograph.gestures.camera import Camera, CameraKey
    from kineograph.gestures.document import Document
    from kineograph.gestures.drag import Drag
    from kineograph.gestures.magnify import Magnify
    from kineograph.gestures.pin import Pin
    from kineograph.gestures.pose import Pose, PoseKey
    from kineograph.gestures.recording import Recording
    from kineograph.gestures.solid import Solid
    from kineograph.gestures.solids.fields import SolidKey
    from kineograph.gestures.tracks_file import TracksFile
    from kineograph.gestures.transfer import Transfer
    from kineograph.gestures.writing.depth_ref import DepthRef
    from kineograph.vision.depth import Depth
    from kineograph.vision.depth_file import read_depth, write_depth
    from kineograph.vision.eyes import eye
    from kineograph.vision.flow_tracker import FlowTracker
    from kineograph.vision.masks import read_mask, write_mask
    from kineograph.vision.pose import Poses

__version__ = "0.1.0"

__all__ = [
    "Animation",
    "Box",
    "BoxKey",
    "Boxes",
    "Camera",
    "CameraKey",
    "Cameras",
    "Capabilities",
    "Curve",
    "Depth",
    "DepthRef",
    "Document",
    "Drag",
    "Engine",
    "FlowTracker",
    "Frame",
    "Key",
    "KineographError",
    "Magnify",
    "Motion",
    "Pin",
    "Pose",
    "PoseKey",
    "Poses",
    "Recording",
    "Request",
    "Solid",
    "SolidKey",
    "State",
    "Tracks",
    "TracksFile",
    "Transfer",
    "Video",
    "VideoWriter",
    "animate",
    "errors",
    "eye",
    "magnify_video",
    "open_video",
    "read_depth",
    "read_mask",
    "read_picture",
    "read_video",
    "write_depth",
    "write_mask",
    "write_picture",
]

_HOME = {
    "Animation": "engines.animate",
    "Box": "gestures.box",
    "BoxKey": "gestures.box",
    "Boxes": "core.boxes",
    "Camera": "gestures.camera",
    "CameraKey": "gestures.camera",
    "Cameras": "core.cameras",
    "Capabilities": "engines.base",
    "Curve": "core.timing",
    "Depth": "vision.depth",
    "DepthRef": "gestures.writing.depth_ref",
    "Document": "gestures.document",
    "Drag": "gestures.drag",
    "Engine": "engines.base",
    "FlowTracker": "vision.flow_tracker",
    "Frame": "engines.base",
    "Key": "core.timing",
    "Magnify": "gestures.magnify",
    "Motion": "core.motion",
    "Pin": "gestures.pin",
    "Pose": "gestures.pose",
    "PoseKey": "gestures.pose",
    "Poses": "vision.pose",
    "Recording": "gestures.recording",
    "Request": "engines.base",
    "Solid": "gestures.solid",
    "SolidKey": "gestures.solids.fields",
    "State": "core.state",
    "Tracks": "core.tracks",
    "TracksFile": "gestures.tracks_file",
    "Transfer": "gestures.transfer",
    "Video": "core.video",
    "VideoWriter": "core.video_writer",
    "animate": "engines.animate",
    "eye": "vision.eyes",
    "magnify_video": "engines.magnify",
    "open_video": "core.video",
    "read_depth": "vision.depth_file",
    "read_mask": "vision.masks",
    "read_picture": "core.picture",
    "read_video": "core.video",
    "write_depth": "vision.depth_file",
    "write_mask": "vision.masks",
    "write_picture": "core.picture",
}
"""Where each public name lives; what is not here is loaded with the package."""


def __getattr__(name: str) -> Any:
    """Load a public name from its home on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'kineograph' has no attribute {name!r}")
    value = getattr(import_module(f"kineograph.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted({*globals(), *__all__})
