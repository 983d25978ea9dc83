"""`kineograph depth`: how far away things in a picture are."""

from pathlib import Path
from typing import Annotated

import typer

from kineograph.cli.options import MaxPixels, Quiet, UsageError, check_distinct
from kineograph.cli.talk import Talk


def depth(
    photo: Annotated[
        Path, typer.Argument(metavar="PHOTO", help="The picture.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="The depth map: .png (16 bits, white is near), .npy or .npz "
            "(default: <photo>.depth.png here).",
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="A learned depth model: a folder of weights, or their name on the hub. "
            "Without it, depth is guessed from ground, horizon and edges.",
        ),
    ] = None,
    horizon: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Where the guess has the horizon: 0 at the top, 1 at the bottom (default: 0.4).",
        ),
    ] = None,
    quiet: Quiet = False,
    max_pixels: MaxPixels = None,
) -> None:
    """Measure, or without weights guess, how far away things in a picture are.

    [dim]kineograph depth photo.jpg -o depth.png[/dim]
    """
    from kineograph.core.files import check_writable
    from kineograph.core.picture import MAX_PIXELS, read_picture
    from kineograph.vision.depth_file import check_depth_output, write_depth
    from kineograph.vision.depth_prior import DepthPrior
    from kineograph.vision.eyes import eye

    talk = Talk(quiet)
    place = output or Path(f"{photo.stem}.depth.png")
    check_distinct({"PHOTO": photo, "the output (-o)": place})
    if weights is not None and horizon is not None:
        raise UsageError("--horizon is for the guess and --weights measures; give one of them")
    check_depth_output(place)
    check_writable(place, folder=False)
    picture = read_picture(photo, max_pixels=max_pixels or MAX_PIXELS)
    look = DepthPrior(**({} if horizon is None else {"horizon": horizon}))
    measure = look if weights is None else eye("depth", "model", weights)
    if weights is None:
        talk.note("this depth is a guess from ground, horizon and edges; --weights measures it")
    found = measure(picture)
    write_depth(place, found)
    unit = " m" if found.metric else " times the nearest"
    near, far = float(found.depth.min()), float(found.depth.max())
    if found.metric:
        talk.wrote(place, f"depth from {near:.4g} to {far:.4g}{unit}")
    else:
        talk.wrote(place, f"the farthest is {far / near:.4g}{unit}")
    talk.done()
