"""`kineograph pose`: where the joints of a person are, in a picture or through a video."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kineograph.cli.options import MaxPixels, Quiet, UsageError, check_distinct
from kineograph.cli.talk import Talk

if TYPE_CHECKING:
    from kineograph.vision.pose import PoseEstimator

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


def pose(
    source: Annotated[
        Path,
        typer.Argument(metavar="PHOTO|VIDEO", help="Who is to be measured.", show_default=False),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="Of a picture a .json with the joints, to which keys are added for "
            "[dim]animate --pose[/dim]; of a video a .npz of poses, the source of one.",
            show_default=False,
        ),
    ],
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER", help="A pose model: a folder of weights, or their name on the hub."
        ),
    ] = None,
    eye: Annotated[
        str | None, typer.Option(metavar="NAME", help="What looks (default: vitpose).")
    ] = None,
    quiet: Quiet = False,
    max_pixels: MaxPixels = None,
) -> None:
    """Find the joints of a person in a picture or video.

    [dim]kineograph pose dancer.mp4 --weights weights/vitpose-base-simple -o dance.npz[/dim]
    """
    from kineograph.core.files import check_writable
    from kineograph.vision import eyes

    talk = Talk(quiet)
    check_distinct({"PHOTO": source, "-o": output})
    still = output.suffix.lower() == ".json"
    if output.suffix.lower() not in (".json", ".npz"):
        raise UsageError(f"-o {output} was given; name a .json for a picture, a .npz for a video")
    if still != (source.suffix.lower() in PICTURES):
        told = "a picture's joints are a .json" if not still else "a video's poses are a .npz"
        raise UsageError(f"-o {output} was given for {source}; {told}")
    check_writable(output, folder=False)
    look = eyes.eye("pose", eye or "vitpose", weights)
    if still:
        _of_picture(source, output, look, max_pixels, talk)
    else:
        _of_video(source, output, look, talk)
    talk.done()


def _of_picture(
    source: Path, output: Path, look: "PoseEstimator", max_pixels: int | None, talk: Talk
) -> None:
    """Write the joints of the person in a picture."""
    from kineograph.core.errors import VisionError
    from kineograph.core.files import whole_file
    from kineograph.core.picture import MAX_PIXELS, read_picture
    from kineograph.gestures.writing.readable import to_json

    people = look(read_picture(source, max_pixels=max_pixels or MAX_PIXELS))
    joints = people[0].joints if people else {}
    if not joints:
        raise VisionError(f"nobody is found in {source}; give the joints by hand")
    rounded = {name: [round(x, 1), round(y, 1)] for name, (x, y) in joints.items()}
    with whole_file(output) as partial:
        partial.write_text(to_json({"joints": rounded}), encoding="utf-8", newline="\n")
    talk.wrote(output, f"{len(joints)} of 17 joints")


def _of_video(source: Path, output: Path, look: "PoseEstimator", talk: Talk) -> None:
    """Write the poses of the person that a video shows."""
    from kineograph.core.video import read_video
    from kineograph.vision.pose import SURE, follow

    poses = follow(read_video(source), look)
    poses.save(output)
    found = (poses.score >= SURE).mean()
    talk.wrote(output, f"{poses.frames} frames, {found:.0%} of the joints found")
