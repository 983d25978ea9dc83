"""Makes the pictures of the README and the docs again: `python docs/pictures.py`."""

import sys
from pathlib import Path

import numpy as np

import kineograph as kg
from kineograph.render.overlay import draw_tracks

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "examples"))


def first_screen() -> None:
    """What was asked (left) beside what became of it (right), as a moving picture."""
    from demo import scene

    animation = kg.animate(scene(), size=(320, 320))
    with kg.VideoWriter(HERE / "demo.webp", (640, 320), animation.fps) as writer:
        for number, frame in enumerate(animation):
            asked = draw_tracks(frame, animation.request.tracks, number, trail=16)
            writer.write(np.hstack([asked, frame]))


if __name__ == "__main__":
    first_screen()
