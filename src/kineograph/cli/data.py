"""`kineograph data`: training data made, and looked at."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kineograph.cli.options import Quiet, UsageError, size_of
from kineograph.cli.talk import Talk

if TYPE_CHECKING:
    from kineograph.data.prepare import Prepared

data = typer.Typer(
    name="data",
    help="Make training data, and look at it.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

CLIPS, MEASURED, WORK = "Clips", "Measured", "Work"

Out = Annotated[
    Path,
    typer.Option("--out", "-o", metavar="FOLDER", help="The folder of shards.", show_default=False),
]
Processes = Annotated[
    int,
    typer.Option(
        "--processes", "-j", metavar="N", min=1, help="How many work at once.", rich_help_panel=WORK
    ),
]
PerShard = Annotated[
    int,
    typer.Option(metavar="N", min=1, help="Videos, or scenes, in a shard.", rich_help_panel=WORK),
]


@data.command()
def prepare(
    videos: Annotated[
        list[Path],
        typer.Argument(
            metavar="VIDEOS...", help="Videos, and folders of videos.", show_default=False
        ),
    ],
    out: Out,
    frames: Annotated[
        int, typer.Option(metavar="N", min=1, help="Frames of a clip.", rich_help_panel=CLIPS)
    ] = 16,
    stride: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Every so many-th frame (default: 1).", rich_help_panel=CLIPS
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(
            metavar="FPS",
            min=0.001,
            help="The stride that comes closest to so many frames a second.",
            rich_help_panel=CLIPS,
        ),
    ] = None,
    step: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Frames taken from one clip's beginning to the next's (default: --frames).",
            rich_help_panel=CLIPS,
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH", help="Size of the clips (default: the video's).", rich_help_panel=CLIPS
        ),
    ] = None,
    stretch: Annotated[
        bool,
        typer.Option(
            "--stretch",
            help="Stretch to --size; otherwise the middle is cut out.",
            rich_help_panel=CLIPS,
        ),
    ] = False,
    refuse_uncaptioned: Annotated[
        bool,
        typer.Option(
            "--captions-only", help="Leave out videos without a caption.", rich_help_panel=CLIPS
        ),
    ] = False,
    tracks: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Track a grid of points, N along the longer side.",
            rich_help_panel=MEASURED,
        ),
    ] = None,
    flow: Annotated[
        bool, typer.Option("--flow", help="Measure optical flow.", rich_help_panel=MEASURED)
    ] = False,
    processes: Processes = 1,
    per_shard: PerShard = 64,
    limit: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="Stop when more than N videos cannot be used.",
            rich_help_panel=WORK,
        ),
    ] = 100,
    quiet: Quiet = False,
) -> None:
    """Cut videos into clips and pack them into shards, with tracks, flow and captions.

    The caption of `name.mp4` is in `name.txt` beside it, or in `captions.json` in the folder;
    `name.tracks.npz` and `name.boxes.npz` beside it are cut with it. The same command again makes
    only what is missing.

    [dim]kineograph data prepare films/ -o shards/ --size 256x256 --tracks 64 --flow -j 8[/dim]
    """
    from kineograph.data.cutting import Cut
    from kineograph.data.prepare import prepare as make

    if stride is not None and fps is not None:
        raise UsageError("--stride and --fps both say which frames are taken; give one of them")
    if stretch and size is None:
        raise UsageError("--stretch says how to reach a size; give --size as well")
    how = Cut(
        frames=frames,
        stride=stride or 1,
        fps=fps,
        step=step,
        size=size_of(size),
        fitting="stretch" if stretch else "crop",
        tracks=tracks,
        flow=flow,
        captions="refuse" if refuse_uncaptioned else "empty",
    )
    talk = Talk(quiet)
    with _kept(talk, out), talk.progress("prepare") as advance:
        made = make(
            videos,
            out,
            how,
            per_shard=per_shard,
            processes=processes,
            limit=limit,
            progress=lambda done, total: advance(done, total, "videos"),
        )
    _tell(talk, out, made)


@data.command()
def scenes(
    count: Annotated[
        int, typer.Option("--count", "-n", metavar="N", min=1, help="How many.", show_default=False)
    ],
    out: Out,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the clips.")] = "128x128",
    frames: Annotated[int, typer.Option(metavar="N", min=1, help="Frames of a clip.")] = 16,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Another gives others.")] = 0,
    spacing: Annotated[
        float, typer.Option(metavar="PX", min=0.5, help="Pixels between the tracks.")
    ] = 2.0,
    processes: Processes = 1,
    per_shard: PerShard = 64,
    quiet: Quiet = False,
) -> None:
    """Write procedural scenes to shards: exact tracks, boxes, flow, depth, masks and captions.

    The same command again makes only what is missing; a larger --count adds to it.

    [dim]kineograph data scenes --count 1000 -o scenes/ -j 8[/dim]
    """
    from kineograph.data.prepare import prepare_scenes
    from kineograph.data.procedural.settings import settings_of

    settings = settings_of(size=size_of(size), frames=frames, spacing=spacing)
    talk = Talk(quiet)
    with _kept(talk, out), talk.progress("scenes") as advance:
        made = prepare_scenes(
            count,
            out,
            settings,
            seed=seed,
            per_shard=per_shard,
            processes=processes,
            progress=lambda done, total: advance(done, total, "scenes"),
        )
    _tell(talk, out, made)


@data.command()
def preview(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="Shards, a folder of videos, or the root of GOT-10k or YouTube-VIS.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="PNG", help="The picture.", show_default=False),
    ],
    clips: Annotated[int, typer.Option(metavar="N", min=1, help="How many clips.")] = 6,
    frames: Annotated[
        int, typer.Option(metavar="N", min=1, help="Frames of each clip.", rich_help_panel=CLIPS)
    ] = 16,
    stride: Annotated[
        int, typer.Option(metavar="N", min=1, help="Every so many-th.", rich_help_panel=CLIPS)
    ] = 1,
    tracks: Annotated[
        int, typer.Option(metavar="N", min=0, help="How many tracks of each to draw.")
    ] = 150,
    columns: Annotated[int, typer.Option(metavar="N", min=1, help="Frames in a row.")] = 6,
    width: Annotated[int, typer.Option(metavar="PX", min=64, help="Width of the picture.")] = 1600,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Another shows others.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Draw some clips as training reads them, with their tracks, boxes and captions.

    [dim]kineograph data preview shards/ -o sheet.png[/dim]
    """
    from itertools import islice

    from kineograph.core.files import check_writable
    from kineograph.core.picture import write_picture
    from kineograph.data.find_source import find_source
    from kineograph.data.preview import preview as draw
    from kineograph.data.stream import ClipStream

    if output.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise UsageError(f"-o {output} was given; name a .png or .jpg")
    check_writable(output, folder=False)
    found = find_source(source, frames=frames, strides=(stride, stride))
    stream = ClipStream(found, seed=seed, buffer=None)
    shown = list(islice(stream, min(clips, len(found))))
    write_picture(output, draw(shown, columns=columns, width=width, tracks=tracks))
    talk = Talk(quiet)
    for line in stream.report.lines():
        talk.note(f"left out: {line}")
    talk.wrote(output, f"{_count(len(shown), 'clip')} of {len(found):,}")


@contextmanager
def _kept(talk: Talk, out: Path) -> Iterator[None]:
    """Say what remains when the work is stopped."""
    try:
        yield
    except KeyboardInterrupt:
        talk.note(f"the shards finished so far stay in {out}; the same command goes on from there")
        raise


def _tell(talk: Talk, out: Path, made: "Prepared") -> None:
    """What is in the folder now."""
    for line in made.report.lines():
        talk.note(f"left out: {line}")
    shards = _count(made.shards, "shard")
    talk.wrote(out, f"{_count(made.clips, 'clip')} in {shards}, {made.made:,} of them new")
    talk.done()


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
