"""What `--model`, `--adapter`, `--lora` and `--set` say of the engine."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, get_origin

from kineograph.cli.options import UsageError

OPTIONS = {"model": "--model", "adapters": "--adapter", "loras": "--lora"}
"""The settings that have options of their own."""


def engine_settings(
    model: str | None, adapters: Sequence[str], loras: Sequence[str], pairs: Sequence[str]
) -> dict[str, Any]:
    """The engine settings that a command line states, by name.

    Args:
        model: of `--model`.
        adapters: of `--adapter`, each given.
        loras: of `--lora`, each given.
        pairs: of `--set`, each as "name=value"; a value that is JSON is read as such, and one of a
            setting that holds a list as names between commas.

    Raises:
        UsageError: a pair is not written so, or says what another option says too.
    """
    held: dict[str, Any] = {
        name: value
        for name, value in (("model", model), ("adapters", [*adapters]), ("loras", [*loras]))
        if value
    }
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.strip().replace("-", "_")
        if not (equals and name):
            raise UsageError(f"--set {pair} was given; write --set name=value, as steps=30")
        if name in held:
            raise UsageError(f"{name} is set twice; give it once")
        held[name] = _value(name, value.strip())
    return held


def changed(engine: Mapping[str, Any] | None, name: str | None, settings: Mapping[str, Any]) -> Any:
    """A document's engine with another name, other settings, or both.

    Settings are kept where the engine stays the same one; a model alone chooses engine `unet`.

    Args:
        engine: the document's, None if it has none.
        name: of `--engine`.
        settings: as of `engine_settings`.

    Raises:
        UsageError: a model, adapters or LoRAs are stated and the engine is `warp`.
    """
    from kineograph.gestures.document import DEFAULT_ENGINE

    held = dict(engine or {})
    before = held.get("name", DEFAULT_ENGINE)
    after = name or ("unet" if "model" in settings else before)
    stated = [option for field, option in OPTIONS.items() if field in settings]
    if stated and after == "warp":
        raise UsageError(
            f"{stated[0]} was given and the engine is warp, which moves pixels and has no model; "
            f"take engine unet, with --model, or leave {stated[0]} out"
        )
    kept = held.get("settings", {}) if after == before else {}
    return {"name": after, "settings": {**kept, **settings}}


def _value(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return _names(text) if name in _lists() else text


def _names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]


@cache
def _lists() -> frozenset[str]:
    """The settings that hold lists; told by their types, for which no network is loaded."""
    from kineograph.engines.unet import UnetSettings

    fields = UnetSettings.model_fields.items()
    return frozenset(name for name, field in fields if get_origin(field.annotation) is tuple)
