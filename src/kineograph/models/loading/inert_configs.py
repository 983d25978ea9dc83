"""Settings pickled beside weights: taken for nothing, so that the weights can be read safely."""

import collections
from contextlib import AbstractContextManager
from typing import Any

import torch


class Inert:
    """Stands where a pickle has an object of a settings library; keeps and does nothing."""

    def __new__(cls, *given: Any, **named: Any) -> "Inert":
        """Whatever it is made from, there is nothing in it."""
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        """Leave the state that was pickled."""


_NAMES = (
    "omegaconf.dictconfig.DictConfig",
    "omegaconf.listconfig.ListConfig",
    "omegaconf.base.Metadata",
    "omegaconf.base.ContainerMetadata",
    "omegaconf.base.Node",
    "omegaconf.base.Container",
    "omegaconf.nodes.AnyNode",
    "omegaconf.nodes.ValueNode",
    "omegaconf.nodes.StringNode",
    "omegaconf.nodes.IntegerNode",
    "omegaconf.nodes.FloatNode",
    "omegaconf.nodes.BooleanNode",
    "typing.Any",
)
_PLAIN = (dict, list, int, float, str, bool, tuple)


def inert_configs() -> AbstractContextManager[None]:
    """Within it, weights-only reading of pickles passes over OmegaConf's settings.

    Published checkpoints of GLIGEN and of other latent-diffusion code hold, beside their tensors,
    the settings they were trained with. No code of that library, nor any other, is called: its
    objects become empty ones. Pickles that hold anything else are still refused.
    """
    inert = [(Inert, name) for name in _NAMES]
    plain = [  # torch pickles by protocol 2, which knows the built-ins by their older module
        (held, f"{module}.{held.__name__}")
        for held in _PLAIN
        for module in ("builtins", "__builtin__")
    ]
    several: list[Any] = [collections.defaultdict, *inert, *plain]
    made: AbstractContextManager[None] = torch.serialization.safe_globals(several)
    return made
