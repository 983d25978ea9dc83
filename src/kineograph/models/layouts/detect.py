"""What a weights file is, told by the names and shapes of its tensors."""

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

LAYOUTS: tuple[tuple[str, str], ...] = (
    ("sparse-control", "kineograph.models.layouts.sparse_control"),
    ("motion-lora", "kineograph.models.layouts.motion_lora"),
    ("animatediff-motion-module", "kineograph.models.layouts.motion_module"),
    ("smcd", "kineograph.models.layouts.smcd"),
    ("modelscope", "kineograph.models.layouts.modelscope"),
    ("gligen", "kineograph.models.layouts.gligen"),
    ("domain-adapter", "kineograph.models.layouts.domain_adapter"),
)
"""(Name, module with `detect` and perhaps `variant`); the first that detects its own names it."""

_LORA_MARK = re.compile(r"[._]lora[._](down|up|A|B|linear_layer)\.")


def layout_of(tensors: Mapping[str, Any]) -> str | None:
    """The name of a public layout, or None if it is none that is known.

    Args:
        tensors: names to tensors or shapes.

    Returns:
        "animatediff-motion-module v1" (v2, v3, sdxl), "motion-lora", "domain-adapter",
        "sparse-control rgb" (scribble), "gligen original" (diffusers), "smcd", "modelscope",
        "lora" (kohya's or diffusers'), "stable-diffusion" (a base in a single file).
    """
    for name, module in LAYOUTS:
        layout = import_module(module)
        if layout.detect(tensors):
            variant = getattr(layout, "variant", None)
            return f"{name} {variant(tensors)}" if variant else name
    if any(_LORA_MARK.search(name) for name in tensors):
        return "lora"
    if "model.diffusion_model.input_blocks.0.0.weight" in tensors:
        return "stable-diffusion"
    return None
