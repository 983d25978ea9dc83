"""The gallery and the model card: what is chosen, and what is read out of a run."""

import json
from pathlib import Path

import mini_card
import mini_pictures
import numpy as np
import pytest
from PIL import Image

from kineograph.training.stage import Sampling, Stage


def test_the_ends_of_an_order_are_chosen_and_none_twice() -> None:
    order = [("16", name, 0.0) for name in "abcde"]
    found = [(good, name) for good, (_, name, _) in mini_pictures.ends(order, 2, 2)]
    assert found == [(True, "a"), (True, "b"), (False, "e"), (False, "d")]
    few = [(good, name) for good, (_, name, _) in mini_pictures.ends(order[:3], 2, 2)]
    assert few == [(True, "a"), (True, "b"), (False, "c")]
    assert mini_pictures.ends(order, 1, 0) == [(True, order[0])]


def test_columns_stand_beside_each_other() -> None:
    red, blue = np.zeros((2, 3, 5, 4, 3), np.uint8)
    red[..., 0], blue[..., 2] = 255, 255
    found = mini_pictures.beside(red, blue)
    assert found.shape == (3, 5, 4 + mini_pictures.GAP + 4, 3)
    np.testing.assert_array_equal(found[:, :, :4], red)
    np.testing.assert_array_equal(found[:, :, -4:], blue)


def test_the_gallery_takes_the_place_between_its_marks() -> None:
    page = f"head\n\n{mini_pictures.BEGIN}\nold\n{mini_pictures.END}\n\ntail\n"
    once = mini_pictures.filled(page, ["new"])
    assert "old" not in once and once.startswith("head\n") and once.endswith("\n\ntail\n")
    assert mini_pictures.filled(once, ["new"]) == once
    with pytest.raises(SystemExit, match="lacks the lines"):
        mini_pictures.filled("nothing", [])


def test_the_page_has_its_marks() -> None:
    page = mini_pictures.PAGE.read_text(encoding="utf-8")
    assert page.count(mini_pictures.BEGIN) == page.count(mini_pictures.END) == 1


def test_a_picture_moves_and_holds_its_last_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mini_pictures, "FOLDER", tmp_path)
    frames = np.random.default_rng(0).integers(0, 255, (5, 16, 24, 3)).astype(np.uint8)
    mini_pictures.write(mini_pictures.Shown("a", "t", "s", frames, 10))
    with Image.open(tmp_path / "a.webp") as made:
        assert made.size == (24, 16)
        assert made.n_frames >= 5
        assert made.info["loop"] == 0


def trained(folder: Path) -> mini_card.Trained:
    """40 steps of 8 clips at 4 clips a second: 80 seconds, the loss from 2 to 1."""
    folder.mkdir()
    lines = [
        {"kind": "step", "step": n + 1, "loss": 2 - n / 39, "clips_per_s": 4.0} for n in range(40)
    ]
    probes = [
        {"kind": "probe", "step": step, "measure": "loss", "value": value, "unit": "dB"}
        for step, value in ((0, 3.0), (40, 1.25))
    ]
    text = "".join(json.dumps(line) + "\n" for line in [probes[0], *lines, probes[1]])
    (folder / "record.jsonl").write_text(text)
    sampling = Sampling(frames=16, size=(64, 64), strides=(1,))
    return mini_card.Trained(
        Stage(name="motion", trains=("unet",), batch=8, steps=40, sampling=sampling), folder
    )


def test_clips_and_hours_are_read_from_the_record(tmp_path: Path) -> None:
    stage = trained(tmp_path / "motion")
    assert stage.clips == 320
    assert stage.hours == pytest.approx(80 / 3600)
    steps, losses = stage.loss()
    assert steps[0] == 1 and steps[-1] == 40
    assert (losses[0], losses[-1]) == pytest.approx((2, 1))
    row = list(mini_card.stage_rows([stage]))[-1]
    assert row == ("| motion | unet | 320 | 16 of 64x64 | 0.02 | 2 to 1 | loss 3 to 1.25 dB |")


def test_curves_are_a_small_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    stage = trained(tmp_path / "motion")
    mini_card.draw([stage] * 7, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size < 100_000
    with Image.open(tmp_path / "curves.png") as drawn:
        assert drawn.size[0] > 800
