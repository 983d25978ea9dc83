"""A world: textured layers that move at depths before a camera, and what is said of them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64
from torch import Tensor

from kineograph.core.errors import DataError
from kineograph.data.clip import Fact
from kineograph.data.procedural.camera import Camera
from kineograph.data.procedural.lighting import Light
from kineograph.data.procedural.waves import Waves

BACKGROUND = -1
"""The object id of the layer behind all others."""

OBJECT_VERBS = (
    "stays",  # no direction, no amount
    "moves",  # direction on the screen (see `compass`), pixels from first to last frame
    "falls",  # the same, under gravity without reaching the floor
    "flies",  # the same, thrown upwards first
    "bounces",  # the same, off the floor
    "circles",  # clockwise or counterclockwise on the screen, degrees around a middle
    "swings",  # about a pivot: no direction, degrees from side to side
    "rotates",  # clockwise or counterclockwise on the screen, degrees
    "grows",  # factor of its size on the screen, above 1
    "shrinks",  # factor of its size on the screen, below 1
    "wobbles",  # elastic: no direction, pixels of the largest displacement to a side
    "pulses",  # its shape stretches and squashes: no direction, factor of the largest stretch
)
"""What a fact may say of an object. A layer hinged on another "swings" as its own subject."""

CAMERA_VERBS = (
    "stays",  # no direction, no amount
    "pans",  # where the camera goes (the picture goes the other way), pixels of the background
    "zooms",  # in or out, factor of the lens
    "moves",  # in or out (dolly), factor by which the background grows
    "rolls",  # clockwise or counterclockwise as the camera turns, degrees
)
"""What a fact may say of the subject "camera"."""

CAMERA = "camera"
"""The subject of a fact about the camera."""


@dataclass(frozen=True, eq=False, repr=False)
class Layer:
    """A flat textured sheet and where it is at every frame.

    Convention: layer points are pixels of the texture, (0, 0) in its middle, x right and y down.
    `path` takes them (after `waves` have bent them) to stage points: raster pixels of the picture
    that the camera of frame 0 takes. The camera takes stage points to each frame's picture.
    """

    texture: Float32[Tensor, "4 height width"]
    """Red, green, blue times alpha, and alpha; all in 0 to 1."""
    path: Float64[np.ndarray, "frames 2 3"]
    """Affine maps of layer points to stage points, one a frame."""
    depth: float
    """Distance from the camera of frame 0, along its axis; smaller is nearer."""
    name: str
    """Words without an article: "red square"."""
    object: int = BACKGROUND
    """Which object it is or is a part of, 0 and up; `BACKGROUND` for the layer behind all."""
    waves: Waves | None = None
    """How the sheet bends in its own plane; None where it is stiff."""
    parent: int | None = None
    """The index of the layer that this one is hinged on, or None."""
    outline: Float64[np.ndarray, "corners 2"] | None = None
    """Layer points around all that is solid (alpha of a half and more); None: the whole sheet."""
    cover: Bool[np.ndarray, "rows columns"] | None = None
    """Which cells of a coarse grid over the sheet are solid; None: all."""
    area: float | None = None
    """How many pixels of the texture are solid; None: all."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the texture."""
        return self.texture.shape[2], self.texture.shape[1]


