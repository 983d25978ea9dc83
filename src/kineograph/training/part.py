"""The parts of what a stage holds, by which it says what trains."""

from collections.abc import Iterable
from dataclasses import dataclass

_TIME = {
    "motion_modules": "unet.motion.attention",
    "temp_attentions": "unet.motion.attention",
    "temp_convs": "unet.motion.convolution",
    "transformer_in": "unet.motion.input",
}
"""Names in a U-Net to the parts that mix frames."""


@dataclass(frozen=True)
class Part:
    """A part of what a stage holds.

    Args:
        name: as `Stage.trains` names it, or more closely: "unet.motion.attention".
        parameters: how many numbers it has.
        trains: whether it learns.
    """

    name: str
    parameters: int
    trains: bool


def part_of(network: str, name: str) -> str:
    """The part that a parameter of a network belongs to."""
    if network != "unet":
        return network
    found = [part for mark, part in _TIME.items() if mark in name.split(".")]
    return found[0] if found else "unet.spatial"


def is_in(part: str, asked: Iterable[str]) -> bool:
    """Whether a part is one of those asked for, or belongs to one."""
    return any(part == name or part.startswith(f"{name}.") for name in asked)
