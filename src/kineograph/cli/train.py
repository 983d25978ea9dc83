"""`kineograph train`: train the stages of a recipe, or say what that would take."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kineograph.cli.options import Quiet, UsageError
from kineograph.cli.talk import Talk

if TYPE_CHECKING:
    from kineograph.training.recipe import Recipe
    from kineograph.training.run import StageRun

WHAT, HOW, RUN = "What is trained", "Settings", "Run"


def train(
    recipe: Annotated[
        str | None,
        typer.Argument(
            metavar="RECIPE",
            help="A recipe by name (--list has them), or a YAML file; with --resume it may be left "
            "out.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="Where the run goes (default: runs/<recipe>).",
            rich_help_panel=RUN,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="Shards, a folder of videos, [dim]got10k:PATH[/dim], [dim]ytvis:PATH[/dim], a "
            "YAML file, or [dim]scenes[/dim] (default: the recipe's).",
            rich_help_panel=WHAT,
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER|HUB",
            help="The model that is trained on: a folder in diffusers' layout, or a name on the "
            "hub.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    motion: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER|FILE|HUB",
            help="Motion layers for a base without.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    stage: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only this stage; those before it have to be trained.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    tiny: Annotated[
        bool,
        typer.Option(
            "--tiny",
            help="The recipe's small twin: everything from nothing, on a CPU, in minutes.",
            rich_help_panel=WHAT,
        ),
    ] = False,
    scale: Annotated[
        str | None,
        typer.Option(
            metavar="full|cpu",
            help="Of the recipe mini: all of it, or as much as two cores train in four hours.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="STAGE.FIELD=VALUE",
            help='Another setting: [dim]"tracks.optimiser.lr=5e-5"[/dim], [dim]"*.batch=2"[/dim] '
            "for all stages.",
            rich_help_panel=HOW,
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Steps of every stage that is trained.", rich_help_panel=HOW
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Such as cuda, cuda:1 or cpu (default: the fastest).",
            rich_help_panel=RUN,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help="Processes that read data (default: one a core but one, at most 8).",
            rich_help_panel=RUN,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print what would train, the memory and the time, and stop.",
            rich_help_panel=RUN,
        ),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with a run that was stopped.", rich_help_panel=RUN),
    ] = False,
    listing: Annotated[
        bool, typer.Option("--list", help="List the recipes.", rich_help_panel=WHAT)
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Train adapters, motion layers or a base by a recipe.

    Ctrl-C saves first; --resume goes on as if nothing had happened. Several GPUs:
    `accelerate launch -m kineograph train ...`.

    [dim]kineograph train motion-prompting --base sd15 --data clips/ -o runs/tracks[/dim]
    """
    from kineograph.training.run import Run, is_main

    talk = Talk(quiet or not is_main())
    if listing:
        _list()
        return
    if resume and dry_run:
        raise UsageError("--resume and --dry-run were given; one goes on, the other only tells")
    chosen = _recipe(recipe, out, tiny=tiny, scale=scale, resume=resume)
    chosen = _told(chosen, data=data, base=base, motion=motion, pairs=set_ or (), steps=steps)
    folder = out or Path("runs") / chosen.name
    run = Run(chosen, folder, device=device, workers=workers)
    if dry_run:
        _plan(run, stage, talk)
        return
    from kineograph.cli.training_bar import TrainingBar

    with TrainingBar(talk) as bar:
        runs = run.train(names=stage, resume=resume, progress=bar.stage, on_event=bar.tell)
    _end(runs, folder, talk)


def _recipe(
    said: str | None, out: Path | None, *, tiny: bool, scale: str | None, resume: bool
) -> "Recipe":
    """The recipe that is meant; of a run that goes on, the one it began with."""
    from kineograph.training.recipe import Recipe
    from kineograph.training.run import RECIPE

    if said is None:
        if not (resume and out is not None):
            raise UsageError(
                "no recipe was given; name one (--list has them) or a YAML file, or go on with a "
                "run by --resume --out FOLDER"
            )
        return Recipe.load(out / RECIPE)
    if Path(said).suffix.lower() in (".yaml", ".yml", ".json"):
        if tiny or scale:
            what = "--tiny" if tiny else "--scale"
            raise UsageError(f"{what} was given with {said}; files come in one size")
        return Recipe.load(said)
    from kineograph.training.recipes import recipe_named

    return recipe_named(said, tiny=tiny, scale=scale)


def _told(
    recipe: "Recipe",
    *,
    data: str | None,
    base: str | None,
    motion: str | None,
    pairs: Sequence[str],
    steps: int | None,
) -> "Recipe":
    """The recipe with what other options say."""
    from kineograph.training.clips import data_of
    from kineograph.training.run import changed

    said: list[tuple[str, Any]] = [
        (name, value) for name, value in (("base", base), ("motion", motion)) if value is not None
    ]
    if data is not None:
        said.append(("data", data_of(data)))
    if steps is not None:
        said.append(("*.steps", steps))
    return changed(recipe, [*said, *(_pair(text) for text in pairs)])


def _pair(text: str) -> tuple[str, Any]:
    """A setting of `--set`; the value is read as YAML."""
    import yaml

    path, equals, value = text.partition("=")
    if not (equals and path.strip()):
        raise UsageError(
            f"--set {text} was given; write STAGE.field=value, as tracks.optimiser.lr=5e-5"
        )
    try:
        return path.strip(), _number(yaml.safe_load(value))
    except yaml.YAMLError:
        raise UsageError(f"--set {text} was given; its value is not YAML") from None


def _number(value: Any) -> Any:
    """YAML takes 5e-5 for a word."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _list() -> None:
    from kineograph.cli import tables
    from kineograph.training.recipes import RECIPES, recipe_named

    rows = []
    for name, entry in RECIPES.items():
        other = ", ".join(f"{field} {value}" for field, value in entry.options.items())
        rows.append((name, f"with {other}" if other else recipe_named(name).about))
    tables.show(tables.pairs("recipes", rows))


def _plan(run: Any, names: Sequence[str] | None, talk: Talk) -> None:
    """Print the plan of each stage."""
    from kineograph.cli import tables
    from kineograph.cli.plan_rows import overview, stage_rows
    from kineograph.training.plan import plan_of

    tables.show(tables.pairs(f"recipe {run.recipe.name}", overview(run)))
    with talk.progress("plan") as advance:
        done: Callable[[str], None] = lambda _: advance(0, 1, "stages")  # noqa: E731
        plans = plan_of(run.recipe, run.build, names=names, on_stage=done)
    for plan in plans:
        tables.show(tables.pairs(f"stage {plan.stage.name}", stage_rows(plan)))


def _end(runs: Sequence["StageRun"], folder: Path, talk: Talk) -> None:
    """Say what is there now, or how to go on."""
    import signal

    for run in runs:
        if run.finished:
            said = [] if run.result is None else _last(run.result.probes)
            talk.wrote(run.trained, ", ".join([f"stage {run.stage.name}", *said]))
    talk.done()
    result = runs[-1].result if runs else None
    if result is None or result.finished:
        return
    talk.note(
        f"stopped after step {result.step} of stage {runs[-1].stage.name}, and saved; go on with "
        f"kineograph train --resume --out {folder}"
    )
    raise typer.Exit(128 + signal.Signals[result.stopped or "SIGINT"])


def _last(probes: Sequence[Any]) -> list[str]:
    """The newest measurement of each kind."""
    return [str(found) for found in {probe.measure: probe for probe in probes}.values()]