@dataclass(frozen=True, eq=False, repr=False)
class World:
    """Layers, a camera and a light for T frames; `render.render` makes the pictures.

    Args:
        size: (width, height) of the pictures.
        fps: frames a second.
        layers: in the order of painting: the background, then from far to near.
        camera: where it is and how it looks at every frame.
        light: how bright the pictures are, and the shadows.
        seed: what the world was drawn from.
        facts: what moves how, measured on the screen, for captions and probes; verbs as in
            `OBJECT_VERBS` and `CAMERA_VERBS`, groups are object ids.
        passes: pairs (hidden, hiding) of objects of which the first is partly covered by the
            second at some frame in the picture.

    Raises:
        DataError: there is no layer, object ids have gaps, or a layer has other frames than the
            camera.
    """

    size: tuple[int, int]
    fps: float | int
    layers: tuple[Layer, ...]
    camera: Camera
    light: Light
    seed: int = 0
    facts: tuple[Fact, ...] = ()
    passes: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if not self.layers:
            raise DataError("a world has no layers; give a background at least")
        ids = {layer.object for layer in self.layers[1:]}
        if self.layers[0].object != BACKGROUND or ids != set(range(len(ids))):
            raise DataError(
                f"a world has a background of object {self.layers[0].object} and layers of objects "
                f"{sorted(ids)}; they have to be {BACKGROUND}, and 0, 1, 2 and so on without a gap"
            )
        for index, layer in enumerate(self.layers):
            if len(layer.path) != self.frames:
                raise DataError(
                    f"layer {index} ({layer.name}) moves for {len(layer.path)} frames, the camera "
                    f"for {self.frames}; they have to be alike"
                )

    def __repr__(self) -> str:
        w, h = self.size
        named = ", ".join(self.names) or "no objects"
        return f"World({self.seed}: {named}; {self.frames} frames of {w}x{h})"

    @property
    def frames(self) -> int:
        """How many frames it lasts."""
        return self.camera.frames

    @property
    def objects(self) -> int:
        """How many objects there are; ids are 0 to objects - 1."""
        return 1 + max(layer.object for layer in self.layers)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The name of each object: that of its first layer which hangs on no other."""
        held = {layer.object: layer.name for layer in reversed(self.layers) if layer.parent is None}
        return tuple(held.get(i, "") for i in range(self.objects))

    @property
    def background(self) -> str:
        """The name of the background."""
        return self.layers[0].name

    @cached_property
    def views(self) -> Float64[np.ndarray, "layers frames 2 3"]:
        """Affine maps of layer points to raster pixels of each frame's picture."""
        return np.stack([after(self.camera.view(x.depth), x.path) for x in self.layers])

    @cached_property
    def depths(self) -> Float64[np.ndarray, "layers frames"]:
        """Distance of each layer from the camera of each frame, along its axis."""
        return np.stack([layer.depth - self.camera.dolly for layer in self.layers])

    @cached_property
    def areas(self) -> Float64[np.ndarray, "layers frames"]:
        """Square pixels that each layer covers in each frame's picture and beyond its sides."""
        texels = [x.size[0] * x.size[1] if x.area is None else x.area for x in self.layers]
        return np.array(texels)[:, None] * np.abs(np.linalg.det(self.views[..., :2]))

    @cached_property
    def extents(self) -> Float64[np.ndarray, "layers frames 4"]:
        """x0, y0, x1, y1 around what is solid of each layer, hidden or not, in raster pixels."""
        placed = [self.place(i, corners(layer)) for i, layer in enumerate(self.layers)]
        return np.stack([np.concatenate([p.min(1), p.max(1)], axis=-1) for p in placed])

    @cached_property
    def shares(self) -> Bool[np.ndarray, "objects layers"]:
        """Which layers make up each object."""
        owners = np.array([layer.object for layer in self.layers])
        return np.arange(self.objects)[:, None] == owners

    def place(
        self, layer: int, points: Float[np.ndarray, "points 2"]
    ) -> Float64[np.ndarray, "frames points 2"]:
        """Where points of a layer are in each frame's picture, in raster pixels."""
        waves = self.layers[layer].waves
        bent = points[None] if waves is None else waves.bend(points)
        view = self.views[layer]
        return bent @ view[:, :, :2].transpose(0, 2, 1) + view[:, None, :, 2]


def corners(layer: Layer) -> Float64[np.ndarray, "corners 2"]:
    """Layer points around all that is solid: the outline, or the four corners of the sheet."""
    if layer.outline is not None:
        return layer.outline
    width, height = layer.size
    return np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]]) * (width / 2, height / 2)


def after(
    outer: Float64[np.ndarray, "frames 2 3"], inner: Float64[np.ndarray, "frames 2 3"]
) -> Float64[np.ndarray, "frames 2 3"]:
    """The affine maps that do `inner` first, then `outer`."""
    turned = outer[:, :, :2] @ inner
    turned[:, :, 2] += outer[:, :, 2]
    return turned


def compass(dx: float | int, dy: float | int) -> str:
    """The direction of a displacement on the screen: "left", "up right" and so on, of eight.

    Convention: x right, y down, so a negative `dy` is "up".
    """
    across = ("left" if dx < 0 else "right") if abs(dx) > abs(dy) * DIAGONAL else ""
    along = ("up" if dy < 0 else "down") if abs(dy) > abs(dx) * DIAGONAL else ""
    return " ".join(word for word in (along, across) if word)


DIAGONAL = float(np.tan(np.radians(22.5)))
"""A direction has a second word where its smaller part is more than this share of the larger."""
