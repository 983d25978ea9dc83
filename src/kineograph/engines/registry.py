"""Engines by name. Each is imported when it is first asked for."""

from importlib import import_module

from kineograph.core.errors import EngineError
from kineograph.engines.base import Engine

ENGINES: dict[str, str] = {
    "mini": "kineograph.engines.mini:MiniEngine",
    "unet": "kineograph.engines.unet:UnetEngine",
    "warp": "kineograph.engines.warp:WarpEngine",
}
"""Name to "module:Class"."""


def engine(name: str) -> Engine:
    """A new engine of that name.

    Raises:
        EngineError: there is none.
    """
    if name not in ENGINES:
        raise EngineError(f"there is no engine {name!r}; there are: {', '.join(names())}")
    module, _, kind = ENGINES[name].partition(":")
    made = getattr(import_module(module), kind)()
    assert isinstance(made, Engine), f"{ENGINES[name]} is not an Engine"
    return made


def names() -> tuple[str, ...]:
    """The engines there are."""
    return tuple(sorted(ENGINES))


def register(name: str, target: str) -> None:
    """Make the engine at "module:Class" known under `name`.

    Raises:
        EngineError: the name is taken by another, or the target is not written so.
    """
    if ENGINES.get(name, target) != target:
        raise EngineError(f"engine {name!r} is already {ENGINES[name]}; choose another name")
    module, colon, kind = target.partition(":")
    if not (module and colon and kind):
        raise EngineError(f'an engine at {target!r} was given; write it as "module:Class"')
    ENGINES[name] = target
