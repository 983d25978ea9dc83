"""Do camera tracks say what the camera did? Pose, hidden points and speed, against exact truth.

A procedural room is ray-cast exactly: its depth is what the camera gesture is given, and its rays
say what hides what. The motion is found again from the tracks alone by OpenCV's five-point
algorithm (`findEssentialMat`, `recoverPose`) and by resection (`solvePnP`).
"""

import sys
import time
from pathlib import Path

import cv2
import numpy as np

from kineograph.core.cameras import intrinsics
from kineograph.core.points import to_pixel_centres
from kineograph.core.state import State
from kineograph.gestures.camera import Camera
from kineograph.gestures.document import Document
from kineograph.gestures.drag import Drag
from kineograph.gestures.filming.film import Film, grid
from kineograph.gestures.filming.shooting import film
from kineograph.gestures.scene import Scene
from kineograph.vision.depth import Depth

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from raycast import Room

SIZE = (510, 510)
"""Cells of 5 pixels, whose middles are pixel centres: there the depth map is exact."""

SEEDS, FRAMES, FPS = 102 * 102, 81, 16

MOVES = (
    {"move": "orbit", "amount": 20},
    {"move": "arc", "amount": 12},
    {"move": "dolly", "amount": 0.35},
    {"move": "truck", "amount": 0.3},
    {"move": "pedestal", "amount": 0.2},
    {"move": "dolly zoom", "amount": 0.4},
    {"move": "follow", "path": [(150, 250), (260, 200)]},
)


def scene_of(room: Room, size: tuple[int, int]) -> Scene:
    lens = intrinsics(55, size)
    depth = Depth(room.depth(lens, size), lens)
    return Scene(size=size, frames=FRAMES, fps=FPS, measure=lambda: depth)


def degrees(one: np.ndarray, other: np.ndarray) -> float:
    """The angle between two rotations."""
    return float(np.degrees(np.linalg.norm(cv2.Rodrigues(one.T @ other)[0])))


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """The angle between two directions."""
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(one, other)), one @ other)))


def pose_errors(shot: Film) -> list[tuple[float, float, float, float]]:
    """Rotation and translation direction by five points, and both by resection, in degrees."""
    seen = shot.background(SEEDS)
    found = []
    for frame in range(20, FRAMES, 20):
        both = seen.visible[:, 0] & seen.visible[:, frame]
        first, then = (to_pixel_centres(seen.points[both, i]).astype(float) for i in (0, frame))
        first_lens, lens = (shot.cameras.K[i] - HALF for i in (0, frame))
        # a zoom is taken off the moved points, for one lens serves both
        then_alike = (then - lens[:2, 2]) / lens[0, 0] * first_lens[0, 0] + first_lens[:2, 2]
        essential, _ = cv2.findEssentialMat(
            first, then_alike, first_lens, cv2.RANSAC, 0.99999, 0.05
        )
        _, turned, step, _ = cv2.recoverPose(essential, first, then_alike, first_lens)
        true = shot.cameras.w2c[frame]
        world, _ = shot.space.lift(seen.points[both, 0].astype(float))
        _, vector, place = cv2.solvePnP(world, then, lens, None)
        found.append(
            (
                degrees(turned, true[:3, :3]),
                apart(step[:, 0], true[:3, 3]),
                degrees(cv2.Rodrigues(vector)[0], true[:3, :3]),
                apart(place[:, 0], true[:3, 3]),
            )
        )
    return found


HALF = np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])
"""From raster pixels to OpenCV's pixel centres."""


def hidden(shot: Film, room: Room) -> tuple[float, float, float]:
    """F1, precision and recall of OCCLUDED inside the picture, over every fourth frame."""
    seen, seeds = shot.background(SEEDS), grid(SIZE, SEEDS)
    flat = np.concatenate([seeds, np.ones((len(seeds), 1))], axis=1)
    rays = flat @ np.linalg.inv(shot.cameras.K[0]).T
    surface = rays * room.hit(np.zeros(3), rays)[:, None]
    right = missed = wrong = 0
    for frame in range(0, FRAMES, 4):
        inside = ((seen.points[:, frame] >= 0) & (seen.points[:, frame] < SIZE)).all(axis=1)
        true = ~room.sees(shot.cameras.centres[frame], surface) & inside
        found = (seen.state[:, frame] == State.OCCLUDED) & inside
        right += (true & found).sum()
        missed += (true & ~found).sum()
        wrong += (~true & found).sum()
    return (
        2 * right / (2 * right + missed + wrong),
        right / (right + wrong),
        right / (right + missed),
    )


def speed() -> list[str]:
    """Best and median of five runs, the whole document each time."""
    times = {}
    lens = intrinsics(55, (512, 512))
    depth = Depth(Room().depth(lens, (512, 512)), lens)
    camera = Camera(move="orbit", amount=20, count=16384)
    cases = {
        "camera": [camera],
        "camera and a drag, in 3D": [camera, Drag(path=[(150, 250), (260, 200)], persist=True)],
    }
    for name, gestures in cases.items():
        document = Document(size=(512, 512), frames=FRAMES, gestures=gestures)
        times[name] = []
        for _ in range(5):
            scene = Scene(size=(512, 512), frames=FRAMES, fps=16, measure=lambda: depth)
            begun = time.perf_counter()
            expand(document, scene)
            times[name].append(time.perf_counter() - begun)
    return [
        f"- {name}: {min(spent):.2f} s (best of 5), {np.median(spent):.2f} s (median)"
        for name, spent in times.items()
    ]


def expand(document: Document, scene: Scene) -> None:
    from kineograph.gestures.compose import settle

    assert settle(document.gestures, scene).tracks.count > 16000


def run() -> list[str]:
    """The section of docs/results.md."""
    head = ["move", "rotation, deg", "direction, deg", "by resection: rotation", "direction"]
    head += ["hidden: F1", "precision", "recall", "F1, room of solids"]
    rows = []
    plates, solids = Room.of_plates(), Room()
    for fields in MOVES:
        shot = film([Camera(**fields)], scene_of(plates, SIZE))
        worst = np.max(pose_errors(shot), axis=0)
        f1, precision, recall = hidden(shot, plates)
        solid, _, _ = hidden(film([Camera(**fields)], scene_of(solids, SIZE)), solids)
        name = f"{fields['move']} {fields.get('amount', '')}".strip()
        figures = [f"{value:.4f}" for value in worst]
        figures += [f"{value:.3f}" for value in (f1, precision, recall, solid)]
        rows.append(f"| {' | '.join([name, *figures])} |")
    return [
        f"{__doc__.split(chr(10) * 2)[1].strip()} Each figure is the worst of four frames; hidden "
        f"points are counted over all frames inside the picture, {SEEDS} tracks at "
        f"{SIZE[0]}x{SIZE[1]}. The first room is of thin plates, of which a picture shows "
        "everything; the second of balls and blocks, whose backs and sides no single picture shows "
        "and which still hide things from another place.",
        "",
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *rows,
        "",
        "Expansion of a whole document, 512x512 depth map, 16,384 tracks, 81 frames, z-buffer:",
        "",
        *speed(),
    ]


if __name__ == "__main__":
    print("\n".join(run()))
