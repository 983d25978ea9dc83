"""Does the picture go where it was told? Asked against achieved motion of drags on a photograph.

What was achieved is measured by template matching with a sub-pixel peak, which knows nothing of
the engine: a patch of the photograph around every track is looked for in the last frame.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from skimage import data

import kineograph as kg
from kineograph.core.points import to_pixel_centres
from kineograph.core.state import State
from kineograph.render.warp import Warp

HALF = 9
"""Half-width of a patch, pixels."""

SEARCH = 14
"""How far around the asked place the patch is looked for, pixels."""

DRAGS = {
    "head, right": kg.Drag(path=[(225, 110), (257, 118)], radius=45),
    "head, up and left": kg.Drag(path=[(225, 110), (196.5, 90.25)], radius=45),
    "head, a third of a pixel": kg.Drag(path=[(225, 110), (225.33, 110)], radius=45),
    "patch on the sleeve": kg.Drag(path=[(105, 395), (140, 370)], radius=24),
    "space shuttle": kg.Drag(path=[(395, 130), (395, 100)], radius=30),
    "helmet": kg.Drag(path=[(400, 430), (380, 440)], radius=60),
}


@dataclass(frozen=True)
class Following:
    """End-point errors in pixels of a picture 256 pixels wide, over the tracks of one drag."""

    name: str
    errors: np.ndarray

    def row(self) -> str:
        """One line of the table."""
        e = self.errors
        return (
            f"| {self.name} | {len(e)} | {e.mean():.3f} | {np.median(e):.3f} | "
            f"{np.quantile(e, 0.95):.3f} | {(e < 1).mean():.0%} |"
        )


def found(
    picture: np.ndarray, image: np.ndarray, start: np.ndarray, asked: np.ndarray
) -> np.ndarray:
    """Where the patch around `start` (raster pixels) is in `image`, near `asked`."""
    centre = to_pixel_centres(start[None])[0]
    patch = cv2.getRectSubPix(picture, (2 * HALF + 1,) * 2, centre.astype(np.float32).tolist())
    around = np.rint(to_pixel_centres(asked[None])[0]).astype(int)
    reach = HALF + SEARCH
    padded = cv2.copyMakeBorder(image, reach, reach, reach, reach, cv2.BORDER_REFLECT_101)
    window = padded[around[1] : around[1] + 2 * reach + 1, around[0] : around[0] + 2 * reach + 1]
    score = cv2.matchTemplate(window, patch, cv2.TM_CCOEFF_NORMED)
    y, x = np.unravel_index(score.argmax(), score.shape)
    x, y = np.clip([x, y], 1, 2 * SEARCH - 1)
    top = around + 0.5 + np.array([x, y]) - SEARCH
    return top + peak(score[y - 1 : y + 2, x - 1 : x + 2])


def peak(score: np.ndarray) -> np.ndarray:
    """(x, y) of the top of the quadratic through 3 x 3 scores, relative to the middle."""
    y, x = np.mgrid[-1:2, -1:2]
    terms = np.stack([x**2, y**2, x * y, x, y, np.ones_like(x)], axis=-1).reshape(9, 6)
    a, b, c, d, e, _ = np.linalg.lstsq(terms, score.ravel(), rcond=None)[0]
    matrix = np.array([[2 * a, c], [c, 2 * b]])
    return np.clip(np.linalg.lstsq(matrix, [-d, -e], rcond=None)[0], -1, 1)


def corners(picture: np.ndarray) -> np.ndarray:
    """Where a patch can be found at all: its slopes are steep in every direction."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return cv2.cornerMinEigenVal(grey, 2 * HALF + 1, ksize=3) > 4e-4


def follow(name: str, drag: kg.Drag, picture: np.ndarray) -> Following:
    """Errors of every track of a drag whose patch has enough texture to be found."""
    height, width = picture.shape[:2]
    document = kg.Document(size=(width, height), frames=9, fps=8).add(drag)
    tracks = document.expand().tracks
    assert tracks is not None
    image = Warp(picture, tracks).at(tracks.frames - 1).image
    findable = corners(picture)
    errors = []
    for (start, *_, asked), state in zip(tracks.points, tracks.state, strict=True):
        x, y = start.astype(int)
        if findable[y, x] and state[-1] == State.VISIBLE:
            got = found(picture, image, start, asked)
            errors.append(np.linalg.norm(got - asked) * 256 / max(width, height))
    return Following(name, np.array(errors))


def run() -> list[str]:
    """Lines of Markdown."""
    picture = data.astronaut()
    lines = [
        "| drag on the demo photograph | tracks | mean EPE | median | 95 % | within 1 px |",
        "|-|-|-|-|-|-|",
    ]
    rows = [follow(name, drag, picture) for name, drag in DRAGS.items()]
    lines += [row.row() for row in rows]
    lines.append(Following("all", np.concatenate([row.errors for row in rows])).row())
    return lines


if __name__ == "__main__":
    print("\n".join(run()))
