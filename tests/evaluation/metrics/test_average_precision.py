"""Average precision against pycocotools, and the detectors around it."""

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from moving_disc import disc_clip, look_at, still, without_boxes
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from kineograph.core.boxes import Boxes
from kineograph.core.errors import EvaluationError
from kineograph.core.state import State
from kineograph.evaluation.metric import Part
from kineograph.evaluation.metrics.average_precision import (
    METRICS,
    Detector,
    likeness,
    measured_frames,
    part_of,
)
from kineograph.evaluation.metrics.coco import THRESHOLDS, average_precision

BY_NAME = {metric.name: metric for metric in METRICS}


def drawn(seed: int, groups: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of detections near and far from true boxes."""
    rng = np.random.default_rng(seed)
    found, true = [], []
    for group in range(groups):
        low = rng.uniform(0, 80, (rng.integers(0, most), 2))
        boxes = np.concatenate([low, low + rng.uniform(4, 60, low.shape)], axis=1)
        near = boxes[rng.random(len(boxes)) < 0.8] + rng.normal(0, 4, (1, 4))
        again = boxes[rng.random(len(boxes)) < 0.3] + rng.normal(0, 1, (1, 4))
        far = rng.uniform(0, 60, (rng.integers(0, 3), 4)).cumsum(axis=1)
        held = np.concatenate([near, again, far])
        for box in held:
            if (box[2:] > box[:2]).all():
                found.append([group, 1, 2, *box, rng.random()])
        true += [[group, 1, 2, *box, 1.0] for box in boxes]
    return np.array(found).reshape(-1, 8), np.array(true).reshape(-1, 8)


def by_coco(found: np.ndarray, true: np.ndarray) -> tuple[float, float, float]:
    def plain(row: np.ndarray) -> dict[str, object]:
        x0, y0, x1, y1 = row[3:7].tolist()
        told: dict[str, object] = {
            "image_id": int(row[0]),
            "category_id": 1,
            "bbox": [x0, y0, x1 - x0, y1 - y0],
        }
        return {**told, "area": (x1 - x0) * (y1 - y0), "iscrowd": 0}

    coco = COCO()
    coco.dataset = {
        "info": {},
        "images": [{"id": index} for index in range(200)],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": [{"id": index + 1, **plain(row)} for index, row in enumerate(true)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        told = coco.loadRes([{**plain(row), "score": float(row[7])} for row in found])
        judged = COCOeval(coco, told, "bbox")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    return tuple(judged.stats[:3])


@pytest.mark.parametrize(
    ("seed", "groups", "most"), [(0, 30, 6), (1, 80, 2), (2, 5, 40), (3, 3, 2)]
)
def test_it_is_pycocotools(seed: int, groups: int, most: int) -> None:
    found, true = drawn(seed, groups, most)
    expected = by_coco(found, true)
    assert average_precision(found, true) == pytest.approx(expected[0], abs=1e-9)
    assert average_precision(found, true, (0.5,)) == pytest.approx(expected[1], abs=1e-9)
    assert average_precision(found, true, (0.75,)) == pytest.approx(expected[2], abs=1e-9)
    assert 0 < expected[0] < 1


def test_at_most_a_hundred_detections_of_a_group_count() -> None:
    true = np.array([[0, 1, 2, 10, 10, 30, 30, 1.0]])
    wrong = np.repeat([[0, 1, 2, 60.0, 60, 80, 80, 0.9]], 100, axis=0)
    found = np.concatenate([wrong, [[0, 1, 2, 10, 10, 30, 30, 0.5]]])
    assert average_precision(found, true) == by_coco(found, true)[0] == 0
    assert 0 < average_precision(found[1:], true) == pytest.approx(by_coco(found[1:], true)[0])


def test_nothing_found_is_nothing_and_nothing_asked_is_no_number() -> None:
    none, one = np.zeros((0, 8)), np.array([[0, 1, 2, 0, 0, 5, 5, 1.0]])
    assert average_precision(none, one) == 0
    assert np.isnan(average_precision(one, none))
    assert average_precision(one, one) == 1


def test_a_clip_drawn_twice_by_the_bootstrap_counts_twice() -> None:
    found, true = drawn(5, 6, 4)
    twice = average_precision(np.tile(found, (2, 1)), np.tile(true, (2, 1)), (0.5,))
    assert twice == pytest.approx(average_precision(found, true, (0.5,)), abs=0.1)


def settled(name: str, *parts: Part | None) -> float:
    metric = BY_NAME[name]
    held = [part for part in parts if part is not None]
    assert metric.settle is not None
    generated = np.concatenate([part.generated for part in held]).astype(np.float32)
    return metric.settle(generated, np.concatenate([p.reference for p in held]).astype(np.float32))


def test_the_true_videos_are_precise_and_still_ones_are_not() -> None:
    clips = [disc_clip((8, 0), (30, 48)), disc_clip((-6, 0), (90, 48))]
    true = [part_of(look_at(c.video, c, name=f"clip {i}")) for i, c in enumerate(clips)]
    rest = [part_of(look_at(still(c), c, name=f"clip {i}")) for i, c in enumerate(clips)]
    assert settled("ap75", *true) == 1 and settled("map", *true) > 0.7
    assert settled("ap50", *rest) == 0
    assert all(part is not None and part.generated[0, 7] > 0.7 for part in true)


def test_groups_of_two_clips_differ_and_survive_single_precision() -> None:
    clip = disc_clip()
    one, two = (part_of(look_at(clip.video, clip, name=name)) for name in ("one", "two"))
    assert one is not None and two is not None
    assert (one.reference[0, :3] != two.reference[0, :3]).any()
    assert (one.reference[:, :3].astype(np.float32) == one.reference[:, :3]).all()
    assert (one.generated[0, :3] == one.reference[0, :3]).all()


def test_the_first_frame_counts_only_where_it_is_not_given() -> None:
    clip = disc_clip()
    assert clip.boxes is not None
    state = np.full(clip.boxes.state.shape, State.UNSPECIFIED)
    state[:, [0, -1]] = State.VISIBLE
    ends = Boxes.of(clip.boxes.boxes, state, size=clip.size, fps=8, labels=("red disc",))
    given, free = look_at(clip.video, clip), look_at(clip.video, clip, pictured=False)
    last = clip.frames - 1
    assert (measured_frames(given, ends), measured_frames(free, ends)) == ([last], [0, last])
    assert measured_frames(given, Boxes.of(np.zeros((0, 6, 4)), size=clip.size, fps=8)) == []


class OneThing:
    """Finds one thing at a place, whatever it is called."""

    def __init__(self, box: Sequence[float]) -> None:
        self.box, self.asked = np.array([box], np.float64), list[Sequence[str]]()

    def __call__(self, picture: np.ndarray, labels: Sequence[str]) -> dict[str, object]:
        self.asked.append(labels)
        return {labels[0]: (self.box, np.array([0.6]))}


def test_a_detector_by_words_is_asked_for_the_labels() -> None:
    clip = disc_clip()
    assert clip.boxes is not None
    detector = OneThing(clip.boxes.boxes[0, -1].tolist())
    assert isinstance(detector, Detector)
    part = part_of(look_at(clip.video, clip), detector)
    assert detector.asked == [["red disc"]] and settled("map", part) == 1
    away = part_of(look_at(clip.video, clip), OneThing([0, 0, 9, 9]))
    assert settled("ap50", away) == 0


def test_metrics_without_boxes_add_nothing() -> None:
    clip = disc_clip()
    assert BY_NAME["map"].measure(look_at(clip.video, without_boxes(clip))) is None
    assert BY_NAME["map-gdino"].backbones == ("grounding-dino",)
    assert len(THRESHOLDS) == 10 and THRESHOLDS[-1] == pytest.approx(0.95)


def test_likeness_is_the_intersection_of_histograms() -> None:
    red, blue = np.full((10, 3), (250, 0, 0)), np.full((5, 3), (0, 0, 250))
    assert likeness(red, red[:3]) == 1 and likeness(red, blue) == 0
    assert likeness(np.concatenate([red[:5], blue]), red) == 0.5
    assert likeness(red, red[:0]) == 0


@pytest.mark.slow
def test_grounding_dino_says_boxes_of_each_label(tmp_path: Path) -> None:
    from tiny_detector import tiny_grounding_dino

    from kineograph.evaluation.backbones.grounding_dino import GroundingDino

    detector = GroundingDino(tiny_grounding_dino(tmp_path / "net"))
    found = detector(disc_clip().video[0], ["red ball", "black cat"])
    assert isinstance(detector, Detector) and set(found) == {"red ball", "black cat"}
    boxes = np.concatenate([held[0] for held in found.values()])
    scores = np.concatenate([held[1] for held in found.values()])
    assert len(boxes) == len(scores) > 0 and (scores >= 0.25).all()
    assert (boxes[:, 2:] >= boxes[:, :2]).all() and (boxes >= 0).all()
    assert (boxes <= [128, 96, 128, 96]).all()
    with pytest.raises(EvaluationError, match=r"20 labels have \d+ tokens; grounding-dino reads"):
        detector(disc_clip().video[0], ["red ball slowly"] * 20)


def test_a_label_answers_for_its_own_words(tmp_path: Path) -> None:
    from transformers import BertTokenizerFast

    from kineograph.evaluation.backbones.grounding_dino import _joined, _within

    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n.\nred\nball\ncat")
    words = BertTokenizerFast(str(tmp_path / "vocab.txt"))
    text, spans = _joined(["Red  ball.", "cat"])
    told = words(text, return_offsets_mapping=True)
    assert text == "red ball . cat ."
    tokens = [
        [words.decode(told.input_ids[i]) for i in _within(told.offset_mapping, s)] for s in spans
    ]
    assert tokens == [["red", "ball"], ["cat"]]
