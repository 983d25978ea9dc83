"""`kineograph depth`, and cameras on the command line."""

from pathlib import Path

import numpy as np

import kineograph as kg
from kineograph.vision.depth_file import read_depth


def test_a_depth_map_is_written_and_used(folder: Path, run) -> None:
    done = run("depth", "photo.png", "-o", "d.png")
    assert "wrote d.png: the farthest is" in done.output
    assert "is a guess" in done.output
    assert read_depth("d.png").size == (64, 48)
    camera = ("--camera", "orbit 8", "--depth", "d.png")
    run("animate", "photo.png", *camera, "--frames", "3", "-o", "o.mp4")
    made = kg.read_video("o.mp4")
    assert made.request["document"]["depth"]["path"] == "d.png"
    assert np.abs(made.frames[2].astype(int) - made.frames[0]).mean() > 1
    run("animate", "--from", "o.mp4", "-o", "again.mp4")
    assert (kg.read_video("again.mp4").frames == made.frames).all()


def test_mistakes_are_one_line(folder: Path, run) -> None:
    for words, message in (
        (("animate", "photo.png", "--camera", "orbit 8"), "orbit needs to know how far away"),
        (("animate", "photo.png", "--camera", "orbit"), "does not say how far to orbit"),
        (
            ("animate", "photo.png", "--camera", "orbit 8", "--depth", "x.png"),
            "no depth file x.png",
        ),
        (("depth", "none.png"), "there is no picture at none.png"),
        (("depth", "photo.png", "-o", "d.jpg"), "it has to end in .png, .npy, .npz"),
        (("depth", "photo.png", "--weights", "w", "--horizon", "0.5"), "give one of them"),
        (("depth", "photo.png", "--horizon", "2"), "a horizon at 2.0 was given"),
    ):
        done = run(*words, code=2)
        assert message in done.output, done.output
        assert len(done.output.strip().splitlines()) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["photo.png"]
