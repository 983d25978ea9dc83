"""Masks by clicks and boxes: things of known shape are found, and what cannot be is said."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from kineograph.cli.main import app
from kineograph.core.errors import KineographError, PictureError, VisionError
from kineograph.vision.grabcut import GrabCut
from kineograph.vision.masks import Masker, grow_back, read_mask, tidy, write_mask


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def scene(size: tuple[int, int] = (320, 240)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A blue disc and a red bar, both textured, on a textured green ground; and their masks."""
    width, height = size
    y, x = np.mgrid[:height, :width] + 0.5
    disc = np.hypot(x - 0.3 * width, y - 0.5 * height) < 0.2 * height
    bar = (abs(x - 0.75 * width) < 0.04 * width) & (abs(y - 0.5 * height) < 0.35 * height)
    colour = np.full((height, width, 3), (60, 130, 70), np.float32)
    colour[disc], colour[bar] = (60, 80, 190), (190, 60, 50)
    noise = np.random.default_rng(3).standard_normal((height, width, 3)).astype(np.float32)
    grain = cv2.GaussianBlur(noise, (0, 0), 2.5)
    picture = np.clip(colour + 12 / grain.std() * grain, 0, 255).astype(np.uint8)
    return cv2.GaussianBlur(picture, (0, 0), 0.7), disc, bar


@pytest.mark.parametrize("size", [(320, 240), (960, 720)])
def test_a_click_finds_what_is_under_it(size: tuple[int, int]) -> None:
    picture, disc, bar = scene(size)
    width, height = size
    found = GrabCut()(picture, points=np.array([[0.33 * width, 0.45 * height]]))
    assert iou(found, disc) > 0.95
    found = GrabCut()(picture, points=np.array([[0.75 * width, 0.3 * height]]))
    assert iou(found, bar) > 0.93


def test_a_box_finds_what_is_in_it() -> None:
    picture, disc, _ = scene()
    assert iou(GrabCut()(picture, box=(40.0, 60.0, 155.0, 180.0)), disc) > 0.95


def test_two_clicks_take_both_things_and_a_click_beside_leaves_one_out() -> None:
    picture, disc, bar = scene()
    clicks = np.array([[96.0, 120], [240, 120]])
    assert iou(GrabCut()(picture, points=clicks), disc | bar) > 0.9
    one = GrabCut()(picture, points=clicks, labels=np.array([True, False]))
    assert iou(one, disc) > 0.9


def test_a_photograph(photograph: np.ndarray) -> None:
    """The head, outlined roughly by hand: an ellipse."""
    found = GrabCut()(photograph, points=np.array([[224.0, 110]]))
    y, x = np.mgrid[:512, :512]
    head = ((x - 226) / 70) ** 2 + ((y - 95) / 82) ** 2 < 1
    assert iou(found, head) > 0.8


def test_the_same_click_gives_the_same_mask() -> None:
    picture, *_ = scene()
    first, second = (GrabCut()(picture, points=np.array([[96.0, 120]])) for _ in range(2))
    assert (first == second).all()


@pytest.mark.parametrize("value", [0, 128])
def test_a_plain_picture_gives_some_mask_with_the_click_in_it(value: int) -> None:
    picture = np.full((40, 60, 3), value, np.uint8)
    found = GrabCut()(picture, points=np.array([[30.0, 20]]))
    assert found.shape == (40, 60) and found[20, 30]


def test_it_is_a_masker() -> None:
    assert isinstance(GrabCut(), Masker)


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ({}, "nothing says what is meant; give a click on it or a box around it"),
        (
            {"points": np.array([[5.0, 5]]), "labels": np.array([False])},
            "nothing says what is meant",
        ),
        (
            {"points": np.array([[320.0, 5]])},
            "the click at 320,5 lies outside the picture of 320x240; move it inside",
        ),
        ({"box": (400.0, 0.0, 500.0, 100.0)}, "holds nothing of the picture of 320x240; give left"),
        ({"box": (50.0, 0.0, 40.0, 100.0)}, "the box 50,0,40,100 holds nothing"),
    ],
)
def test_prompts_that_mean_nothing(prompt: dict, message: str) -> None:
    with pytest.raises(VisionError, match=message):
        GrabCut()(scene()[0], **prompt)


def test_masks_are_written_and_read(tmp_path: Path) -> None:
    _, disc, _ = scene()
    write_mask(tmp_path / "disc.png", disc)
    assert (read_mask(tmp_path / "disc.png") == disc).all()
    write_mask(tmp_path / "none.png", np.zeros((4, 4), bool))
    with pytest.raises(VisionError, match=r"none\.png is black all over; paint white what is mea"):
        read_mask(tmp_path / "none.png")
    with pytest.raises(KineographError, match=r"name a file that ends in \.png"):
        write_mask(tmp_path / "disc.jpg", disc)
    with pytest.raises(PictureError):
        read_mask(tmp_path / "missing.png")


def test_tidying_drops_crumbs_and_closes_pinholes() -> None:
    mask = np.zeros((50, 50), bool)
    mask[10:40, 10:40] = True
    whole = mask.copy()
    mask[20, 20], mask[2, 2] = False, True
    assert (tidy(mask, [(15, 15)]) == whole).all()
    assert tidy(mask, [(2, 2)]).sum() == 1


def test_a_small_mask_grows_back_along_edges() -> None:
    picture, disc, _ = scene((640, 480))
    coarse = cv2.resize(disc.astype(np.uint8), (160, 120), interpolation=cv2.INTER_AREA) > 0
    plain = cv2.resize(coarse.astype(np.uint8), (640, 480), interpolation=cv2.INTER_NEAREST) > 0
    assert iou(grow_back(coarse, picture), disc) > max(0.97, iou(plain, disc))


def test_the_command_writes_a_mask_and_a_picture_of_it(photo_file: Path, tmp_path: Path) -> None:
    out, drawn = tmp_path / "head.png", tmp_path / "seen.png"
    words = ["mask", str(photo_file), "--point", "224,110", "-o", str(out), "--overlay", str(drawn)]
    with pytest.raises(SystemExit) as done:
        app(words)
    assert done.value.code in (0, None)
    assert read_mask(out)[110, 224] and drawn.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--point", "224", "-o", "m.png"], "--point 224 was given; write X,Y as 224,110"),
        (["-o", "m.png"], "nothing says what is meant"),
        (["--point", "2,2", "-o", "m.jpg"], "name a file that ends in .png"),
        (["--point", "2,2", "-o", "m.png", "--eye", "sam"], "there is no mask eye 'sam'"),
    ],
)
def test_what_the_command_cannot_do(
    words: list[str], message: str, photo_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as failed:
        app(["mask", str(photo_file), *words])
    assert failed.value.code == 2
    told = " ".join(capsys.readouterr().err.split())
    assert message in told
