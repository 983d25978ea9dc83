"""Overlapping windows over the frames, for clips longer than a model's motion layers reach."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from kineograph.core.errors import EngineError

Shape = Literal["pyramid", "uniform"]


@dataclass(frozen=True)
class Windows:
    """Which frames the model sees together, and how its predictions become one.

    A window starts every `length - overlap` frames and the last one ends with the clip, so that all
    have the same length and every frame is seen; a clip no longer than a window is one window. The
    model is run on each by itself, so that its positions in time count from 0 in every window.
    Where windows overlap their predictions are averaged, by weights that fall off towards a
    window's ends ("pyramid", as in FreeNoise, arXiv:2310.15169, eq. 9) or do not ("uniform").

    Args:
        total: frames of the clip, in latents.
        length: frames of a window, at most what the motion layers reach (32 in AnimateDiff).
        overlap: frames that two windows share at least, less than `length`.
        shape: of the weights.
        shift: frames by which all windows but the first come earlier; changed from step to step it
            moves the seams about, so that none shows.

    Raises:
        EngineError: a value is not allowed.
    """

    total: int
    length: int
    overlap: int = 0
    shape: Shape = "pyramid"
    shift: int = 0

    def __post_init__(self) -> None:
        if self.total < 1 or self.length < 1:
            raise EngineError(
                f"windows of {self.length} frames over {self.total} were asked for; "
                "give at least 1 of each"
            )
        if not 0 <= self.overlap < self.length:
            raise EngineError(
                f"an overlap of {self.overlap} frames was asked for in windows of {self.length}; "
                f"give 0 to {self.length - 1}"
            )
        if self.shape not in get_args(Shape):
            raise EngineError(f"the weights {self.shape} are unknown; give pyramid or uniform")
        if not 0 <= self.shift < self.stride:
            raise EngineError(
                f"a shift of {self.shift} frames was asked for where a window starts every "
                f"{self.stride}; give 0 to {self.stride - 1}"
            )

    @property
    def stride(self) -> int:
        """Frames from the start of one window to that of the next."""
        return self.length - self.overlap

    @cached_property
    def frames(self) -> tuple[range, ...]:
        """The frames of each window, in the order of their starts."""
        length = min(self.length, self.total)
        last = self.total - length
        inner = range(self.stride - self.shift, last, self.stride)
        return tuple(range(start, start + length) for start in sorted({0, *inner, last}))

    @cached_property
    def weights(self) -> Float[Tensor, "windows length"]:
        """What each frame of each window counts; at every frame of the clip they add up to 1."""
        length = len(self.frames[0])
        places = torch.arange(length, dtype=torch.float32)
        hat = torch.minimum(places, places.flip(0)) + 1
        window = hat if self.shape == "pyramid" else torch.ones(length)
        index = torch.tensor([list(frames) for frames in self.frames])
        every = window.expand(len(self.frames), length)
        sums = torch.zeros(self.total).index_add(0, index.flatten(), every.flatten())
        return every / sums[index]

    def blend(
        self, predictions: Iterable[Float[Tensor, "*before length height width"]]
    ) -> Float[Tensor, "*before total height width"]:
        """One prediction for the whole clip.

        Args:
            predictions: of each window, in the order of `frames`; they are summed as they come, in
                float32 or better, so that an iterator needs the memory of one.

        Raises:
            EngineError: there are not as many as windows, or one has another number of frames.
        """
        if len(self.frames) == 1:
            (only,) = self._checked(predictions)
            return only
        made: Tensor | None = None
        for part, frames, weights in zip(
            self._checked(predictions), self.frames, self.weights, strict=True
        ):
            if made is None:
                exact = torch.promote_types(part.dtype, torch.float32)
                shape = (*part.shape[:-3], self.total, *part.shape[-2:])
                made = torch.zeros(shape, dtype=exact, device=part.device)
                dtype = part.dtype
            share = part * weights.to(made)[:, None, None]
            made[..., frames.start : frames.stop, :, :] += share
        assert made is not None  # there is at least one window
        return made.to(dtype)

    def _checked(self, predictions: Iterable[Tensor]) -> Iterable[Tensor]:
        """The predictions, if they are what the windows ask for."""
        wanted, count = len(self.frames[0]), 0
        for part in predictions:
            count += 1
            if count > len(self.frames):
                break
            if part.shape[-3] != wanted:
                raise EngineError(
                    f"a window's prediction has {part.shape[-3]} frames; the windows have {wanted}"
                )
            yield part
        if count != len(self.frames):
            raise EngineError(
                f"{count} predictions or more were given for {len(self.frames)} windows; give one "
                "each"
            )
