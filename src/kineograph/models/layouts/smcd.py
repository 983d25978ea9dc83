"""SMCD / Animate Your Motion (2403.10179): its three files as two adapters and a base, both ways.

pytorch_model.bin is all of ModelScope's U-Net with gates in its spatial blocks (`gate_attn`, boxes
and picture in one module) and an input convolution widened to 8 channels; pytorch_model_1.bin is
the position net, pytorch_model_2.bin the visual encoder. SMCD's second stage also trained the
temporal layers and the input convolution: without its own base its adapters do less.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from kineograph.core.errors import ModelError
from kineograph.models.adapter import BaseShape
from kineograph.models.checkpoint import compare_keys, shape_of
from kineograph.models.gates import BlockShape
from kineograph.models.grounding.grounding import Grounding, GroundingConfig
from kineograph.models.layouts.gligen import base_shape, build
from kineograph.models.layouts.spatial_names import block_names, block_shapes_of, gathered
from kineograph.models.picture.dual import PictureDual, PictureDualConfig

WHAT = "SMCD's U-Net"
CONV = "input_blocks.0.0.weight"
HEAD_DIM = 64
"""Width of an attention head of ModelScope's U-Net."""

_GATE = "gate_attn"
_PICTURE = re.compile(r"v_(?=linear\.)|cross_(?=(?:attn|ff|norm1|norm2|alpha_attn|alpha_dense)\b)")


@dataclass(frozen=True, eq=False)
class Smcd:
    """What SMCD's files hold.

    Args:
        grounding: the boxes' gates and the position net.
        picture: the picture's gates, the visual encoder and the further input channels; None for
            its first stage, which knows no picture.
        base: ModelScope's U-Net as SMCD trained it, under its original names, the input convolution
            with the latents' channels alone.
    """

    grounding: Grounding
    picture: PictureDual | None
    base: dict[str, Tensor]


def detect(tensors: Mapping[str, Any]) -> bool:
    """Whether these names (to tensors or shapes) are those of SMCD's U-Net."""
    return bool(gathered(tensors, _GATE))


def read(
    unet: Mapping[str, Tensor],
    position_net: Mapping[str, Tensor],
    encoder: Mapping[str, Tensor] | None = None,
) -> Smcd:
    """The adapters and the base of SMCD's files, bit for bit; their parameters are the tensors.

    Args:
        unet: pytorch_model.bin.
        position_net: pytorch_model_1.bin.
        encoder: pytorch_model_2.bin; None for a model without a picture.

    Raises:
        ModelError: a file is none of SMCD's, or of one of its other arms.
    """
    gates = gathered(unet, _GATE)
    _check_arm(unet, gates, encoder)
    blocks = block_shapes_of(
        {place: shape_of(held["linear.weight"])[0] for place, held in gates.items()},
        head_dim=HEAD_DIM,
    )
    boxes, pictures = _parted(gates)
    grounding = _grounding(blocks, boxes, position_net)
    picture = None
    if encoder is not None:
        conv = unet[CONV][:, _latents(unet) :]
        picture = _picture(blocks, pictures, encoder, conv, grounding.config.base)
    base = {name: held for name, held in unet.items() if f".{_GATE}." not in name}
    base[CONV] = base[CONV][:, : _latents(unet)]
    return Smcd(grounding, picture, base)


def write(held: Smcd) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
    """SMCD's three files again: U-Net, position net and visual encoder, the last empty without."""
    called = block_names(held.grounding.config.blocks)
    boxes, net = _apart(held.grounding.state_dict(), "position_net.")
    unet = dict(held.base)
    unet |= {_gate_name(name, called): tensor for name, tensor in boxes.items()}
    if held.picture is None:
        return unet, net, {}
    rest, encoder = _apart(held.picture.state_dict(), "encoder.")
    unet[CONV] = torch.cat([unet[CONV], rest.pop("conv.weight")], dim=1)
    for name, tensor in rest.items():
        unet[_gate_name(_picture_name(name), called)] = tensor
    return unet, net, encoder


def _grounding(
    blocks: tuple[BlockShape, ...], gates: dict[str, Tensor], net: Mapping[str, Tensor]
) -> Grounding:
    label, last = (shape_of(net.get(name, ())) for name in _NET_ENDS)
    if len(label) != 1 or len(last) != 2:
        raise ModelError(
            f"this is not SMCD's position net: it lacks {' or '.join(_NET_ENDS)}; give "
            "pytorch_model_1.bin"
        )
    base = base_shape(blocks, "modelscope", last[0])
    made = build(
        GroundingConfig(base=base, blocks=blocks, label_width=label[0], token_width=last[0])
    )
    state = gates | {f"position_net.{name}": tensor for name, tensor in net.items()}
    compare_keys(state, made.state_dict(), "SMCD's motion integration module")
    made.load_state_dict(state, assign=True)
    return made.eval()


