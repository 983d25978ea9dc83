"""`kineograph expand`: a motion document becomes tracks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kineograph.cli.options import AllowOutside, MaxPixels, Quiet, UsageError, check_distinct
from kineograph.cli.talk import Talk, clip_line

if TYPE_CHECKING:
    from kineograph.core.motion import Motion


def expand(
    document: Annotated[
        Path, typer.Argument(metavar="DOCUMENT", help="A motion document.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="NPZ", help="The tracks.", show_default=False),
    ],
    overlay: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT", help="Also write a video of the tracks drawn over the picture."
        ),
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
    from kineograph.cli import canvas
    from kineograph.core.picture import MAX_PIXELS
    from kineograph.core.video_writer import check_output
    from kineograph.gestures.document import Document

    talk = Talk(quiet)
    check_distinct({"DOCUMENT": document, "-o": output, "--overlay": overlay, "--boxes": boxes})
    for path, option in ((output, "-o"), (boxes, "--boxes")):
        _check_npz(path, option)
    if overlay is not None:
        check_output(overlay)
    loaded = Document.load(document, allow_outside=allow_outside)
    motion = loaded.expand()
    if boxes is None:
        motion = _lowered(motion)
    if motion.tracks is None and motion.boxes is None:
        raise UsageError(f"{document} holds no gesture; add one, such as a drag")
    if overlay is not None:
        drawn = canvas.of_document(loaded, motion, max_pixels or MAX_PIXELS)
        drawn.write(overlay, canvas.Pen(), talk)
        talk.wrote(overlay, f"tracks drawn, {drawn.told()}")
    _save(motion, output, boxes, talk)
    talk.done()


def _check_npz(path: Path | None, option: str) -> None:
    from kineograph.core.files import check_writable

    if path is None:
        return
    if path.suffix.lower() != ".npz":
        raise UsageError(f"{option} {path} was given; name a file that ends in .npz")
    check_writable(path, folder=False)


def _lowered(motion: "Motion") -> "Motion":
    """Boxes as grids of tracks that move with them."""
    from kineograph.core.motion import Motion

    if motion.boxes is None:
        return motion
    return Motion.merge(Motion(tracks=motion.tracks), Motion(tracks=motion.boxes.to_tracks()))


def _save(motion: "Motion", output: Path, boxes: Path | None, talk: Talk) -> None:
    tracks, objects = motion.tracks, motion.boxes
    if tracks is not None:
        tracks.save(output)
        clip = clip_line(tracks.size, tracks.frames, tracks.fps)
        talk.wrote(output, f"{tracks.count} tracks, {clip}")
    else:
        talk.note(f"there are boxes only; {output} is not written")
    if boxes is not None and objects is not None:
        objects.save(boxes)
        talk.wrote(boxes, f"{objects.count} boxed objects")
    elif boxes is not None:
        talk.note(f"there are no boxes; {boxes} is not written")
