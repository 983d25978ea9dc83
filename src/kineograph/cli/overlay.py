"""`kineograph overlay`: tracks and boxes drawn over a picture or a video."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kineograph.cli.options import (
    AllowOutside,
    Ids,
    MaxPixels,
    Quiet,
    Trail,
    UsageError,
    check_distinct,
)
from kineograph.cli.talk import Talk

if TYPE_CHECKING:
    from kineograph.core.motion import Motion

STILL = (".png", ".jpg", ".jpeg")
"""The endings of single pictures; .webp is a video."""


def overlay(
    source: Annotated[
        Path,
        typer.Argument(metavar="PICTURE_OR_VIDEO", help="What is drawn over.", show_default=False),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="The video; over a picture .png or .jpg for one picture of the whole path.",
            show_default=False,
        ),
    ],
    tracks: Annotated[Path | None, typer.Option(metavar="NPZ", help="Tracks to draw.")] = None,
    boxes: Annotated[Path | None, typer.Option(metavar="NPZ", help="Boxes to draw.")] = None,
    motion: Annotated[
        Path | None,
        typer.Option(metavar="JSON", help="A motion document whose tracks and boxes are drawn."),
    ] = None,
    ids: Ids = False,
    trail: Trail = None,
    quiet: Quiet = False,
    max_pixels: MaxPixels = None,
    allow_outside: AllowOutside = False,
) -> None:
    """Draw tracks (fading trails, hidden points hollow) or boxes over a picture or video.

    A video that Kineograph made needs nothing else: what was asked for is drawn.

    [dim]kineograph overlay out.mp4 --tracks tracks.npz -o drawn.mp4[/dim]
    """
    from kineograph.cli import canvas
    from kineograph.cli.describe import is_picture
    from kineograph.core.files import check_writable
    from kineograph.core.picture import MAX_PIXELS
    from kineograph.core.request_record import check_sidecar
    from kineograph.core.video_writer import check_output

    talk = Talk(quiet)
    check_distinct(
        {
            "the source": source,
            "--tracks": tracks,
            "--boxes": boxes,
            "--motion": motion,
            "-o": output,
        }
    )
    still = output.suffix.lower() in STILL and source.is_file() and is_picture(source)
    if still:
        check_writable(output, folder=False)
        check_sidecar(output)
    else:
        check_output(output)
    asked = _motion(tracks, boxes, motion, allow_outside)
    with canvas.of_file(source, asked, max_pixels or MAX_PIXELS, allow_outside) as under:
        if still:
            longest = 2 * under.frames  # the oldest part of a trail this long has not faded away
            under.write_picture(output, canvas.Pen(longest if trail is None else trail, ids))
            width, height = under.size
            talk.wrote(output, f"{width}x{height}, the path of {under.frames} frames")
        else:
            under.write(output, canvas.Pen(12 if trail is None else trail, ids), talk)
            talk.wrote(output, under.told())
    talk.done()


def _motion(
    tracks: Path | None, boxes: Path | None, document: Path | None, allow_outside: bool
) -> "Motion | None":
    """What the options ask to draw; None if there are none."""
    from kineograph.core.boxes import Boxes
    from kineograph.core.motion import Motion
    from kineograph.core.tracks import Tracks
    from kineograph.gestures.document import Document

    if document is not None:
        if tracks is not None or boxes is not None:
            raise UsageError(
                "--motion has its own tracks and boxes; leave --tracks and --boxes out"
            )
        return Document.load(document, allow_outside=allow_outside).expand()
    if tracks is None and boxes is None:
        return None
    return Motion(
        tracks=None if tracks is None else Tracks.load(tracks),
        boxes=None if boxes is None else Boxes.load(boxes),
    )
