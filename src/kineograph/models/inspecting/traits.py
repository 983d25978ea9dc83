"""What names and shapes of tensors tell of the model they were made for."""

import re
from collections.abc import Mapping
from typing import Any

Shapes = Mapping[str, tuple[int, ...]]

_TEXT = re.compile(
    r".*attn2[._](?:processor\.)?to_k(?:\.weight|[._].*(?:down|lora_A)(?:\.\w+)?\.weight)"
)
_NAMES = {768: "Stable Diffusion 1.x", 1024: "Stable Diffusion 2.x or ModelScope", 2048: "SDXL"}
_WIDTH = re.compile(
    r"(?:model\.diffusion_model\.)?down_blocks\.(\d+)\.motion_modules\.0\."
    r"(?:temporal_transformer\.)?(?:norm|proj_in)\.weight"
)
_DOWN = re.compile(r".*(?:lora_down|lora\.down|_lora\.down|lora_A(?:\.\w+)?)\.weight")
_TOLD = {
    "ss_sd_model_name": "trained on",
    "ss_base_model_version": "base",
    "ss_network_dim": "rank",
    "ss_network_alpha": "alpha",
    "ss_num_train_images": "pictures",
    "ss_steps": "steps",
    "ss_learning_rate": "learning rate",
    "modelspec.title": "title",
    "modelspec.architecture": "architecture",
    "modelspec.author": "author",
    "modelspec.license": "licence",
    "kind": "kind",
}
"""What trainers write into the heads of files, and what it is called here."""


def text_width_of(shapes: Shapes) -> int | None:
    """The width of the text that layers attend to; None if there is no such layer."""
    widths = {shape[-1] for name, shape in shapes.items() if _reads_text(name, shape)}
    return max(widths, default=None)


def base_of_shapes(shapes: Shapes, widths: tuple[int, ...] | None = None) -> str | None:
    """The base that tensors fit, in words; None if they do not tell.

    Args:
        shapes: by name.
        widths: of the levels, where a config tells them.
    """
    text, levels = text_width_of(shapes), widths or _levels(shapes)
    said = [] if text is None else [f"{_NAMES.get(text, 'unknown')}, text width {text}"]
    if levels:
        said.append(f"widths {', '.join(map(str, levels))}")
    return ", ".join(said) or None


def frames_of(shapes: Shapes) -> int | None:
    """The most frames that motion layers know positions for; None if there are none."""
    lengths = {
        shape[1] for name, shape in shapes.items() if name.endswith(".pe") and len(shape) == 3
    }
    return max(lengths, default=None)


def ranks_of(shapes: Shapes) -> tuple[int, ...]:
    """The ranks of a LoRA's matrices, each once."""
    return tuple(sorted({shape[0] for name, shape in shapes.items() if _DOWN.fullmatch(name)}))


def told_training(metadata: Mapping[str, str]) -> dict[str, str]:
    """What a file's head says of its training, the trainers' names put into words."""
    return {_TOLD[name]: text for name, text in metadata.items() if name in _TOLD and text}


def motion_version(said: Mapping[str, Any]) -> str:
    """The version of AnimateDiff's motion layers, by their config in diffusers' layout."""
    if said.get("use_motion_mid_block", True):
        return "v2"
    return "v1" if said.get("motion_max_seq_length") == 24 else "v3"


def _reads_text(name: str, shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 and "motion_modules" not in name and bool(_TEXT.fullmatch(name))


def _levels(shapes: Shapes) -> tuple[int, ...]:
    found = {int(m[1]): shape[0] for name, shape in shapes.items() if (m := _WIDTH.fullmatch(name))}
    return tuple(found[level] for level in sorted(found))
