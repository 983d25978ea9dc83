"""What saves memory or time, by name, and what is said when memory runs out all the same."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from accelerate import cpu_offload_with_hook  # type: ignore[import-untyped]
from diffusers.hooks import apply_group_offloading, apply_layerwise_casting
from torch import Tensor, nn

from kineograph.core.errors import EngineError
from kineograph.engines.diffusion.replaced import Forward, replace_forward
from kineograph.gestures.writing.messages import nearest

Networks = Mapping[str, nn.Module]
"""A model's networks by name: "unet", "vae", other parts of the base, and "adapters/..."."""

ADAPTERS = "adapters/"
"""What the names of adapters begin with. They are small, work inside the U-Net and always stay on
the device."""

PARTS = 4
"""How many parts the rows of a feed-forward layer are computed in under "chunks"."""

OPTIONS: Mapping[str, str] = {
    "slicing": "the autoencoder takes one frame at a time",
    "tiling": "the autoencoder takes large frames in tiles; seams may show",
    "chunks": "feed-forward layers are computed in parts",
    "float8": "the U-Net's weights are kept in 8 bits; half the memory, a little less exact",
    "offload": "each network is on the device only while it is used",
    "layers": "each layer is on the device only while it is used; least memory, slow",
}
"""Ways to need less memory: what they do, and what they cost."""


def check_options(names: Iterable[str]) -> tuple[str, ...]:
    """The named ways, in the order of `OPTIONS`.

    Raises:
        EngineError: a name is unknown, or two exclude each other.
    """
    asked = set(names)
    for name in sorted(asked - set(OPTIONS)):
        raise EngineError(
            f"memory {name} was asked for; {nearest(name, OPTIONS)}known: {', '.join(OPTIONS)}"
        )
    for other in ("offload", "float8"):
        if {other, "layers"} <= asked:
            raise EngineError(f"memory {other} and layers exclude each other; leave one out")
    return tuple(name for name in OPTIONS if name in asked)


def prepare(
    networks: Networks,
    names: Iterable[str] = (),
    *,
    device: torch.device | str,
    compiled: bool = False,
) -> None:
    """Bring a model's networks to where they compute, for good.

    With "offload" and "layers" the base's weights wait on the CPU, so that the device of a
    parameter no longer tells where its network computes. Load the model again to be rid of it.

    Args:
        networks: of the model, in the type they compute in.
        names: of `OPTIONS`.
        device: where they compute.
        compiled: compile the transformer blocks; see `compile_blocks`.

    Raises:
        EngineError: a name is unknown, two exclude each other, or a network cannot do it.
    """
    asked, device = check_options(names), torch.device(device)
    base = {name: held for name, held in networks.items() if not name.startswith(ADAPTERS)}
    waits = bool({"offload", "layers"} & set(asked))
    for name, network in networks.items():
        network.to("cpu" if waits and name in base else device)
    for option in asked:
        _APPLY[option](base, device)
    if compiled:
        for network in networks.values():
            if any(_blocks(network)):
                compile_blocks(network)


def compile_blocks(network: nn.Module, **options: Any) -> int:
    """Compile every transformer block of a network by itself, in place.

    Blocks of one kind share the compiled code, which takes a fraction of the time of compiling the
    whole. Diffusers' compile_repeated_blocks refuses a UNetMotionModel, as it does not name its
    blocks. It does not pay on a CPU, nor for a single clip.

    Args:
        network: a U-Net, or anything with U-Nets and copies of their encoders inside.
        options: of torch.compile.

    Returns:
        How many blocks there are.

    Raises:
        EngineError: there are none.
    """
    blocks = list(_blocks(network))
    if not blocks:
        raise EngineError(f"a {type(network).__name__} has no transformer blocks to compile")
    for block in blocks:
        block.compile(**options)
    return len(blocks)


@contextmanager
def told_of_memory(what: str = "the clip", names: Iterable[str] = ()) -> Iterator[None]:
    """Turn running out of memory into one line that says what would help.

    Args:
        what: was being made, such as "a clip of 16 frames of 512x512".
        names: the options that are on already.

    Raises:
        EngineError: memory ran out.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not _is_memory(error):
            raise
        left = [name for name in OPTIONS if name not in set(names)]
        options = f"memory {', '.join(left)}; " if left else ""
        raise EngineError(
            f"{what} does not fit into memory; try fewer frames, a smaller size or window, "
            f"{options}dtype float16, or guidance 1"
        ) from None


def _is_memory(error: BaseException) -> bool:
    """Whether it is about memory; the allocators of the CPU and of MPS only say so in words."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    told = str(error).lower()
    return any(words in told for words in ("out of memory", "not enough memory", "can't allocate"))


def _blocks(network: nn.Module) -> Iterator[nn.Module]:
    for module in network.modules():
        if type(module).__name__ == "BasicTransformerBlock":
            yield module


def _switch(option: str) -> Callable[[Networks, torch.device], None]:
    """Switches on what diffusers' autoencoders have by that name."""

    def on(base: Networks, device: torch.device) -> None:
        vae: Any = base.get("vae")
        if not hasattr(vae, f"use_{option}"):
            has = "no autoencoder" if vae is None else f"{type(vae).__name__}, which cannot do it"
            raise EngineError(f"memory {option} was asked for; this model has {has}; leave it out")
        getattr(vae, f"enable_{option}")()

    return on


def _chunks(base: Networks, device: torch.device) -> None:
    """Unlike diffusers' forward chunking, for any number of rows."""
    layers = (
        module
        for network in base.values()
        for module in network.modules()
        if type(module).__name__ == "FeedForward"
    )
    replace_forward(layers, _in_parts)


def _in_parts(layer: nn.Module, whole: Forward) -> Forward:
    def forward(hidden_states: Tensor, *rest: Any, **named: Any) -> Tensor:
        parts = hidden_states.chunk(PARTS)
        return torch.cat([whole(part, *rest, **named) for part in parts])

    return forward


def _float8(base: Networks, device: torch.device) -> None:
    unet = base["unet"]
    compute = next(unet.parameters()).dtype
    apply_layerwise_casting(unet, storage_dtype=torch.float8_e4m3fn, compute_dtype=compute)


def _offload(base: Networks, device: torch.device) -> None:
    """A network that is called sends the one before it back to the CPU; the autoencoder, which is
    called first and last, sends back the U-Net.
    """
    last = ("unet", "vae")
    order = [*(name for name in base if name not in last), *(name for name in last if name in base)]
    before = None
    for name in order:
        _, before = cpu_offload_with_hook(base[name], device, prev_module_hook=before)


def _layers(base: Networks, device: torch.device) -> None:
    for network in base.values():
        apply_group_offloading(
            network,
            onload_device=device,
            offload_device=torch.device("cpu"),
            offload_type="leaf_level",
        )


_APPLY: Mapping[str, Callable[[Networks, torch.device], None]] = {
    "slicing": _switch("slicing"),
    "tiling": _switch("tiling"),
    "chunks": _chunks,
    "float8": _float8,
    "offload": _offload,
    "layers": _layers,
}
