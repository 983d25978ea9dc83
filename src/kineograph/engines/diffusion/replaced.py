"""Modules whose forward is another for a while, or for good, without being replaced themselves."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

Forward = Callable[..., Any]


def replace_forward(
    modules: Iterable[nn.Module], by: Callable[[nn.Module, Forward], Forward]
) -> None:
    """Give each module another forward.

    The module, its weights, its hooks and its name stay, and so does what others keep of it.

    Args:
        modules: to change.
        by: makes the new forward of a module and its present one.
    """
    for module in modules:
        module.forward = by(module, module.forward)


@contextmanager
def replaced_forward(
    modules: Iterable[nn.Module], by: Callable[[nn.Module, Forward], Forward]
) -> Iterator[None]:
    """As `replace_forward`, while this is open; afterwards the modules are as before."""
    held = list(modules)
    before = [module.__dict__.get("forward") for module in held]
    replace_forward(held, by)
    try:
        yield
    finally:
        for module, forward in zip(held, before, strict=True):
            if forward is None:
                del module.forward
            else:
                module.forward = forward
