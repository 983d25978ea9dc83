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
    from kineograph.gestures.box import Box
    from kineograph.gestures.document import Document
    from kineograph.gestures.drag import Drag
    from kineograph.gestures.pin import Pin
    from kineograph.gestures.tracks_file import TracksFile

__version__ = "0.1.0"

__all__ = [
    "Animation",
    "Box",
    "Boxes",
    "Cameras",
    "Capabilities",
    "Curve",
    "Document",
    "Drag",
    "Engine",
    "Frame",
    "Key",
    "KineographError",
    "Motion",
    "Pin",
    "Request",
    "State",
    "Tracks",
    "TracksFile",
    "Video",
    "VideoWriter",
    "animate",
    "errors",
    "open_video",
    "read_picture",
    "read_video",
    "write_picture",
]

_HOME = {
    "Animation": "engines.animate",
    "Box": "gestures.box",
    "Boxes": "core.boxes",
    "Cameras": "core.cameras",
    "Capabilities": "engines.base",
    "Curve": "core.timing",
    "Document": "gestures.document",
    "Drag": "gestures.drag",
    "Engine": "engines.base",
    "Frame": "engines.base",
    "Key": "core.timing",
    "Motion": "core.motion",
    "Pin": "gestures.pin",
    "Request": "engines.base",
    "State": "core.state",
    "Tracks": "core.tracks",
    "TracksFile": "gestures.tracks_file",
    "Video": "core.video",
    "VideoWriter": "core.video_writer",
    "animate": "engines.animate",
    "open_video": "core.video",
    "read_picture": "core.picture",
    "read_video": "core.video",
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
