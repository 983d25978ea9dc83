"""The domain adapter of AnimateDiff v3 (2307.04725, section 4.1): a LoRA on the picture layers.

It takes up the look of the training videos so that the motion module need not; scale 0 removes it.
Its layout is that of diffusers' first LoRA files, without a prefix:
`{attention}.processor.to_{q,k,v,out}_lora.{down,up}.weight` on both attentions of every block.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from kineograph.models.layouts.motion_lora import read_pairs, write_pairs
from kineograph.models.layouts.renaming import Renaming

WHAT = "a domain adapter of AnimateDiff"

_MATRICES = (("down", "lora_A"), ("up", "lora_B"))
RENAMING = Renaming(
    fields={
        "at": r"(?:(?:down|up)_blocks\.\d+|mid_block)\.attentions\.\d+\.transformer_blocks\.\d+",
        "attn": "attn[12]",
        "qkv": "[qkv]",
    },
    pairs=tuple(
        (
            "{at}.{attn}." + f"processor.to_{theirs}_lora.{matrix}.weight",
            "{at}.{attn}." + f"to_{ours}.{peft}.weight",
        )
        for theirs, ours in (("{qkv}", "{qkv}"), ("out", "out.0"))
        for matrix, peft in _MATRICES
    ),
)
"""Names of the matrices in AnimateDiff's file, and in peft's on diffusers' U-Net."""


def detect(tensors: Mapping[str, Any]) -> bool:
    """Whether these names (to tensors or shapes) are a domain adapter in AnimateDiff's layout."""
    return bool(tensors) and all(RENAMING.ours(name) is not None for name in tensors)


def read(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The matrices under the names that peft gives them on a UNetMotionModel, bit for bit.

    `unet.load_lora_adapter(read(tensors), prefix=None, adapter_name=...)` adds them; the scale of
    `set_adapters` is AnimateDiff's alpha.

    Raises:
        ModelError: they are not those of a domain adapter.
    """
    return read_pairs(tensors, RENAMING, WHAT)


def write(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The matrices of a LoRA on picture layers under AnimateDiff's own names.

    Raises:
        ModelError: one of them does not sit on the attention of a picture layer.
    """
    return write_pairs(state, RENAMING, WHAT)
