"""Words: captions and labels as a text encoder reads them, each encoded once while it is frozen."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import nullcontext

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from kineograph.conditioning.box_batch import BoxBatch
from kineograph.models.text import TextEncoder

KEPT = 512
"""Captions, and labels, whose features are kept at once; those not asked for longest go first."""


class Words:
    """The text encoder of a training run.

    Args:
        text: the encoder. As long as none of its weights trains, features are kept.
        kept: how many captions' features, and as many labels'.
    """

    def __init__(self, text: TextEncoder, kept: int = KEPT) -> None:
        self.text = text
        self.kept = kept
        self._captions: OrderedDict[str, Tensor] = OrderedDict()
        self._labels: OrderedDict[str, Tensor] = OrderedDict()

    @property
    def trains(self) -> bool:
        """Whether gradients go into the text encoder."""
        return any(held.requires_grad for held in self.text.model.parameters())

    def captions(self, captions: Sequence[str]) -> Float[Tensor, "batch length width"]:
        """The features of captions; with gradients if the encoder trains.

        A caption longer than the encoder reads loses its end, as in all four papers' training: a
        person's prompt is refused there, a thousand captions of a data set cannot be.
        """
        if self.trains:
            return self._encoded(captions)
        return self._looked_up(captions, self._captions, self._encoded)

    def labels(self, boxes: BoxBatch) -> BoxBatch:
        """The boxes with their labels' features, which are never trained through.

        Raises:
            ModelError: a box has no label, or a label is longer than the text encoder reads.
        """
        boxes.require_labels()
        names = [label for labels in boxes.labels for label in labels]
        if not names:
            return boxes.with_labels(torch.zeros(boxes.batch, 0, self.text.width))
        if self.trains:
            features = self._plain(self.text.labels, names)
        else:
            features = self._looked_up(names, self._labels, self.text.labels)
        return boxes.with_labels(rearrange(features, "(b o) d -> b o d", b=boxes.batch))

    def _looked_up(
        self,
        texts: Sequence[str],
        kept: OrderedDict[str, Tensor],
        encode: Callable[[Sequence[str]], Tensor],
    ) -> Tensor:
        """Features that are there, and those that are not made in one go."""
        new = [text for text in dict.fromkeys(texts) if text not in kept]
        if new:
            kept.update(zip(new, self._plain(encode, new).unbind(), strict=True))
        for text in texts:
            kept.move_to_end(text)
        made = torch.stack([kept[text] for text in texts])
        while len(kept) > self.kept:
            kept.popitem(last=False)
        return made

    @torch.no_grad()
    def _plain(self, encode: Callable[[Sequence[str]], Tensor], texts: Sequence[str]) -> Tensor:
        """Without gradients, in the numbers that the weights are kept in."""
        with without_autocast(self.text.device):
            return encode(texts)

    def _encoded(self, captions: Sequence[str]) -> Tensor:
        text = self.text
        ids = text.tokenizer(
            list(captions),
            padding="max_length",
            truncation=True,
            max_length=text.length,
            return_tensors="pt",
        ).input_ids.to(text.device)
        mask = None
        if getattr(text.model.config, "use_attention_mask", False):
            mask = (ids != text.tokenizer.pad_token_id).long()
        features: Tensor = text.model(ids, attention_mask=mask).last_hidden_state
        return features


def without_autocast(device: torch.device) -> torch.autocast | nullcontext[None]:
    """Numbers as they are, inside mixed precision: for frozen networks that have their own."""
    if not torch.is_autocast_enabled(device.type):
        return nullcontext()
    return torch.autocast(device.type, enabled=False)
