"""The command `kineograph`: its commands, and how it fails: one line and an exit code."""

import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

import kineograph
from kineograph.cli import stop
from kineograph.cli.animate import animate
from kineograph.cli.bench import bench
from kineograph.cli.compare import compare
from kineograph.cli.data import data
from kineograph.cli.depth import depth
from kineograph.cli.doctor import doctor
from kineograph.cli.expand import expand
from kineograph.cli.info import info
from kineograph.cli.magnify import magnify
from kineograph.cli.mask import mask
from kineograph.cli.measure import measure
from kineograph.cli.models import models
from kineograph.cli.overlay import overlay
from kineograph.cli.pose import pose
from kineograph.cli.schema import schema
from kineograph.cli.study import study
from kineograph.cli.track import track
from kineograph.cli.train import train
from kineograph.core.errors import KineographError

FAILED = 2


class Commands(TyperGroup):
    """The commands as a group whose errors are one line on stderr."""

    def main(self, args: Sequence[str] | None = None, *_: Any, **extra: Any) -> Any:
        """Run a command line and exit: 0 done, 2 the user's error, 130 stopped."""
        extra |= {"prog_name": "kineograph", "standalone_mode": False}
        words = list(sys.argv[1:] if args is None else args) or ["--help"]
        try:
            code = super().main(words, **extra)
        except typer.TyperException as error:  # an unknown option, a missing argument
            complain(error.format_message())
            code = FAILED
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was parsed, and turn what a user can mend into one line."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.TyperException):
            raise
        except KeyboardInterrupt:
            _leave()
        except Exception as error:
            if stop.heard():  # some libraries make another error of a stop
                _leave()
            if isinstance(error, BrokenPipeError):  # our reader has left, as `| head` does
                sys.stdout = None
                raise typer.Exit(1) from None
            if ctx.params.get("debug") or not isinstance(error, KineographError | MemoryError):
                raise
            complain(str(error) or "out of memory; ask for a smaller --size or fewer --frames")
            raise typer.Exit(FAILED) from None


def _leave() -> NoReturn:
    typer.echo("stopped; nothing was written", err=True)
    raise typer.Exit(stop.exit_code()) from None


def complain(message: str) -> None:
    """Print an error as one line on stderr."""
    line = " ".join(message.splitlines())
    typer.echo(typer.style("error: ", fg="red", bold=True) + line, err=True)


def _print_version(asked: bool) -> bool:
    if asked:
        typer.echo(f"kineograph {kineograph.__version__}")
        raise typer.Exit()
    return asked


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def kineograph_command(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the trace of an error.")] = False,
) -> None:
    """A still picture, a sentence and a motion prompt become a video.

    [dim]kineograph animate photo.jpg --drag "120,200 > 260,180" -o out.mp4[/dim]
    """


COMMANDS = (
    animate,
    expand,
    overlay,
    info,
    schema,
    depth,
    mask,
    doctor,
    magnify,
    pose,
    track,
    train,
    measure,
    bench,
    compare,
)

for command in COMMANDS:
    app.command()(command)
app.add_typer(models)
app.add_typer(data)
app.add_typer(study)


def run() -> None:
    """The entry point: `kineograph` on the command line."""
    stop.listen()
    app()
