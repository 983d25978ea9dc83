"""A training plan as lines of tables."""

from typing import TYPE_CHECKING, Any

from kineograph.cli.tables import size
from kineograph.cli.training_bar import duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kineograph.training.plan import Memory, StagePlan
    from kineograph.training.stage import Stage


def overview(run: Any) -> list[tuple[str, str]]:
    """What holds for all stages."""
    recipe = run.recipe
    rows = [
        ("about", recipe.about),
        ("base", str(recipe.base or "")),
        ("motion", recipe.motion or ""),
        ("data", _data(recipe.data)),
        ("stages", ", ".join(stage.name for stage in recipe.stages)),
        ("out", str(run.out)),
    ]
    return [(name, value) for name, value in rows if value]


def stage_rows(plan: "StagePlan") -> list[tuple[str, str]]:
    """A stage: what trains, on what, how, and what it takes."""
    stage = plan.stage
    rows = [
        ("about", stage.about),
        *((f"trains {part.name}", _count(part.parameters)) for part in plan.parts if part.trains),
        ("frozen", f"{_count(plan.frozen)} in {_frozen(plan)}"),
        ("data", "" if stage.data is None else _data(stage.data)),
        ("clips", _clips(stage)),
        ("objective", _objective(stage)),
        ("dropped", _dropped(stage)),
        ("optimiser", _optimiser(stage)),
        ("probes", ", ".join(f"{p.measure} every {p.every:,}" for p in stage.probes)),
        ("memory", memory_line(plan.memory)),
        ("time", _time(plan)),
    ]
    return [(name, value) for name, value in rows if value]


def _data(data: "Mapping[str, Any]") -> str:
    rest = [f"{name}={value}" for name, value in data.items() if name != "kind"]
    return " ".join([str(data.get("kind", "scenes")), *rest])


def memory_line(memory: "Memory") -> str:
    """What fills the memory, the sum first."""
    held = {
        "weights": memory.weights,
        "gradients": memory.gradients,
        "optimiser": memory.optimiser,
        "averages": memory.averages,
        "activations": memory.activations or 0,
    }
    parts = ", ".join(f"{name} {size(value)}" for name, value in held.items() if value)
    return f"about {size(memory.total)}: {parts}"


def _count(parameters: int) -> str:
    return f"{parameters:,} parameters"


def _frozen(plan: "StagePlan") -> str:
    return ", ".join(part.name for part in plan.parts if not part.trains) or "nothing"


def _clips(stage: "Stage") -> str:
    (width, height), count = stage.sampling.size, stage.batch * stage.accumulate
    said = f"{count} a step, {stage.sampling.frames} frames of {width}x{height}"
    if stage.sampling.tracks != "none":
        said += f", {stage.sampling.tracks} tracks"
    if stage.sampling.picture == "first":
        said += ", the first given as the picture"
    return said if stage.temporal else f"{said}, motion layers off"


def _objective(stage: "Stage") -> str:
    held = stage.objective
    focal = "" if held.focal is None else f", motion focal loss {held.focal.strength:g}"
    return f"{held.prediction}{focal}"


def _dropped(stage: "Stage") -> str:
    held = stage.dropout.model_dump()
    shares = [f"{n} {held[n]:.0%}" for n in ("text", "picture", "tracks", "boxes") if held[n]]
    return ", ".join(shares)


def _optimiser(stage: "Stage") -> str:
    held = stage.optimiser
    ema = f", moving average {held.ema:g}" if held.ema else ""
    return f"{held.name}, rate {held.lr:g}, {held.schedule}{ema}"


def _time(plan: "StagePlan") -> str:
    steps = f"{plan.stage.steps:,} steps"
    if plan.seconds is None or plan.duration is None:
        return steps
    return f"{duration(plan.duration)}: {steps} of {plan.seconds:.3g} s on one process, and probes"
