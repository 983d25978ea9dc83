"""`kineograph animate`: a picture and what moves in it become a video."""

from pathlib import Path
from typing import Annotated

import typer

from kineograph.cli.asked import Asked
from kineograph.cli.engine_settings import engine_settings
from kineograph.cli.options import AllowOutside, MaxPixels, Quiet, size_of
from kineograph.cli.places import Places
from kineograph.cli.talk import Talk

MOVES, CLIP, MODEL, OUTPUT = "What moves", "The clip", "The model", "Output"


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
            "leave (it may end outside), whole= (rigid, similarity or bend: take the part under "
            "it along), part= (a mask, box or polygon that says which), joints= (where it bends).",
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
            '[dim]"40,60,120,160 > 200,60,280,160 @0-2 label=dog soft"[/dim]; '
            "leave (it may reach outside).",
            rich_help_panel=MOVES,
        ),
    ] = None,
    camera: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CAMERA",
            help='Move the camera: [dim]"orbit 20"[/dim], [dim]"dolly 0.3 @0-2"[/dim]. orbit, arc, '
            "pan, tilt, roll in degrees; dolly, truck, pedestal, dolly-zoom in distances of the "
            "focus; zoom by a factor; follow along points; path from a file. All that leave "
            "their place need --depth.",
            rich_help_panel=MOVES,
        ),
    ] = None,
    depth: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|prior|MODEL",
            help="How far away things are: a depth map, [dim]prior[/dim] for a guess, or a folder "
            "of weights of a learned model.",
            rich_help_panel=MOVES,
        ),
    ] = None,
    solid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOLID",
            help="Turn a thing like a ball with the cursor, or by degrees: "
            '[dim]"sphere 256,200 r=80 : 256,200 > 330,200"[/dim], [dim]"box 200,150 size=90,60,60 '
            'yaw=120 to=240,150 scale=1.2 @0-2"[/dim]. sphere, ellipsoid, cylinder, plane, box.',
            rich_help_panel=MOVES,
        ),
    ] = None,
    pose: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="JSON",
            help="Move a person by the joints: a file with its joints and keys of angles, or a "
            "source, as in a motion document.",
            rich_help_panel=MOVES,
        ),
    ] = None,
    transfer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TRANSFER",
            help="Move as another video does: "
            '[dim]"monkey.mp4 count=1500 speed=2 short=hold pair=120,80>300,200"[/dim].',
            rich_help_panel=MOVES,
        ),
    ] = None,
    magnify: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MAGNIFY",
            help="PHOTO is a video's first frame; move as the video does, only more: "
            '[dim]"engine.mp4 factor=16 band=0.5-3"[/dim].',
            rich_help_panel=MOVES,
        ),
    ] = None,
    recording: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Drags of a recorded mouse, .json or .csv of x, y, down: "
            '[dim]"mouse.json radius=24 persist"[/dim].',
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
            metavar="NAME",
            help="What makes the frames: warp, mini or unet (default: warp; mini where only --text "
            "says what moves; unet with --model).",
            rich_help_panel=MODEL,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER|HUB",
            help="A video diffusion model: a folder, or a name on the hub.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    adapter: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FOLDER",
            help="An adapter to put onto the model, such as one that reads tracks.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    lora: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help='A LoRA, also of motion; [dim]"style.safetensors:0.8"[/dim] applies it at 0.8.',
            rich_help_panel=MODEL,
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help='Anything else of the engine: [dim]"steps=30"[/dim], [dim]"scheduler=lcm"[/dim], '
            '[dim]"guidance=text=7,tracks=2"[/dim]; an unknown name lists them all.',
            rich_help_panel=MODEL,
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
        solids=tuple(solid or ()),
        poses=tuple(pose or ()),
        cameras=tuple(camera or ()),
        transfers=tuple(transfer or ()),
        magnifies=tuple(magnify or ()),
        recordings=tuple(recording or ()),
        depth=depth,
        tracks=tracks,
        text=text,
        negative_text=negative_text,
        frames=frames,
        fps=fps,
        size=size_of(size),
        seed=seed,
        engine=engine,
        settings=engine_settings(model, adapter or (), lora or (), set_ or ()),
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
