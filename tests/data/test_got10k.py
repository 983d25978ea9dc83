"""GOT-10k's layout, in a tiny copy, read as SMCD trains on it."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from kineograph.core.errors import DataError
from kineograph.data.find_source import find_source
from kineograph.data.got10k import SKIPPED, Got10k, held_out
from kineograph.data.source import ClipSource

META = """[METAINFO]
url: https://example.org/watch?v=50%
begin: 00:00:01
anno_fps: 10Hz
object_class: brown bear
motion_class: walking slowly
resolution: (40, 30)
"""


def sequence(folder: Path, frames: int = 10) -> Path:
    """A sequence whose frame i is of grey 20 i and whose box begins at x = i."""
    folder.mkdir(parents=True)
    for i in range(frames):
        cv2.imwrite(str(folder / f"{i + 1:08d}.jpg"), np.full((30, 40, 3), 20 * i, np.uint8))
    lines = [f"{i}.0,2.0000,10.5,8" for i in range(frames)]
    (folder / "groundtruth.txt").write_text("\n".join(lines) + "\n")
    (folder / "absence.label").write_text("0\n" * 8 + "1\n" * (frames - 8))
    (folder / "cover.label").write_text("8\n" * 6 + "0\n" + "5\n" * (frames - 7))
    (folder / "meta_info.ini").write_text(META)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two sequences of the training split, one of them held out, and one for validation."""
    for name in ("GOT-10k_Train_000001", "GOT-10k_Train_001665"):
        sequence(tmp_path / "train" / name)
    (tmp_path / "train" / "list.txt").write_text("GOT-10k_Train_000001\nGOT-10k_Train_001665\n")
    sequence(tmp_path / "val" / "GOT-10k_Val_000001")
    return tmp_path


def test_a_window_with_its_box_and_template_caption(root: Path) -> None:
    source = Got10k(root, frames=10)
    assert isinstance(source, ClipSource) and len(source) == 1
    clip = source.read(0, np.random.default_rng(0))
    assert clip.caption == "A brown bear that is walking slowly."
    assert (clip.name, clip.fps, clip.size) == ("GOT-10k_Train_000001", 10, (40, 30))
    assert clip.boxes is not None and clip.boxes.labels == ("brown bear",)
    assert clip.boxes.boxes[0, 3].tolist() == [3, 2, 13.5, 10]
    assert clip.boxes.state[0].tolist() == [1] * 6 + [2] + [1] + [0, 0]


def test_frames_and_boxes_stay_together(root: Path) -> None:
    source = Got10k(root, frames=3, strides=(2, 2))
    for seed in range(6):
        clip = source.read(0, np.random.default_rng(seed))
        first = round(clip.video[0].mean() / 20)
        assert clip.boxes is not None and clip.fps == 5
        given = clip.boxes.specified[0]
        wanted = np.array([first, first + 2, first + 4])
        np.testing.assert_array_equal(clip.boxes.boxes[0, given, 0], wanted[given])
        np.testing.assert_array_equal(given, wanted < 8)


def test_what_is_held_out() -> None:
    train, val = held_out("train"), held_out("val")
    assert (len(train), len(val), len(set(SKIPPED))) == (34, 180, 34)
    assert "GOT-10k_Train_009323" in train
    assert {"GOT-10k_Val_000001", "GOT-10k_Val_000180"} <= val
    with pytest.raises(DataError, match="GOT-10k has no split dev; there are train, val and test"):
        held_out("dev")


def test_held_out_sequences_are_read_only_when_asked(root: Path) -> None:
    assert Got10k(root).names == ["GOT-10k_Train_000001"]
    assert len(Got10k(root, evaluation=True)) == 2
    with pytest.raises(DataError, match="are held out for evaluation; train on another split"):
        Got10k(root, split="val")
    assert Got10k(root, split="val", evaluation=True).names == ["GOT-10k_Val_000001"]


def test_without_a_list_the_folders_are_read(root: Path) -> None:
    (root / "train" / "list.txt").unlink()
    assert Got10k(root).names == ["GOT-10k_Train_000001"]
    assert isinstance(find_source(root, frames=3), Got10k)
    assert isinstance(find_source(root / "train", frames=3), Got10k)


def test_a_list_does_not_lead_elsewhere(root: Path) -> None:
    (root / "train" / "list.txt").write_text("../../secret\n")
    with pytest.raises(DataError, match=r"lists '../../secret', which is no name of a folder"):
        Got10k(root)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("groundtruth.txt", None, "its groundtruth.txt is missing"),
        ("groundtruth.txt", "1,2,3\n", "its 10 frames need one of 4 numbers each"),
        ("groundtruth.txt", "a,b,c,d\n" * 10, "its groundtruth.txt does not hold numbers"),
        ("cover.label", "8\n", "its cover.label has 1 lines; its 10 frames need one of 1 number"),
        ("meta_info.ini", None, "its meta_info.ini is missing or malformed"),
        ("meta_info.ini", "[METAINFO]\nobject_class: x\n", "does not say the motion_class"),
        ("00000003.jpg", "nothing", "00000003.jpg"),
    ],
)
def test_malformed_sequences_are_told_in_one_line(
    root: Path, name: str, text: str | None, said: str
) -> None:
    path = root / "train" / "GOT-10k_Train_000001" / name
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError) as caught:
        Got10k(root, frames=10).read(0, np.random.default_rng(0))
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert str(caught.value).startswith("GOT-10k_Train_000001: ")


def test_too_short_sequences_and_missing_roots(root: Path) -> None:
    with pytest.raises(DataError, match="it has 10 frames, too few for 11 at a stride of 1"):
        Got10k(root, frames=11).read(0, np.random.default_rng(0))
    with pytest.raises(DataError, match=r"there is no list.txt and no sequence in"):
        Got10k(root / "none")
