"""Shapes that stand in for things: evenly spread points on a surface, and where a ray meets it."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64

Vectors = Float64[np.ndarray, "points 3"]
Vector = Float64[np.ndarray, "3"]

GOLDEN = np.pi * (3 - np.sqrt(5))
"""The golden angle, in radians: turning by it again and again never comes back."""

THIN = 1e-9
"""Below this, a ray and a face are parallel."""


@runtime_checkable
class Shape(Protocol):
    """A convex surface around the origin.

    Convention: lengths in pixels; x to the right, y down, z away from the viewer, so that what
    faces the viewer has a normal with a negative z.
    """

    @property
    def area(self) -> float:
        """The area of the surface, in square pixels."""
        ...

    @property
    def reach(self) -> float:
        """The largest distance of the surface from the origin."""
        ...

    def sample(self, stride: float) -> tuple[Vectors, Vectors]:
        """Points on the surface about `stride` pixels apart, and the outward normals there."""
        ...

    def hit(self, origin: Vector, direction: Vector) -> float | None:
        """How many times `direction` from `origin` a ray first meets the surface; None if never."""
        ...


@dataclass(frozen=True)
class Ellipsoid:
    """A sphere, or one that is stretched along the axes; `radii` are the half axes x, y, z."""

    radii: tuple[float, float, float]

    @property
    def area(self) -> float:
        """The area (Knud Thomsen's formula, right to 1.1 %, and exact for a sphere)."""
        a, b, c = np.array(self.radii) ** 1.6075
        return float(4 * np.pi * ((a * b + a * c + b * c) / 3) ** (1 / 1.6075))

    @property
    def reach(self) -> float:
        """The longest half axis."""
        return max(self.radii)

    def sample(self, stride: float) -> tuple[Vectors, Vectors]:
        """A spherical Fibonacci lattice, stretched: even on a sphere, denser at pointed ends."""
        count = max(6, round(self.area / stride**2))
        height = 1 - (2 * np.arange(count) + 1) / count
        ring, angle = np.sqrt(1 - height**2), GOLDEN * np.arange(count)
        unit = np.stack([ring * np.cos(angle), height, ring * np.sin(angle)], axis=1)
        normals = unit / np.array(self.radii)
        return unit * self.radii, normals / np.linalg.norm(normals, axis=1, keepdims=True)

    def hit(self, origin: Vector, direction: Vector) -> float | None:
        """The nearer root of |(o + t d) / radii| = 1."""
        o, d = origin / self.radii, direction / self.radii
        return _root(float(d @ d), float(o @ d), float(o @ o) - 1)


@dataclass(frozen=True)
class Cylinder:
    """An upright cylinder with its two lids; its axis is y."""

    radius: float
    height: float

    @property
    def area(self) -> float:
        """Side and lids."""
        return 2 * np.pi * self.radius * (self.height + self.radius)

    @property
    def reach(self) -> float:
        """From the middle to the rim of a lid."""
        return float(np.hypot(self.radius, self.height / 2))

    def sample(self, stride: float) -> tuple[Vectors, Vectors]:
        """Staggered rings on the side, sunflower spirals on the lids."""
        rows = max(1, round(self.height / stride))
        around = max(6, round(2 * np.pi * self.radius / stride))
        row, column = np.divmod(np.arange(rows * around), around)
        angle = (column + 0.5 * (row % 2)) * (2 * np.pi / around)
        out = np.stack([np.sin(angle), np.zeros(len(angle)), -np.cos(angle)], axis=1)
        side = out * self.radius
        side[:, 1] = ((row + 0.5) / rows - 0.5) * self.height
        lids = [self._lid(stride, end) for end in (-1.0, 1.0)]
        up = [np.broadcast_to([0.0, end, 0.0], lid.shape) for end, lid in zip((-1, 1), lids)]  # noqa: B905
        return np.concatenate([side, *lids]), np.concatenate([out, *up])

    def _lid(self, stride: float, end: float) -> Vectors:
        count = max(1, round(np.pi * (self.radius / stride) ** 2))
        index = np.arange(count)
        ring, angle = self.radius * np.sqrt((index + 0.5) / count), GOLDEN * index
        y = np.full(count, end * self.height / 2)
        return np.stack([ring * np.cos(angle), y, ring * np.sin(angle)], axis=1)

    def hit(self, origin: Vector, direction: Vector) -> float | None:
        """The nearest of the side and both lids."""
        o, d, met = origin[[0, 2]], direction[[0, 2]], []
        if d @ d > THIN:
            t = _root(float(d @ d), float(o @ d), float(o @ o) - self.radius**2)
            if t is not None and abs(origin[1] + t * direction[1]) <= self.height / 2:
                met.append(t)
        for end in (-self.height / 2, self.height / 2):
            if abs(direction[1]) > THIN:
                t = (end - origin[1]) / direction[1]
                if np.hypot(*(o + t * d)) <= self.radius:
                    met.append(t)
        return float(min(met)) if met else None


@dataclass(frozen=True)
class Plane:
    """A flat rectangle that faces the viewer; its back counts as hidden."""

    width: float
    height: float

    @property
    def area(self) -> float:
        """Of its front."""
        return self.width * self.height

    @property
    def reach(self) -> float:
        """From the middle to a corner."""
        return float(np.hypot(self.width, self.height) / 2)

    def sample(self, stride: float) -> tuple[Vectors, Vectors]:
        """The centres of equal cells."""
        return face((self.width, self.height), stride, axis=2, end=-1, depth=0.0)

    def hit(self, origin: Vector, direction: Vector) -> float | None:
        """Where the ray crosses z = 0 within the rectangle."""
        if abs(direction[2]) < THIN:
            return None
        t = -origin[2] / direction[2]
        x, y, _ = origin + t * direction
        return float(t) if abs(x) <= self.width / 2 and abs(y) <= self.height / 2 else None


@dataclass(frozen=True)
class Cuboid:
    """A box; `size` is its width, height and depth."""

    size: tuple[float, float, float]

    @property
    def area(self) -> float:
        """Of all six faces."""
        w, h, d = self.size
        return 2 * (w * h + w * d + h * d)

    @property
    def reach(self) -> float:
        """From the middle to a corner."""
        return float(np.linalg.norm(self.size) / 2)

    def sample(self, stride: float) -> tuple[Vectors, Vectors]:
        """The centres of equal cells on each face; none lies on an edge."""
        faces = []
        for axis in range(3):
            sides = tuple(side for i, side in enumerate(self.size) if i != axis)
            for end in (-1, 1):
                faces.append(face(sides, stride, axis, end, self.size[axis] / 2))
        return np.concatenate([p for p, _ in faces]), np.concatenate([n for _, n in faces])

    def hit(self, origin: Vector, direction: Vector) -> float | None:
        """Where the ray has entered all three slabs before it leaves one."""
        half, moving = np.array(self.size) / 2, np.abs(direction) > THIN
        if (np.abs(origin) > half)[~moving].any():
            return None
        ends = (np.array([-1.0, 1.0])[:, None] * half - origin)[:, moving] / direction[moving]
        enter, leave = ends.min(axis=0).max(), ends.max(axis=0).min()
        return float(enter) if enter <= leave else None


def face(
    sides: tuple[float, ...], stride: float, axis: int, end: int, depth: float
) -> tuple[Vectors, Vectors]:
    """The centres of equal cells on a rectangle across an axis, and its normal for each.

    Args:
        sides: its extents along the other two axes, in their order.
        stride: about the extent of a cell.
        axis: the axis that the rectangle is across.
        end: -1 or 1, to which side of the origin it lies and looks.
        depth: how far from the origin.
    """
    counts = [max(1, round(side / stride)) for side in sides]
    ticks = [((np.arange(n) + 0.5) / n - 0.5) * side for n, side in zip(counts, sides, strict=True)]
    grid = np.stack(np.meshgrid(*ticks), axis=-1).reshape(-1, 2)
    points = np.insert(grid, axis, end * depth, axis=1)
    normals = np.zeros_like(points)
    normals[:, axis] = end
    return points, normals


def _root(a: float, b: float, c: float) -> float | None:
    """The smaller root of a t^2 + 2 b t + c = 0, where a > 0."""
    inside = b * b - a * c
    return float((-b - np.sqrt(inside)) / a) if inside >= 0 else None
