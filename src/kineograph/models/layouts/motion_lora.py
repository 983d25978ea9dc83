"""MotionLoRA (2307.04725): low-rank changes of a motion module's attention.

AnimateDiff's names: `...attention_blocks.{0,1}.processor.to_{q,k,v,out}_lora.{down,up}.weight`.
With strength s a weight becomes W + s * up @ down; there is no alpha beside the rank.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from kineograph.core.errors import ModelError
from kineograph.models.checkpoint import shape_of
from kineograph.models.layouts.renaming import Renaming

WHAT = "a MotionLoRA of AnimateDiff"

_BLOCK = "{at}.temporal_transformer.transformer_blocks.{block}"
_OURS = "{at}.transformer_blocks.{block}"
_MATRICES = (("down", "lora_A"), ("up", "lora_B"))
RENAMING = Renaming(
    fields={
        "at": r"(?:(?:down|up)_blocks\.\d+|mid_block)\.motion_modules\.\d+",
        "block": r"\d+",
        "qkv": "[qkv]",
    },
    pairs=tuple(
        (
            f"{_BLOCK}.attention_blocks.{number}.processor.to_{theirs}_lora.{matrix}.weight",
            f"{_OURS}.attn{number + 1}.to_{ours}.{peft}.weight",
        )
        for number in (0, 1)
        for theirs, ours in (("{qkv}", "{qkv}"), ("out", "out.0"))
        for matrix, peft in _MATRICES
    ),
)
"""Names of the matrices in AnimateDiff's files, and in peft's on diffusers' U-Net."""


def detect(tensors: Mapping[str, Any]) -> bool:
    """Whether these names (to tensors or shapes) are a MotionLoRA in AnimateDiff's layout."""
    return any(".motion_modules." in name and "_lora.down.weight" in name for name in tensors)


def read(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The matrices under the names that peft gives them on a UNetMotionModel, bit for bit.

    `unet.load_lora_adapter(read(tensors), prefix=None, adapter_name=...)` adds them; the scale of
    `set_adapters` is AnimateDiff's alpha.

    Raises:
        ModelError: they are not those of a MotionLoRA.
    """
    return read_pairs(tensors, RENAMING, WHAT)


def write(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The matrices of a LoRA on motion layers under AnimateDiff's own names.

    Raises:
        ModelError: one of them does not sit on the attention of a motion layer.
    """
    return write_pairs(state, RENAMING, WHAT)


def read_pairs(tensors: Mapping[str, Tensor], renaming: Renaming, what: str) -> dict[str, Tensor]:
    """Pairs of matrices (down, up) of an original LoRA file under peft's names (lora_A, lora_B).

    Raises:
        ModelError: a name is unknown, or a matrix lacks its other half or does not fit it.
    """
    renamed, unknown = renaming.read(tensors)
    if unknown or not renamed:
        told = f"it has the unknown {', '.join(unknown[:3])}" if unknown else "it is empty"
        raise ModelError(f"this is not {what}: {told}")
    check_pairs(renamed, what)
    return {name: renamed[name] for name in sorted(renamed)}  # peft wants lora_A first


def write_pairs(state: Mapping[str, Tensor], renaming: Renaming, what: str) -> dict[str, Tensor]:
    """The inverse of `read_pairs`; a prefix "unet." of all names is taken off.

    Raises:
        ModelError: the layout has no name for one of them, or a matrix lacks its other half.
    """
    bare = {name.removeprefix("unet."): value for name, value in state.items()}
    check_pairs(bare, what)
    original, unknown = renaming.write(bare)
    if unknown or not original:
        told = f"there is no place in it for {', '.join(unknown[:3])}" if unknown else "it is empty"
        raise ModelError(f"this cannot be written as {what}: {told}")
    return original


def check_pairs(state: Mapping[str, Tensor], what: str) -> None:
    """Check that each down has its up, and that their ranks agree.

    Raises:
        ModelError: one lacks the other, or they do not fit.
    """
    for name in state:
        other = name.replace(".lora_B.", ".lora_A.")
        if other == name:
            other = name.replace(".lora_A.", ".lora_B.")
        if other not in state:
            raise ModelError(f"this is not {what}: {name} lacks its other half {other}")
        down, up = (shape_of(state[n]) for n in sorted((name, other)))
        if len(down) != 2 or len(up) != 2 or down[0] != up[1]:
            raise ModelError(
                f"this is not {what}: the halves of {name} are {list(down)} and {list(up)}; the "
                "rows of the first must be the columns of the second"
            )


def check_fits(state: Mapping[str, Tensor], unet: nn.Module, what: str = WHAT) -> None:
    """Check that a U-Net has every layer that a LoRA changes, in the right size.

    Args:
        state: under peft's names, as `read` gives it.
        unet: what it is to be applied to.
        what: what the LoRA is, for the message.

    Raises:
        ModelError: it has not; a MotionLoRA made for v2 on a base without middle layers, say.
    """
    weights = {name: shape_of(value) for name, value in unet.state_dict().items()}
    for name, down in state.items():
        if ".lora_A." not in name:
            continue
        layer, up = name.removesuffix(".lora_A.weight"), state[name.replace("lora_A", "lora_B")]
        found = weights.get(f"{layer}.weight", weights.get(f"{layer}.base_layer.weight"))
        needed = (up.shape[0], down.shape[1])
        if found is None:
            hint = "; MotionLoRAs are made for v2" if layer.startswith("mid_block.motion") else ""
            raise ModelError(f"{what} changes {layer}, which this base does not have{hint}")
        if found != needed:
            raise ModelError(
                f"{what} changes {layer} of size {list(needed)}; this base's is {list(found)}"
            )
