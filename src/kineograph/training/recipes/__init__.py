"""The recipes that come with Kineograph, by name, and their ablations; each has a tiny twin."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from kineograph.core.errors import TrainingError
from kineograph.gestures.writing.messages import nearest
from kineograph.training.recipe import Recipe


@dataclass(frozen=True)
class Entry:
    """Where a recipe is written.

    Args:
        module: in this package; it has `recipe(...)` and `tiny(...)`.
        options: of `recipe`, in which an ablation differs.
        twin: of `tiny`, for those that have a twin of their own.
    """

    module: str
    options: Mapping[str, Any] = field(default_factory=dict)
    twin: Mapping[str, Any] = field(default_factory=dict)


RECIPES: Mapping[str, Entry] = {
    "animatediff": Entry("animatediff"),
    "animatediff-image": Entry("animatediff", {"first": "image"}),
    "boximator": Entry("boximator"),
    "boximator-clean": Entry("boximator", {"painted": False}, twin={"painted": False}),
    "mini": Entry("mini"),
    "mini-plain": Entry("mini", {"focal": False}),
    "motif": Entry("motif"),
    "motif-0": Entry("motif", {"strength": 0.0}),
    "motif-0.5": Entry("motif", {"strength": 0.5}),
    "motif-2": Entry("motif", {"strength": 2.0}),
    "motif-5": Entry("motif", {"strength": 5.0}),
    "motif-cx-attn": Entry("motif", {"arm": "cx-attn"}),
    "motif-cx+x-cat": Entry("motif", {"arm": "cx+x-cat"}),
    "motif-inverse": Entry("motif", {"inverse": True}),
    "motif-masks": Entry("motif", {"masks": True}),
    "motif-plain": Entry("motif", {"strength": None}),
    "motion-prompting": Entry("motion_prompting"),
    "motion-prompting-log-uniform": Entry("motion_prompting", {"tracks": "log-uniform"}),
    "motion-prompting-sparse": Entry("motion_prompting", {"tracks": "sparse"}),
    "personalize": Entry("personalize"),
    "personalize-dreambooth": Entry(
        "personalize", {"how": "dreambooth"}, twin={"how": "dreambooth"}
    ),
    "smcd": Entry("smcd"),
    "smcd-ctrl": Entry("smcd", {"arm": "ctrl"}),
    "smcd-gca": Entry("smcd", {"arm": "gca"}),
    "smcd-gca-vision": Entry("smcd", {"arm": "gca-vision"}),
    "smcd-image-first": Entry("smcd", {"arm": "image-first"}),
    "smcd-joint": Entry("smcd", {"joint": True}),
    "smcd-parallel": Entry("smcd", {"arm": "parallel"}),
    "smcd-zc": Entry("smcd", {"arm": "zc"}),
    "smcd-zc+ctrl": Entry("smcd", {"arm": "zc+ctrl"}),
    "smcd-zc-first": Entry("smcd", {"arm": "zc-first"}),
    "tiny-base": Entry("tiny_base"),
}
"""Recipes by name; those with an ending are the ablations of the papers."""


def recipe_named(name: str, *, tiny: bool = False, scale: str | None = None) -> Recipe:
    """A recipe with its paper's figures, or its twin that trains from nothing in minutes.

    Args:
        name: one of `RECIPES`.
        tiny: the twin; most ablations have that of their recipe.
        scale: another size of a recipe that comes in several.

    Raises:
        TrainingError: there is no such recipe, or it does not come in this scale.
    """
    if name not in RECIPES:
        raise TrainingError(
            f"there is no recipe {name!r}; {nearest(name, RECIPES)}there are "
            f"{', '.join(RECIPES)}; or give a YAML file"
        )
    entry = RECIPES[name]
    module: Any = import_module(f"{__name__}.{entry.module}")
    if tiny and scale is not None:
        raise TrainingError(
            f"the tiny twin of {name} and its scale {scale} were asked for; give one of both"
        )
    if tiny:
        twin: Recipe = module.tiny(**entry.twin)
        return twin
    options = dict(entry.options)
    if scale is not None:
        known = getattr(module, "SCALES", ())
        if scale not in known:
            raise TrainingError(
                f"scale {scale} of the recipe {name} was asked for; it comes in "
                f"{', '.join(known) or 'one only: leave --scale out'}"
            )
        options["scale"] = scale
    made: Recipe = module.recipe(**options)
    called = name if scale in (None, "full") else f"{name}-{scale}"
    return made.model_copy(update={"name": called.replace("+", "-and-").replace(".", "-")})
