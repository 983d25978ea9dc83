"""`kineograph mask`: a click or a box becomes a mask."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kineograph.cli.options import MaxPixels, Quiet, UsageError, check_distinct
from kineograph.cli.talk import Talk

if TYPE_CHECKING:
    import numpy as np


def mask(
    picture: Annotated[
        Path, typer.Argument(metavar="PICTURE", help="A still picture.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="PNG",
            help="The mask: white is in it.",
            show_default=False,
        ),
    ],
    point: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y", help="A click on the thing, in pixels or percent; repeatable."),
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y", help="A click beside the thing; repeatable."),
    ] = None,
    box: Annotated[
        str | None, typer.Option(metavar="X0,Y0,X1,Y1", help="A box around the thing.")
    ] = None,
    overlay: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Also draw the mask over the picture.")
    ] = None,
    eye: Annotated[
        str | None, typer.Option(metavar="NAME", help="What looks: grabcut (default) or sam2.")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Weights of the eye: a folder or a hub name."),
    ] = None,
    quiet: Quiet = False,
    max_pixels: MaxPixels = None,
) -> None:
    """Find the part or object under a click or in a box.

    The mask is for a drag that takes all of a part along: `part=mask.png`.

    [dim]kineograph mask photo.jpg --point 224,110 -o head.png --overlay seen.png[/dim]
    """
    import numpy as np

    from kineograph.core.files import check_writable
    from kineograph.core.picture import MAX_PIXELS, read_picture, write_picture
    from kineograph.vision import eyes, masks

    talk = Talk(quiet)
    check_distinct({"PICTURE": picture, "-o": output, "--overlay": overlay})
    if output.suffix.lower() != ".png":
        raise UsageError(f"-o {output} was given; name a file that ends in .png")
    check_writable(output, folder=False)
    image = read_picture(picture, max_pixels=max_pixels or MAX_PIXELS)
    size = (image.shape[1], image.shape[0])
    clicks = [_numbers("--point", text, 2, size) for text in point or ()]
    others = [_numbers("--beside", text, 2, size) for text in beside or ()]
    around = None if box is None else _numbers("--box", box, 4, size)
    found = eyes.eye("mask", eye, weights)(
        image,
        points=np.array([*clicks, *others], np.float64).reshape(-1, 2),
        labels=np.arange(len(clicks) + len(others)) < len(clicks),
        box=around,
    )
    masks.write_mask(output, found)
    talk.wrote(output, f"{found.mean():.1%} of {size[0]}x{size[1]}")
    if overlay is not None:
        write_picture(overlay, _drawn(image, found))
        talk.wrote(overlay, "the mask over the picture")
    talk.done()


def _numbers(option: str, text: str, count: int, size: tuple[int, int]) -> tuple[float, ...]:
    """Numbers with commas in between, in pixels or percent of the picture."""
    parts = [part.strip() for part in text.split(",")]
    try:
        if len(parts) != count:
            raise ValueError
        return tuple(
            float(part.removesuffix("%")) * (size[i % 2] / 100 if part.endswith("%") else 1)
            for i, part in enumerate(parts)
        )
    except ValueError:
        form = "X,Y as 224,110" if count == 2 else "X0,Y0,X1,Y1 as 160,40,300,190"
        raise UsageError(f"{option} {text} was given; write {form}, or in percent") from None


def _drawn(image: "np.ndarray", mask: "np.ndarray") -> "np.ndarray":
    """The picture with what is beside the mask darkened, and its outline drawn."""
    import cv2
    import numpy as np

    drawn = np.where(mask[..., None], image, image // 3)
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    width = max(1, round(min(image.shape[:2]) / 300))
    return cv2.drawContours(np.ascontiguousarray(drawn), outlines, -1, (255, 190, 60), width)
