"""The main job, end to end: a photograph and two gestures become a video.

`make demo` runs this. It writes, into the folder `out`: the photograph, the motion document, the
video, the video with its tracks drawn over it, and a contact sheet.
"""

from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.progress import Progress
from skimage import data

import kineograph as kg
from kineograph.render.contact_sheet import contact_sheet

OUT = Path("out")


def scene() -> kg.Document:
    """An astronaut looks to one side, to the other, and back."""
    OUT.mkdir(exist_ok=True)
    kg.write_picture(OUT / "astronaut.png", data.astronaut())
    document = kg.Document.for_picture(OUT / "astronaut.png", frames=49, fps=16)
    look = [(225, 110), (257, 118), (198, 112), (225, 110)]
    return document.add(
        kg.Drag(path=look, radius=45, persist=True, timing="ease-in-out", name="look around"),
        kg.Pin(region=(0, 300, 512, 512), name="sit still"),
    )


def main() -> None:
    """Make everything and say what was made."""
    started = perf_counter()
    document = scene()
    document.save(OUT / "demo.motion.json")
    animation = kg.animate(document)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("animating", total=len(animation))
        animation.save(
            OUT / "demo.mp4",
            overlay=OUT / "demo-tracks.mp4",
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    clip = kg.read_video(OUT / "demo.mp4")
    kg.write_picture(OUT / "demo-sheet.png", contact_sheet(clip.frames, clip.fps))
    width, height = animation.size
    print(
        f"A photograph, a drag and a pin became {len(animation)} frames of {width}x{height} "
        f"in {perf_counter() - started:.1f} s."
    )
    print(
        "  out/demo.mp4          the video, which carries the request that made it\n"
        "  out/demo-tracks.mp4   the same with its tracks drawn over it\n"
        "  out/demo-sheet.png    a contact sheet\n"
        "  out/demo.motion.json  the motion document: open it, change a number, animate it again\n"
        "\nTry next:\n"
        "  .venv/bin/kineograph animate out/astronaut.png --drag '225,110 > 200,90' -o out/a.mp4\n"
        "  .venv/bin/kineograph animate --motion out/demo.motion.json --size 256x256 -o out/b.gif\n"
        "  .venv/bin/kineograph animate --from out/demo.mp4\n"
        "  .venv/bin/kineograph info out/demo.mp4\n"
        "  .venv/bin/kineograph animate --help"
    )


if __name__ == "__main__":
    main()
