"""The arms of the papers' ablations of image conditioning, by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from kineograph.core.errors import ModelError
from kineograph.models.adapter import Adapter
from kineograph.models.adapter_folder import adapter_class


@dataclass(frozen=True)
class Arm:
    """One way to give a network its first frame.

    Args:
        kinds: of the adapters that it is made of.
        says: what it is, and whose.
        settings: fields of their configs in which it differs from the kinds' own.
    """

    kinds: tuple[str, ...]
    says: str
    settings: Mapping[str, Any] = field(default_factory=dict)


_DUAL = ("picture-dual",)
ARMS: Mapping[str, Arm] = {
    "zc": Arm(("picture-concat",), "SMCD's zero convolution: the latent joins at the input"),
    "zc-first": Arm(
        ("picture-concat",), "the latent joins the first frame alone", {"frames": "first"}
    ),
    "gca": Arm(("picture-gated",), "SMCD's gated cross-attention to its visual encoder's tokens"),
    "gca-vision": Arm(
        ("picture-gated",),
        "gated cross-attention to the tokens of the base's vision encoder",
        {"source": "vision"},
    ),
    "zc+gca": Arm(_DUAL, "SMCD itself: both, the picture's gates behind those of boxes"),
    "image-first": Arm(
        _DUAL, "both, the picture's gates before those of boxes", {"order": "before"}
    ),
    "parallel": Arm(
        _DUAL, "both, the picture's gates read what those of boxes read", {"order": "beside"}
    ),
    "ctrl": Arm(("picture-control",), "SMCD's ControlNet on the first frame"),
    "zc+ctrl": Arm(("picture-concat", "picture-control"), "ControlNet and zero convolution"),
    "x-cat": Arm(("picture-concat",), "MotiF itself: the latent joins at the input"),
    "cx-attn": Arm(("picture-cross",), "cross-attention to the vision encoder's tokens"),
    "cx+x-cat": Arm(
        ("picture-concat", "picture-cross"), "both, as DynamiCrafter's dual-stream injection"
    ),
}
"""Every arm by name: those of SMCD's (Li et al. 2024) and MotiF's (Wang et al. 2024) ablations."""


def build_arm(name: str, unet: nn.Module, **options: Any) -> dict[str, Adapter]:
    """The adapters of an arm, new, for a base U-Net; together they change nothing of what it gives.

    Args:
        name: one of `ARMS`.
        unet: a UNetMotionModel or UNet3DConditionModel.
        options: fields of the adapters' configs; each goes to those adapters that have it.

    Returns:
        The adapters by their kinds, which serve as names for a `Denoiser`.

    Raises:
        ModelError: there is no such arm, an option is unknown, unsuitable or missing.
    """
    if name not in ARMS:
        raise ModelError(
            f"there is no image conditioning {name!r}; there are: {', '.join(sorted(ARMS))}"
        )
    arm = ARMS[name]
    known = {kind: set(adapter_class(kind).Config.model_fields) - {"base"} for kind in arm.kinds}
    allowed = set().union(*known.values())
    strange = sorted(set(options) - allowed)
    if strange:
        raise ModelError(
            f"the image conditioning {name!r} has no option {', '.join(strange)}; there are: "
            f"{', '.join(sorted(allowed))}"
        )
    settings = {**arm.settings, **options}
    return {
        kind: adapter_class(kind).for_base(
            unet, **{key: settings[key] for key in settings if key in fields}
        )
        for kind, fields in known.items()
    }
