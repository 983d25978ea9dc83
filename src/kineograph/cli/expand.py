"""`kineograph expand`: a motion document becomes tracks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kineograph.cli.options import AllowOutside, MaxPixels, Quiet, UsageError, check_distinct
from kineograph.cli.talk import Talk, clip_line

if TYPE_CHECKING:
    from kineograph.core.tracks import Tracks


def expand(
    document: Annotated[
        Path, typer.Argument(metavar="DOCUMENT", help="A motion document.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="NPZ", help="Where the tracks go.", show_default=False),
    ],
    overlay: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Also write a video of the tracks drawn over the picture."),
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option(metavar="NPZ", help="Write boxes here, instead of turning them into tracks."),
    ] = None,
    quiet: Quiet = False,
    max_pixels: MaxPixels = None,
    allow_outside: AllowOutside = False,
) -> None:
    """Expand a motion document to the tracks that engines read.

    [dim]kineograph expand scene.motion.json -o tracks.npz --overlay tracks.mp4[/dim]
    """
    from kineograph.cli.drawing import draw_over
    from kineograph.core.motion import Motion
    from kineograph.core.video_writer import check_output
    from kineograph.gestures.document import Document

    talk = Talk(quiet)
    places = {"DOCUMENT": document, "-o": output, "--overlay": overlay, "--boxes": boxes}
    check_distinct(places)
    if overlay is not None:
        check_output(overlay)
    loaded = Document.load(document, allow_outside=allow_outside)
    motion = loaded.expand()
    if motion.boxes is not None and boxes is None:
        grids = Motion(tracks=motion.boxes.to_tracks())
        motion = Motion.merge(Motion(tracks=motion.tracks), grids)
    if motion.tracks is None:
        raise UsageError(f"{document} expands to no tracks; add a gesture, or leave --boxes out")
    if overlay is not None:
        draw_over(loaded.load_picture(), motion, overlay, talk=talk)
    motion.tracks.save(output)
    talk.wrote(output, _told(motion.tracks))
    if boxes is not None and motion.boxes is not None:
        motion.boxes.save(boxes)
        talk.wrote(boxes, f"{motion.boxes.count} boxed objects")


def _told(tracks: "Tracks") -> str:
    return f"{tracks.count} tracks, {clip_line(tracks.size, tracks.frames, tracks.fps)}"
