"""Grounding DINO: boxes of what words say (arXiv 2303.05499), from a folder of transformers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor
from torch.nn import functional

from kineograph.core.errors import EvaluationError
from kineograph.evaluation.backbones.folders import check_kind, colours_of, load_network, told
from kineograph.evaluation.backbones.resizing import IMAGENET_COLOURS
from kineograph.evaluation.metrics.average_precision import Found

SHORT, LONG = 800, 1333
"""Its authors' size: the shorter side goes to the one, unless the longer would pass the other."""

SURE = 0.25
"""A box counts from this score on: low, for precision is measured over all scores."""


class GroundingDino:
    """A `Detector`: finds things by words, such as IDEA-Research/grounding-dino-tiny.

    All labels are looked for at once, as "a dog . a cat ."; a box is of the label whose words it
    answers to most, and that is its score.

    Args:
        place: the folder, with the network and its tokenizer.
        device: where it runs.

    Raises:
        EvaluationError: the folder is broken or holds something else.
    """

    def __init__(self, place: Path, device: str = "cpu") -> None:
        from transformers import AutoTokenizer, GroundingDinoForObjectDetection

        check_kind(place, "grounding-dino", ("grounding-dino",))
        network = load_network(GroundingDinoForObjectDetection, place, "grounding-dino")
        self._network, self._device = network.to(device), device
        with told(place, "grounding-dino"):
            self._colours = colours_of(place, IMAGENET_COLOURS)
            self._tokenizer = AutoTokenizer.from_pretrained(str(place), local_files_only=True)

    @torch.inference_mode()
    def __call__(
        self, picture: UInt8[np.ndarray, "height width 3"], labels: Sequence[str]
    ) -> Mapping[str, Found]:
        """See `Detector`.

        Raises:
            EvaluationError: the labels are too many, or the network gives numbers that are none.
        """
        text, spans = _joined(labels)
        words = self._tokenizer(text, return_tensors="pt", return_offsets_mapping=True)
        offsets = words.pop("offset_mapping")[0].tolist()
        most = int(self._network.config.max_text_len)
        if len(offsets) > most:
            raise EvaluationError(
                f"{len(labels)} labels have {len(offsets)} tokens; grounding-dino reads {most}: "
                "give fewer or shorter ones"
            )
        pixels = self._pixels(picture)
        mask = torch.ones(pixels.shape[:1] + pixels.shape[2:], dtype=torch.long)
        made = self._network(
            pixel_values=pixels.to(self._device),
            pixel_mask=mask.to(self._device),
            **{name: held.to(self._device) for name, held in words.items()},
        )
        scores = made.logits[0].float().sigmoid().cpu().numpy()
        if not np.isfinite(scores).all():
            raise EvaluationError("grounding-dino gave scores that are not finite; fetch it again")
        height, width = picture.shape[:2]
        boxes = _corners(made.pred_boxes[0].float().cpu().numpy()) * [width, height, width, height]
        return _sorted_out(boxes, scores, labels, [_within(offsets, span) for span in spans])

    def _pixels(self, picture: UInt8[np.ndarray, "height width 3"]) -> Tensor:
        """The picture as the network reads it, (1, 3, rows, columns)."""
        height, width = picture.shape[:2]
        factor = min(SHORT / min(height, width), LONG / max(height, width))
        held = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
        size = (max(1, round(height * factor)), max(1, round(width * factor)))
        small = functional.interpolate(held, size=size, mode="bilinear", antialias=True)
        mean, spread = (torch.tensor(value)[:, None, None] for value in self._colours)
        return (small.float() / 255 - mean) / spread


def _joined(labels: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """Labels as one text, lower case and ended by dots, and where each stands in it."""
    text, spans = "", []
    for label in labels:
        plain = " ".join(label.lower().replace(".", " ").split())
        spans.append((len(text), len(text) + len(plain)))
        text += f"{plain} . "
    return text.strip(), spans


def _within(offsets: Sequence[Sequence[int]], span: tuple[int, int]) -> list[int]:
    """The tokens that stand inside a span; special ones are nowhere."""
    return [
        index
        for index, (start, end) in enumerate(offsets)
        if start < end and span[0] <= start and end <= span[1]
    ]


def _corners(boxes: Float32[np.ndarray, "boxes 4"]) -> np.ndarray:
    """Middle and size to left, top, right, bottom, within the picture of side 1."""
    half = boxes[:, 2:] / 2
    corners = np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)
    return np.clip(corners.astype(np.float64), 0, 1)


def _sorted_out(
    boxes: np.ndarray,
    scores: Float32[np.ndarray, "boxes tokens"],
    labels: Sequence[str],
    tokens: Sequence[Sequence[int]],
) -> Mapping[str, Found]:
    """The boxes of each label, those that are sure enough."""
    each = np.stack([scores[:, held].max(axis=1, initial=0) for held in tokens], axis=1)
    best, score = each.argmax(axis=1), each.max(axis=1).astype(np.float64)
    found: dict[str, Found] = {}
    for index, label in enumerate(labels):
        mine = (best == index) & (score >= SURE)
        found[label] = (boxes[mine], score[mine])
    return found
