"""The suites: each knows the public layout of its data, its protocol and its paper's figures."""

from collections.abc import Mapping
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kineograph.core.errors import EvaluationError

if TYPE_CHECKING:
    from kineograph.evaluation.suites.suite import Suite

_HERE = "kineograph.evaluation.suites."

SUITES: Mapping[str, str] = {
    "procedural": _HERE + "procedural:Procedural",
    "procedural-boxes": _HERE + "procedural:ProceduralBoxes",
    "procedural-text": _HERE + "procedural:ProceduralText",
    "folder": _HERE + "folder:Folder",
    "davis": _HERE + "davis:Davis",
    "got10k": _HERE + "got10k:Got10kBoxes",
    "ytvis": _HERE + "ytvis:YouTubeVisBoxes",
    "msrvtt": _HERE + "msrvtt:MsrVtt",
    "ti2v-bench": _HERE + "ti2v_bench:Ti2vBench",
    "animate-bench": _HERE + "animate_bench:AnimateBench",
    "vbench-i2v": _HERE + "vbench_i2v:VBenchI2V",
    "movebench": _HERE + "movebench:MoveBench",
}
"""Name to class, as "module:Class"; imported when it is asked for."""


def suite_class(name: str) -> "type[Suite]":
    """The class of a suite.

    Raises:
        EvaluationError: there is none of this name.
    """
    if name not in SUITES:
        raise EvaluationError(f"there is no suite {name!r}; there are: {', '.join(SUITES)}")
    module, _, made = SUITES[name].partition(":")
    found: type[Suite] = getattr(import_module(module), made)
    return found


def options_of(name: str) -> frozenset[str]:
    """The names of the options that a suite takes: "size", "count", for some "tracker".

    Raises:
        EvaluationError: there is no such suite.
    """
    return frozenset(signature(suite_class(name)).parameters) - {"data"}


def suite_named(name: str, data: Path | None = None, **options: Any) -> "Suite":
    """A suite, ready to give its cases.

    Args:
        name: of `SUITES`.
        data: the folder of its data.
        options: of `Suite`, and further ones of some suites.

    Raises:
        EvaluationError: there is no such suite, its data is missing or laid out otherwise, or it
            has no such option.
    """
    try:
        return suite_class(name)(data, **options)
    except TypeError as error:
        raise EvaluationError(f"suite {name} cannot be made so: {error}") from error
