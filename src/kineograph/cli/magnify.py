"""`kineograph magnify`: a video's own small motions, made larger."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kineograph.cli.options import MaxPixels, Quiet, UsageError, check_distinct
from kineograph.cli.talk import Talk, clip_line

if TYPE_CHECKING:
    from kineograph.engines.magnify import MagnifiedVideo

HOW, OUTPUT = "How", "Output"

LARGE = 0.1
"""Motion that becomes larger than this share of the short side is worth a note."""


def magnify(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="The video.", show_default=False)],
    factor: Annotated[
        float,
        typer.Option(metavar="N", help="How many times larger, 1 to 32.", rich_help_panel=HOW),
    ] = 8.0,
    band: Annotated[
        str | None,
        typer.Option(
            metavar="LOW-HIGH",
            help="Only motion of these frequencies, in hertz: [dim]0.5-3[/dim].",
            rich_help_panel=HOW,
        ),
    ] = None,
    steady: Annotated[
        bool,
        typer.Option(
            "--steady",
            help="Leave the motion of the whole picture, the camera's, as it is.",
            rich_help_panel=HOW,
        ),
    ] = False,
    blur_space: Annotated[
        float | None,
        typer.Option(
            metavar="PX",
            help="Blur over space (default: 2 % of the short side).",
            rich_help_panel=HOW,
        ),
    ] = None,
    blur_time: Annotated[
        float | None,
        typer.Option(
            metavar="S",
            help="Blur over time (default: 0.02 s; none with --band).",
            rich_help_panel=HOW,
        ),
    ] = None,
    compensate: Annotated[
        bool,
        typer.Option(
            "--compensate",
            help="Raise the factor by as much as the blur lowers the motion.",
            rich_help_panel=HOW,
        ),
    ] = False,
    no_calm: Annotated[
        bool,
        typer.Option(
            "--no-calm",
            help="Also magnify motion that does not stand out from noise.",
            rich_help_panel=HOW,
        ),
    ] = False,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Move the first frame with this engine, such as warp, instead of the frames "
            "themselves.",
            rich_help_panel=HOW,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="The video (default: <video>-magnified.mp4 here).",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    tracks: Annotated[
        Path | None,
        typer.Option(
            metavar="NPZ", help="Also write the enlarged motion as tracks.", rich_help_panel=OUTPUT
        ),
    ] = None,
    quiet: Quiet = False,
    max_pixels: MaxPixels = None,
) -> None:
    """Make the small motions of a video larger, and say by how much.

    [dim]kineograph magnify video.mp4 --factor 16 -o out.mp4[/dim]
    """
    from kineograph.core.files import check_writable
    from kineograph.core.picture import MAX_PIXELS
    from kineograph.core.video_writer import check_output
    from kineograph.engines.magnify import magnify_video

    talk = Talk(quiet)
    output = Path(f"{video.stem}-magnified.mp4") if output is None else output
    check_distinct({"VIDEO": video, "the output (-o)": output, "--tracks": tracks})
    check_output(output)
    if tracks is not None:
        if tracks.suffix.lower() != ".npz":
            raise UsageError(f"--tracks {tracks} was given; name a file that ends in .npz")
        check_writable(tracks, folder=False)
    made = magnify_video(
        video,
        engine=engine,
        max_pixels=max_pixels or MAX_PIXELS,
        factor=factor,
        band=band_of(band),
        steady=steady,
        blur_space=blur_space,
        blur_time=blur_time,
        compensate=compensate,
        calm=not no_calm,
    )
    _warn(made, talk)
    with talk.progress("magnify") as advance:
        made.save(output, progress=advance)
    if tracks is not None:
        held = made.tracks()
        held.save(tracks)
        talk.wrote(tracks, f"{held.count} tracks")
    talk.wrote(output, f"{clip_line(made.size, len(made), made.fps)}; {_told(made, output)}")
    talk.done()


def band_of(text: str | None) -> tuple[float, float] | None:
    """Low and high of `--band LOW-HIGH`.

    Raises:
        UsageError: it is not written so.
    """
    if text is None:
        return None
    number = r"(\d+\.?\d*|\.\d+)"
    match = re.fullmatch(rf"\s*{number}\s*-\s*{number}\s*", text)
    if match is None:
        raise UsageError(f"--band {text} was given; write two frequencies in hertz, as 0.5-3")
    return float(match[1]), float(match[2])


def _warn(made: "MagnifiedVideo", talk: Talk) -> None:
    reach = made.motion.reach
    if reach > LARGE * min(made.size):
        talk.note(
            f"the motion becomes as large as {reach:.0f} px; a --band, --steady or a smaller "
            "--factor keeps it within the picture"
        )


def _told(made: "MagnifiedVideo", output: Path) -> str:
    """The gain in words: what was asked for, and what is there."""
    motion = made.motion
    asked = f"factor {motion.factor:.3g}, {motion.gain:.3g} after the blur"
    found = made.measured_gain(output)
    there = "too large to be measured" if found is None else f"{found:.3g} measured in the output"
    return f"{asked}, {there}"
