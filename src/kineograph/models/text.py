"""Text as networks read it: features of every token, and one feature of a whole label."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from kineograph.core.errors import ModelError


class TextEncoder:
    """A CLIP text encoder with its tokenizer.

    Args:
        tokenizer: a CLIP tokenizer of transformers.
        model: a CLIPTextModel of transformers; ModelScope's (OpenCLIP ViT-H/14 without its last
            layer) is one too.
    """

    def __init__(self, tokenizer: Any, model: Any) -> None:
        self.tokenizer = tokenizer
        self.model = model

    @property
    def width(self) -> int:
        """Numbers a feature."""
        return int(self.model.config.hidden_size)

    @property
    def length(self) -> int:
        """Tokens it reads, the marks of the text's start and end among them."""
        asked = int(self.tokenizer.model_max_length)
        return min(asked, int(self.model.config.max_position_embeddings))

    @property
    def layers(self) -> int:
        """Layers of the network."""
        return int(self.model.config.num_hidden_layers)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.model.parameters()).device

    def to(self, *, dtype: torch.dtype | None = None, device: Any = None) -> "TextEncoder":
        """Itself, with its weights moved in place."""
        self.model.to(dtype=dtype, device=device)
        return self

    def count(self, text: str) -> int:
        """Tokens of a text, without the marks of its start and end."""
        return len(self._tokens(text)) - 2

    @torch.no_grad()
    def encode(
        self, texts: Sequence[str], *, clip_skip: int = 0
    ) -> Float[Tensor, "batch length width"]:
        """Features of every token, padded to `length` tokens.

        Args:
            texts: prompts.
            clip_skip: how many of the last layers are left out; the last norm never is. Some
                personalised checkpoints were trained with 1.

        Raises:
            ModelError: a text has more tokens than the encoder reads, or so many layers cannot be
                left out.
        """
        self._check_skip(clip_skip)
        ids = self._padded(texts, "max_length")
        if not len(ids):
            return torch.zeros(0, self.length, self.width, device=self.device)
        made = self._run(ids, hidden=clip_skip > 0)
        if clip_skip == 0:
            return made.last_hidden_state
        network = getattr(self.model, "text_model", self.model)
        return network.final_layer_norm(made.hidden_states[-1 - clip_skip])

    @torch.no_grad()
    def labels(self, texts: Sequence[str]) -> Float[Tensor, "count width"]:
        """One feature a label, for what stands in a box: the token that ends the text.

        After the last norm; GLIGEN reads it of CLIP ViT-L/14 (its pooled output), SMCD of
        OpenCLIP ViT-H/14 (systems in their papers: arXiv 2301.07093, 2403.10179).

        Raises:
            ModelError: a label has more tokens than the encoder reads.
        """
        ids = self._padded(texts, "longest")
        if not len(ids):
            return torch.zeros(0, self.width, device=self.device)
        features = self._run(ids).last_hidden_state
        ends = (ids == self.tokenizer.eos_token_id).int().argmax(dim=1)
        return features[torch.arange(len(ids), device=features.device), ends.to(features.device)]

    def _run(self, ids: Int[Tensor, "batch length"], hidden: bool = False) -> Any:
        ids = ids.to(self.device)
        mask = None
        if getattr(self.model.config, "use_attention_mask", False):
            mask = (ids != self.tokenizer.pad_token_id).long()
        return self.model(ids, attention_mask=mask, output_hidden_states=hidden)

    def _padded(self, texts: Sequence[str], padding: str) -> Int[Tensor, "batch length"]:
        if isinstance(texts, str):
            raise ModelError(f"the text '{texts}' was given by itself; give a list of texts")
        for text in texts:
            self._check_length(text)
        if not texts:
            return torch.zeros(0, self.length, dtype=torch.int64)
        held = self.tokenizer(
            list(texts), padding=padding, max_length=self.length, return_tensors="pt"
        )
        return held.input_ids

    def _tokens(self, text: str) -> list[int]:
        return list(self.tokenizer(text, verbose=False).input_ids)

    def _check_length(self, text: str) -> None:
        tokens = self._tokens(text)
        if len(tokens) <= self.length:
            return
        kept = self.tokenizer.decode(tokens[1 : self.length - 1]).strip()
        last = " ".join(kept.split()[-4:])
        raise ModelError(
            f"the text has {len(tokens) - 2} tokens, the text encoder reads {self.length - 2}; "
            f"it would be cut after '... {last}'; shorten it"
        )

    def _check_skip(self, clip_skip: int) -> None:
        if not 0 <= clip_skip < self.layers:
            raise ModelError(
                f"clip_skip {clip_skip} was given; the text encoder has {self.layers} layers; give "
                f"0 to {self.layers - 1}"
            )