def _picture(
    blocks: tuple[BlockShape, ...],
    gates: dict[str, Tensor],
    encoder: Mapping[str, Tensor],
    conv: Tensor,
    base: BaseShape,
) -> PictureDual:
    widths, depth = _stages(encoder)
    with torch.device("meta"):
        made = PictureDual(
            PictureDualConfig(
                base=base,
                heads=tuple(block.heads for block in blocks),
                widths=widths,
                depth=depth,
            )
        )
    state = gates | {f"encoder.{name}": tensor for name, tensor in encoder.items()}
    state["conv.weight"] = conv
    compare_keys(state, made.state_dict(), "SMCD's dual image integration module")
    made.load_state_dict(state, assign=True)
    return made.eval()


_NET_ENDS = ("null_positive_feature", "linears.4.weight")


def _check_arm(
    unet: Mapping[str, Any],
    gates: Mapping[Any, Mapping[str, Any]],
    encoder: Mapping[str, Any] | None,
) -> None:
    if not gates or CONV not in unet:
        raise ModelError(f"this is not {WHAT}: it has no {_GATE} or no {CONV}; give all of it")
    lacking = [place for place, held in gates.items() if "linear.weight" not in held]
    if lacking or any("beta_g" in held for held in gates.values()):
        raise ModelError(f"this is one of SMCD's other arms, not {WHAT} as it was released")
    seen = any("v_linear.weight" in held for held in gates.values())
    wide = shape_of(unet[CONV])[1] == 2 * _latents(unet)
    if not seen == wide == (encoder is not None):
        raise ModelError(
            f"{WHAT} has {'gates' if seen else 'no gates'} for a picture and reads "
            f"{shape_of(unet[CONV])[1]} channels, and {'a' if encoder is not None else 'no'} "
            "visual encoder was given; give pytorch_model_2.bin where there are both, and none "
            "where there are neither"
        )


def _latents(unet: Mapping[str, Any]) -> int:
    """Channels of the latents: as many as come out."""
    return shape_of(unet["out.2.weight"])[0] if "out.2.weight" in unet else 4


def _parted(
    gates: Mapping[Any, Mapping[str, Tensor]],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The gates of boxes and those of the picture, under our names."""
    boxes: dict[str, Tensor] = {}
    pictures: dict[str, Tensor] = {}
    for index, held in enumerate(gates.values()):
        for name, tensor in held.items():
            ours = _PICTURE.sub("", name, count=1)
            (boxes if ours == name else pictures)[f"gates.{index}.{ours}"] = tensor
    return boxes, pictures


def _picture_name(name: str) -> str:
    """gates.N.linear.weight -> gates.N.v_linear.weight, everything else with cross_."""
    gates, index, rest = name.split(".", 2)
    return f"{gates}.{index}.{'v_' if rest.startswith('linear.') else 'cross_'}{rest}"


def _gate_name(name: str, called: list[str]) -> str:
    _, index, rest = name.split(".", 2)
    return f"{called[int(index)]}.{_GATE}.{rest}"


def _apart(
    tensors: Mapping[str, Tensor], prefix: str
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Those without and those with the prefix, which is taken off."""
    rest = {name: held for name, held in tensors.items() if not name.startswith(prefix)}
    own = {name.removeprefix(prefix): held for name, held in tensors.items() if name not in rest}
    return rest, own


def _stages(encoder: Mapping[str, Any]) -> tuple[tuple[int, ...], int]:
    """Widths of the visual encoder's stages and how many blocks each has."""
    numbers = [int(found[1]) for name in encoder if (found := _BODY.match(name))]
    halved = [int(found[1]) for name in encoder if (found := _HALVED.match(name))]
    if not numbers or "conv_in.weight" not in encoder:
        raise ModelError(
            "this is not SMCD's visual encoder: it lacks conv_in or body; give pytorch_model_2.bin"
        )
    depth = min(halved, default=max(numbers) + 1)
    firsts = range(0, max(numbers) + 1, depth)
    return tuple(shape_of(encoder[f"body.{n}.in_conv.weight"])[0] for n in firsts), depth


_BODY = re.compile(r"body\.(\d+)\.in_conv\.weight")
_HALVED = re.compile(r"body\.(\d+)\.down_opt\.op\.weight")
