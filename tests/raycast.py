"""A room that can be ray-cast exactly: depth, and what hides what, without any rasterisation."""

from dataclasses import dataclass

import numpy as np

SPHERES = ((-0.9, 0.1, 3.2, 0.55), (0.75, -0.25, 4.0, 0.7), (0.25, 0.75, 2.6, 0.3))
"""Centres and radii."""

BOXES = (((-0.35, -0.75, 4.6), (0.15, 1.2, 5.0)), ((1.2, 0.2, 3.0), (1.7, 1.2, 3.4)))
"""Corners with the least and the largest coordinates."""

PLATES = (
    ((-0.8, 0.1, 3.2), (0.45, 0, 0.1), (0, 0.5, 0), True),
    ((0.7, -0.2, 4.0), (0.6, 0, -0.2), (0.1, 0.6, 0.1), True),
    ((0.3, 0.65, 2.7), (0.3, 0, 0), (0, 0.25, 0.05), False),
    ((-0.1, -0.3, 5.0), (0.25, 0.05, 0.2), (0, 0.9, 0), False),
)
"""Middle, two half axes, and whether it is round: thin things that face the camera, so that a
picture shows all of what can hide something, except where they hide each other."""

WALL, FLOOR = 7.0, 1.2
"""z of the wall, y of the floor (y points down)."""


@dataclass(frozen=True)
class Room:
    """Spheres, boxes and plates on a floor before a wall; OpenCV axes, the camera at the origin."""

    spheres: tuple = SPHERES
    boxes: tuple = BOXES
    plates: tuple = ()

    @classmethod
    def of_plates(cls) -> "Room":
        """A room in which a picture shows every surface there is."""
        return cls((), (), PLATES)

    def hit(self, origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
        """How many `rays` (n, 3) away from `origin` (n, 3) or (3,) the first surface is."""
        origin = np.broadcast_to(origin, rays.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = [self._ball(origin, rays, *ball) for ball in self.spheres]
            found += [self._block(origin, rays, *map(np.array, box)) for box in self.boxes]
            found += [self._plate(origin, rays, *plate) for plate in self.plates]
            found += [_ahead((WALL - origin[:, 2]) / rays[:, 2])]
            found += [_ahead((FLOOR - origin[:, 1]) / rays[:, 1])]
        return np.min(found, axis=0)

    def depth(self, K: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Depth at the pixels' centres of the camera at the origin."""
        x, y = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
        rays = np.stack([x, y, np.ones_like(x)], axis=-1).reshape(-1, 3) @ np.linalg.inv(K).T
        return self.hit(np.zeros(3), rays).reshape(size[1], size[0]).astype(np.float32)

    def sees(self, centre: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Which of `points` (n, 3) on surfaces nothing hides from a camera at `centre`."""
        return self.hit(centre, points - centre) > 1 - 1e-5

    @staticmethod
    def _ball(origin, rays, x, y, z, radius):
        away = origin - (x, y, z)
        a, b = (rays**2).sum(1), (rays * away).sum(1)
        room = b**2 - a * ((away**2).sum(1) - radius**2)
        root = np.sqrt(np.maximum(room, 0))
        near, far = _ahead((-b - root) / a), _ahead((-b + root) / a)
        return np.where(room > 0, np.minimum(near, far), np.inf)

    @staticmethod
    def _plate(origin, rays, middle, right, down, round_):
        right, down, away = np.array(right), np.array(down), np.array(middle) - origin
        normal = np.cross(right, down)
        distance = _ahead((away @ normal) / (rays @ normal))
        place = np.where(np.isfinite(distance), distance, 0)[:, None] * rays - away
        x, y = np.linalg.lstsq(np.stack([right, down], axis=1), place.T, rcond=None)[0]
        inside = x**2 + y**2 < 1 if round_ else np.maximum(abs(x), abs(y)) < 1
        return np.where(inside, distance, np.inf)

    @staticmethod
    def _block(origin, rays, low, high):
        sides = np.stack([(low - origin) / rays, (high - origin) / rays])
        enter, leave = sides.min(0).max(1), sides.max(0).min(1)
        return np.where((enter <= leave) & (leave > 0), _ahead(enter), np.inf)


def _ahead(distance: np.ndarray) -> np.ndarray:
    return np.where(distance > 1e-9, distance, np.inf)
