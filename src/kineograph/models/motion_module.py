"""The motion module in a U-Net: its version, and the normalisations that AnimateDiff computes.

diffusers normalises in two places otherwise than AnimateDiff's own code, with the same weights:

- ResNet blocks and the output (`group_norm_over_time`): v1 was trained with statistics over all
  frames of a clip; v2, v3 and diffusers take each frame for itself.
- The motion layers' first normalisation (`motion_norm_per_frame`): AnimateDiff takes each frame for
  itself in every version; diffusers takes statistics over all frames.

`follow_original` sets both as the weights were trained. All are reversible, change no parameter and
no key of the state dict, and need nothing from the caller in the forward pass.
"""

from collections.abc import Iterable
from typing import Any, Literal

from diffusers import MotionAdapter, SparseControlNetModel, UNetMotionModel
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.unets.unet_motion_model import AnimateDiffTransformer3D
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from kineograph.core.errors import ModelError
from kineograph.models.control.encoder import ControlEncoder

Version = Literal["v1", "v2", "v3"]

V1_FRAMES = 24
"""The frames v1 has positions for; v2 and v3 have 32."""

_POOLING = "_kineograph_group_norm_over_time"
_SINGLE = "_kineograph_motion_norm_per_frame"


def version_of(motion: MotionAdapter | UNetMotionModel) -> Version:
    """Which AnimateDiff a motion module is of, by what tells the versions apart.

    A module in the middle block makes it v2; without it, positions for 24 frames make it v1, for
    any other number v3. Modules trained anew are counted with the version they are built like.
    """
    if motion.config["use_motion_mid_block"]:
        return "v2"
    return "v1" if motion.config["motion_max_seq_length"] == V1_FRAMES else "v3"


def motion_layers(network: nn.Module) -> list[AnimateDiffTransformer3D]:
    """The motion layers of a U-Net, an encoder or a MotionAdapter, in the order of its modules."""
    return [part for part in network.modules() if isinstance(part, AnimateDiffTransformer3D)]


def follow_original(
    network: nn.Module,
    on: bool = True,
    *,
    version: Version | None = None,
    adapters: Iterable[nn.Module] = (),
) -> None:
    """Compute the normalisations as AnimateDiff's own code does, or (`on=False`) as diffusers.

    Args:
        network: a U-Net with motion layers, or an encoder copied from one.
        on: whether to.
        version: of the motion module; None asks a UNetMotionModel itself.
        adapters: on it; copies of its encoder inside them, a SparseCtrl's too, follow as it does.

    Raises:
        ModelError: the network has no motion layers, or does not tell its version.
    """
    if version is None:
        if not isinstance(network, UNetMotionModel):
            raise ModelError(f"a {type(network).__name__} does not tell its version; give it")
        version = version_of(network)
    for follower in (network, *(copy for held in adapters for copy in encoder_copies(held))):
        motion_norm_per_frame(follower, on)
        group_norm_over_time(follower, on and version == "v1")


def encoder_copies(adapter: nn.Module) -> list[nn.Module]:
    """The copies of a base's encoder, with its motion layers, that an adapter consists of."""
    kinds = (ControlEncoder, SparseControlNetModel)
    return [part for part in adapter.modules() if isinstance(part, kinds) and motion_layers(part)]


def group_norm_over_time(network: nn.Module, on: bool) -> None:
    """Let the GroupNorms of the ResNet blocks and of the output pool their statistics over time.

    This is AnimateDiff's `use_inflated_groupnorm: false`, with which v1 was trained. The number of
    frames is read in each forward pass from the network's own input, (batch, channels, frames,
    height, width), its first argument or `sample`. With gradient checkpointing, run the backward
    pass of a batch before the forward pass of one with another number of frames.

    Args:
        network: a UNetMotionModel, or an encoder with such an input.
        on: whether to; setting it twice changes nothing.

    Raises:
        ModelError: the network has no ResNet blocks.
    """
    _take_off(network, _POOLING)
    if on:
        setattr(network, _POOLING, _OverTime(network, _picture_norms(network)))


