"""Procedural scenes with exact truth: textured layers that move, hide each other and come back.

A scene is a stack of layers, nearest last. Every layer has a picture of its own, a shape, and a
motion that says where each of its points is at every frame, so where a point of the scene is and
whether something covers it is known exactly, at every frame and for every pixel.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int64, UInt8

from kineograph.core.tracks import Tracks
from kineograph.core.video import Video

Points = Float64[np.ndarray, "*points 2"]
Shape = Callable[[Points], Float[np.ndarray, " *points"]]
"""Signed distance of layer points from the edge of a layer, negative inside."""

OVERSAMPLED = 2
"""Rendered pixels a pixel and side, averaged as a sensor does."""


@dataclass(frozen=True)
class Motion:
    """Where a layer's points are at a frame: p = centre + M(t) bend(q, t), frames from 0.

    Every field is a function of the frame. Layer points are in pixels from the layer's middle.
    """

    centre: Callable[[float], tuple[float, float]]
    angle: Callable[[float], float] = lambda t: 0.0
    scale: Callable[[float], float] = lambda t: 1.0
    bend: Callable[[float], float] = lambda t: 0.0  # amplitude of two shears, in layer pixels

    def place(self, q: Points, t: float) -> Points:
        """Picture points (raster) of layer points."""
        x, y = q[..., 0], q[..., 1]
        x = x + self.bend(t) * np.sin(y / 23 + 0.11 * t)
        y = y + self.bend(t) * np.sin(x / 29 - 0.07 * t)
        return np.stack([x, y], -1) @ self._matrix(t).T + np.array(self.centre(t))

    def find(self, p: Points, t: float) -> Points:
        """Layer points of picture points: the exact inverse of `place`."""
        q = (p - np.array(self.centre(t))) @ np.linalg.inv(self._matrix(t)).T
        x, y = q[..., 0], q[..., 1]
        y = y - self.bend(t) * np.sin(x / 29 - 0.07 * t)
        x = x - self.bend(t) * np.sin(y / 23 + 0.11 * t)
        return np.stack([x, y], -1)

    def _matrix(self, t: float) -> Float64[np.ndarray, "2 2"]:
        cos, sin = np.cos(self.angle(t)), np.sin(self.angle(t))
        return self.scale(t) * np.array([[cos, -sin], [sin, cos]])


@dataclass(frozen=True)
class Layer:
    """A textured sheet that moves. `shape` None covers everything."""

    texture: Float32[np.ndarray, "height width 3"]
    motion: Motion
    shape: Shape | None = None

    def paint(self, q: Points) -> Float32[np.ndarray, "*points 3"]:
        """The colour at layer points, the texture mirrored endlessly."""
        height, width = self.texture.shape[:2]
        at = (q + np.array([width, height]) / 2 - 0.5).astype(np.float32)
        return cv2.remap(
            self.texture, at[..., 0], at[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        )

    def inside(self, q: Points) -> Float[np.ndarray, " *points"]:
        """Signed distance from the edge, negative inside."""
        return np.full(q.shape[:-1], -np.inf) if self.shape is None else self.shape(q)


@dataclass(frozen=True)
class Scene:
    """Layers, nearest last, seen for some frames.

    `light(image, t)` changes the rendered colours (0..255 floats) of a frame; `noise` is the
    standard deviation of the sensor's.
    """

    layers: tuple[Layer, ...]
    frames: int = 48
    size: tuple[int, int] = (256, 256)
    fps: float = 24.0
    noise: float = 2.0
    light: Callable[[np.ndarray, float], np.ndarray] | None = None
    seed: int = 0
    _kept: dict[str, Video] = field(default_factory=dict, compare=False, repr=False)

    def video(self) -> Video:
        """The scene rendered: area-sampled pixels, then light, then noise."""
        if "video" not in self._kept:
            rng = np.random.default_rng(self.seed)
            frames = [self._render(t, rng) for t in range(self.frames)]
            self._kept["video"] = Video(np.stack(frames), self.fps)
        return self._kept["video"]

    def _render(self, t: int, rng: np.random.Generator) -> UInt8[np.ndarray, "height width 3"]:
        width, height = self.size
        n = OVERSAMPLED
        p = raster(width * n, height * n) / n
        image = np.zeros((*p.shape[:2], 3), np.float32)
        for layer in self.layers:
            q = layer.motion.find(p, t)
            edge = layer.inside(q) * layer.motion.scale(t) * n
            share = np.clip(0.5 - edge, 0, 1).astype(np.float32)[..., None]
            image += (layer.paint(q) - image) * share
        image = np.clip(image.reshape(height, n, width, n, 3).mean(axis=(1, 3)), 0, 255)
        if self.light is not None:
            image = self.light(image, t)
        image = image + rng.standard_normal(image.shape) * self.noise
        return np.clip(np.rint(image), 0, 255).astype(np.uint8)

    def top(self, p: Points, t: float) -> Int64[np.ndarray, " *points"]:
        """The index of the layer that is seen at each picture point."""
        seen = np.zeros(p.shape[:-1], np.int64)
        for index, layer in enumerate(self.layers):
            seen[layer.inside(layer.motion.find(p, t)) < 0] = index
        return seen

    def follow(self, p: Points, t: float) -> Tracks:
        """The exact tracks of what is seen at the points `p` (N, 2) at frame `t`.

        The group of a track is its layer. Hidden behind a nearer layer or outside: occluded.
        """
        owner = self.top(p, t)
        points = np.zeros((len(p), self.frames, 2))
        seen = np.zeros((len(p), self.frames), bool)
        for index, layer in enumerate(self.layers):
            mine = owner == index
            q = layer.motion.find(p[mine], t)
            for frame in range(self.frames):
                at = layer.motion.place(q, frame)
                points[mine, frame] = at
                seen[mine, frame] = self.top(at, frame) == index
        tracks = Tracks.of(points, seen, size=self.size, fps=self.fps, group=owner)
        return tracks.hide_outside()

    def tracks(self, count: int, seed: int = 1, margin: float = 1.5) -> Tracks:
        """Truth for `count` points drawn evenly over time and picture, not `margin` near edges."""
        rng = np.random.default_rng(seed)
        parts: list[Tracks] = []
        while sum(part.count for part in parts) < count:
            frame = int(rng.integers(self.frames))
            p = rng.uniform(0, 1, (max(8, count // 8), 2)) * np.array(self.size)
            parts.append(self.follow(p[self._clear(p, frame, margin)], frame))
        return Tracks.merge(*parts).select(np.arange(count))

    def _clear(self, p: Points, t: float, margin: float) -> Bool[np.ndarray, " points"]:
        distance = [layer.inside(layer.motion.find(p, t)) for layer in self.layers]
        return np.all(np.abs(distance) > margin, axis=0)

    def flow(
        self, first: int, second: int
    ) -> tuple[Float32[np.ndarray, "height width 2"], Bool[np.ndarray, "height width"]]:
        """The exact displacement of each pixel from one frame to another, and what stays seen."""
        width, height = self.size
        p = raster(width, height)
        owner = self.top(p, first)
        moved = np.zeros_like(p)
        for index, layer in enumerate(self.layers):
            q = layer.motion.find(p, first)
            moved[owner == index] = layer.motion.place(q, second)[owner == index]
        inside = ((moved >= 0) & (moved < np.array(self.size))).all(-1)
        seen = (self.top(moved, second) == owner) & inside
        return (moved - p).astype(np.float32), seen


def raster(width: int, height: int) -> Float64[np.ndarray, "height width 2"]:
    """The raster points of all pixel centres."""
    return np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), -1)


def dead_leaves(
    side: int, seed: int, smallest: float = 3, hue: float | None = None
) -> Float32[np.ndarray, "side side 3"]:
    """A random picture of overlapping shapes of all sizes, whose statistics are a photograph's.

    Radii follow r^-3 down to `smallest`; each leaf has a colour, a faint gradient and grain.
    """
    rng = np.random.default_rng(seed)
    image = np.full((side, side, 3), 128, np.float32)
    tint = rng.uniform(60, 195, 3) if hue is None else np.array(_tint(hue))
    for _ in range(int(2.5 * side * side / (smallest * 14) ** 1.25)):
        radius = smallest * (1 - rng.uniform()) ** -0.5
        if radius > side / 5:
            continue
        colour = np.clip(tint + rng.normal(0, 48, 3) * 0.6 + rng.normal(0, 50), 5, 250)
        centre = tuple(int(v * 16) for v in rng.uniform(0, side, 2))
        axes = (int(radius * 16), int(radius * rng.uniform(0.4, 1) * 16))
        angle = rng.uniform(0, 180)
        cv2.ellipse(image, centre, axes, angle, 0, 360, colour, -1, cv2.LINE_AA, 4)
    grain = sum(_noise(rng, side, s) * a for s, a in ((2, 7.0), (6, 8.0), (40, 10.0)))
    return np.clip(image + grain, 0, 255).astype(np.float32)


def _tint(hue: float) -> tuple[float, float, float]:
    colour = np.array([[[hue * 179, 120, 150]]], np.uint8)
    red, green, blue = cv2.cvtColor(colour, cv2.COLOR_HSV2RGB)[0, 0].astype(float)
    return red, green, blue


def _noise(rng: np.random.Generator, side: int, sigma: float) -> Float32[np.ndarray, "s s 1"]:
    noise = cv2.GaussianBlur(rng.standard_normal((side, side)).astype(np.float32), (0, 0), sigma)
    return (noise / noise.std())[..., None]


def disc(radius: float) -> Shape:
    """A disc around the layer's middle."""
    return lambda q: np.linalg.norm(q, axis=-1) - radius


def slab(width: float, height: float, corner: float = 6) -> Shape:
    """A rectangle with round corners around the layer's middle."""
    half = np.array([width / 2 - corner, height / 2 - corner])

    def distance(q: Points) -> Float[np.ndarray, " *points"]:
        beyond = np.abs(q) - half
        outside = np.linalg.norm(np.maximum(beyond, 0), axis=-1)
        return outside + np.minimum(beyond.max(axis=-1), 0) - corner

    return distance


def flower(radius: float, petals: int = 5, depth: float = 0.22) -> Shape:
    """A disc with a wavy edge; the distance is approximate away from it."""

    def distance(q: Points) -> Float[np.ndarray, " *points"]:
        around = np.arctan2(q[..., 1], q[..., 0])
        return (np.linalg.norm(q, axis=-1) - radius * (1 + depth * np.cos(petals * around))) * 0.8

    return distance
