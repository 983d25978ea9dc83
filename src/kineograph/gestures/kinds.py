"""The kinds of gestures that a motion document may hold."""

from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Field

from kineograph.gestures.base import Gesture
from kineograph.gestures.box import Box
from kineograph.gestures.camera import Camera
from kineograph.gestures.drag import Drag
from kineograph.gestures.magnify import Magnify
from kineograph.gestures.pin import Pin
from kineograph.gestures.pose import Pose
from kineograph.gestures.solid import Solid
from kineograph.gestures.tracks_file import TracksFile
from kineograph.gestures.transfer import Transfer

KINDS: tuple[type[Gesture], ...] = (
    Drag,
    Pin,
    Box,
    TracksFile,
    Camera,
    Solid,
    Pose,
    Transfer,
    Magnify,
)
"""Every kind; a new one is a line here."""

if TYPE_CHECKING:
    AnyGesture = Gesture
else:
    AnyGesture = Annotated[Union[KINDS], Field(discriminator="kind")]  # noqa: UP007
