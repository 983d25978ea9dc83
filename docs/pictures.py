"""Makes the pictures of the README and the docs again: `python docs/pictures.py [NAME ...]`.

Run `python examples/photos.py` and `python examples/videos.py` before.
"""

import sys
from pathlib import Path

import numpy as np

import kineograph as kg
from kineograph.render.overlay import draw_boxes, draw_tracks

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
sys.path.insert(0, str(EXAMPLES))


def asked_over(image: np.ndarray, animation: kg.Animation, frame: int) -> np.ndarray:
    """A frame with what was asked drawn over it."""
    asked = animation.asked
    if asked.tracks is not None:
        image = draw_tracks(image, asked.tracks, frame, trail=16)
    if asked.boxes is not None:
        image = draw_boxes(image, asked.boxes, frame, ids=False)
    return image


def moving(document: kg.Document, path: Path, height: int) -> None:
    """What was asked (left) beside what became of it (right), as a moving picture."""
    width = round(document.size[0] * height / document.size[1] / 2) * 2
    animation = kg.animate(document, size=(width, height))
    with kg.VideoWriter(path, (2 * width, height), animation.fps) as writer:
        for number, frame in enumerate(animation):
            writer.write(np.hstack([asked_over(frame, animation, number), frame]))


def strip(document: kg.Document, path: Path, height: int = 240) -> None:
    """What was asked, at two thirds of the clip, and four frames of what became of it."""
    width = round(document.size[0] * height / document.size[1])
    animation = kg.animate(document, size=(width, height))
    frames = list(animation)
    mark = len(frames) * 2 // 3
    chosen = [frames[0], frames[len(frames) // 3], frames[mark], frames[-1]]
    kg.write_picture(path, np.hstack([asked_over(frames[mark], animation, mark), *chosen]))


def main(names: list[str]) -> None:
    """The first screen of the README, and one picture for every example document."""
    from demo import scene

    if not names:
        moving(scene(), HERE / "demo.webp", 320)
    for path in sorted(EXAMPLES.glob("*.motion.json")):
        name = path.name.removesuffix(".motion.json")
        if not names or name in names:
            print(name, flush=True)
            strip(kg.Document.load(path), HERE / "gestures" / f"{name}.jpg")


if __name__ == "__main__":
    main(sys.argv[1:])
