"""`kineograph animate`: a picture and what moves in it become a video."""

from pathlib import Path
from typing import Annotated

import typer

from kineograph.cli.asked import Asked
from kineograph.cli.options import AllowOutside, MaxPixels, Quiet, size_of
from kineograph.cli.places import Places
from kineograph.cli.talk import Talk

MOVES, CLIP, OUTPUT = "What moves", "The clip", "Output"


def animate(
    photo: Annotated[
        Path | None,
        typer.Argument(metavar="PHOTO", help="The picture to animate.", show_default=False),
    ] = None,
    drag: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DRAG",
            help="Drag what is at the first point along the others, in pixels or percent: "
            '[dim]"120,200 > 260,180 @0.5-2 radius=24 persist ease=ease-in-out"[/dim]. '
            "Words after the path, all optional: @start-end (seconds), radius=, stride= (pixels), "
            "persist or release, ease=, depth= (smaller is nearer), strength=, straight, "
            "leave (it may end outside).",
            rich_help_panel=MOVES,
        ),
    ] = None,
    pin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PIN",
            help='Hold a region still: a box [dim]"0,0,100%,20%"[/dim] or a polygon '
            '[dim]"10,10 90,10 50,80"[/dim].',
            rich_help_panel=MOVES,
        ),
    ] = None,
    box: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BOX",
            help="Move an object from box to box: "
            '[dim]"40,60,120,160 > 200,60,280,160 @0-2 label=dog soft"[/dim].',
            rich_help_panel=MOVES,
        ),
    ] = None,
    tracks: Annotated[
        Path | None,
        typer.Option(metavar="NPZ", help="Tracks to follow.", rich_help_panel=MOVES),
    ] = None,
    motion: Annotated[
        Path | None,
        typer.Option(
            metavar="JSON",
            help="A motion document. PHOTO replaces its picture; other options override it.",
            rich_help_panel=MOVES,
        ),
    ] = None,
    again: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="OUTPUT",
            help="Make an output of Kineograph again: a video, a folder of frames, or its .json.",
            rich_help_panel=MOVES,
        ),
    ] = None,
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What is seen.", rich_help_panel=CLIP)
    ] = None,
    negative_text: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="What is not to be seen.", rich_help_panel=CLIP),
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Frames (default: 49).", rich_help_panel=CLIP),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(metavar="N", help="Frames a second (default: 16).", rich_help_panel=CLIP),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH", help="Size of the video (default: the picture's).", rich_help_panel=CLIP
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, help="Start of all randomness (default: 0).", rich_help_panel=CLIP
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="What makes the frames (default: warp).", rich_help_panel=CLIP
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="The ending chooses: .mp4 .mov .mkv .webm .gif .webp, none is a folder of PNG "
            "frames (default: <photo>.mp4 here).",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    last_frame: Annotated[
        Path | None,
        typer.Option(
            metavar="PNG",
            help="Write the last frame as a picture; without -o, only that.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    overlay: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT",
            help="Also write the video with its tracks drawn.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    quiet: Quiet = False,
    max_pixels: MaxPixels = None,
    allow_outside: AllowOutside = False,
) -> None:
    """Turn a picture and what moves in it into a video.

    [dim]kineograph animate photo.jpg --drag "120,200 > 260,180" --pin "0,0,640,90" -o out.mp4[/dim]
    """
    talk = Talk(quiet)
    asked = Asked(
        photo=photo,
        motion=motion,
        again=again,
        drags=tuple(drag or ()),
        pins=tuple(pin or ()),
        boxes=tuple(box or ()),
        tracks=tracks,
        text=text,
        negative_text=negative_text,
        frames=frames,
        fps=fps,
        size=size_of(size),
        seed=seed,
        engine=engine,
        max_pixels=max_pixels,
        allow_outside=allow_outside,
    )
    asked.check()
    places = Places(output, last_frame, overlay).settled(asked)
    animation = asked.animation(talk)
    with talk.progress(animation.engine.name) as advance:
        animation.save(
            places.video, last_frame=places.last_frame, overlay=places.overlay, progress=advance
        )
    places.tell(talk, animation)