def motion_norm_per_frame(network: nn.Module, on: bool) -> None:
    """Let the first GroupNorm of every motion layer take each frame for itself.

    AnimateDiff normalises (batch * frames, channels, height, width); diffusers (batch, channels,
    frames, height, width), which lets bright and dark frames of a clip shift each other.

    Args:
        network: anything that has motion layers, a SparseControlNetModel for example.
        on: whether to; setting it twice changes nothing.

    Raises:
        ModelError: the network has no motion layers.
    """
    _take_off(network, _SINGLE)
    if not on:
        return
    norms = [layer.norm for layer in motion_layers(network)]
    if not norms:
        raise ModelError(f"a {type(network).__name__} has no motion layers; give a network of them")
    setattr(network, _SINGLE, _PerFrame(norms))


def pools_over_time(network: nn.Module) -> bool:
    """Whether `group_norm_over_time` is on."""
    return hasattr(network, _POOLING)


def norms_per_frame(network: nn.Module) -> bool:
    """Whether `motion_norm_per_frame` is on."""
    return hasattr(network, _SINGLE)


def _take_off(network: nn.Module, name: str) -> None:
    if hasattr(network, name):
        getattr(network, name).remove()
        delattr(network, name)


def _picture_norms(network: nn.Module) -> list[nn.Module]:
    blocks = [part for part in network.modules() if isinstance(part, ResnetBlock2D)]
    if not blocks:
        raise ModelError(f"a {type(network).__name__} has no ResNet blocks; give a U-Net")
    norms: list[nn.Module] = [norm for block in blocks for norm in (block.norm1, block.norm2)]
    out = getattr(network, "conv_norm_out", None)
    return norms if out is None else [*norms, out]


class _Hooks:
    """Hooks that belong together; a deep copy of the network takes its own along."""

    def __init__(self) -> None:
        self.handles: list[RemovableHandle] = []

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()


class _OverTime(_Hooks):
    """Unfolds (batch * frames) before a GroupNorm, so that a group spans the clip's frames."""

    def __init__(self, network: nn.Module, norms: list[nn.Module]) -> None:
        super().__init__()
        self.frames = 1
        self.handles.append(network.register_forward_pre_hook(self.look, with_kwargs=True))
        for norm in norms:
            self.handles.append(norm.register_forward_pre_hook(self.unfold))
            self.handles.append(norm.register_forward_hook(self.fold))

    def look(self, network: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        sample = args[0] if args else kwargs["sample" if "sample" in kwargs else "hint"]
        self.frames = sample.shape[2]

    def unfold(self, norm: nn.Module, args: tuple[Tensor, ...]) -> Tensor:
        return over_time(args[0], self.frames)

    def fold(self, norm: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return per_frame(output)


class _PerFrame(_Hooks):
    """Folds the frames into the batch before a GroupNorm, so that a group spans one frame."""

    def __init__(self, norms: list[nn.Module]) -> None:
        super().__init__()
        self.frames = 1
        for norm in norms:
            self.handles.append(norm.register_forward_pre_hook(self.fold))
            self.handles.append(norm.register_forward_hook(self.unfold))

    def fold(self, norm: nn.Module, args: tuple[Tensor, ...]) -> Tensor:
        self.frames = args[0].shape[2]
        return per_frame(args[0])

    def unfold(self, norm: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return over_time(output, self.frames)


def over_time(
    frames_in_batch: Float[Tensor, "batch_frames channels height width"], frames: int
) -> Float[Tensor, "batch channels frames height width"]:
    """Unfold the frames of clips from the batch, where a clip's frames follow each other."""
    return rearrange(frames_in_batch, "(b f) c h w -> b c f h w", f=frames)


def per_frame(
    clips: Float[Tensor, "batch channels frames height width"],
) -> Float[Tensor, "batch_frames channels height width"]:
    """Fold the frames of clips into the batch."""
    return rearrange(clips, "b c f h w -> (b f) c h w")
