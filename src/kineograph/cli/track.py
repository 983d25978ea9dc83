"""`kineograph track`: points of a video followed through all its frames."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kineograph.cli.options import MaxPixels, Quiet, UsageError, check_distinct
from kineograph.cli.talk import Advance, Talk, clip_line

if TYPE_CHECKING:
    import numpy as np

    from kineograph.core.tracks import Tracks
    from kineograph.core.video import Video

WHICH, HOW = "Which points", "How"


def track(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="The video.", show_default=False)],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="NPZ", help="The tracks.", show_default=False),
    ],
    grid: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="A grid of points, N along the longer side (default: 32).",
            rich_help_panel=WHICH,
        ),
    ] = None,
    frame: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help="The frame at which the grid is laid (default: 0).",
            rich_help_panel=WHICH,
        ),
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(
            metavar="NPZ",
            help="Follow the points of these tracks instead, each from where it is first visible.",
            rich_help_panel=WHICH,
        ),
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(metavar="N", min=2, help="Only the first N frames.", rich_help_panel=HOW),
    ] = None,
    size: Annotated[
        int,
        typer.Option(
            metavar="PX",
            min=64,
            help="Longer side of what is worked on; positions are those of the full size.",
            rich_help_panel=HOW,
        ),
    ] = 512,
    tracker: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="flow (the default), cotracker, tapir or tapnext; see `kineograph doctor`.",
            rich_help_panel=HOW,
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The weights of a learned tracker.", rich_help_panel=HOW),
    ] = None,
    overlay: Annotated[
        bool,
        typer.Option(
            "--overlay",
            help="Also write the video with the tracks drawn over it, beside them: tracks.npz has "
            "tracks-overlay.mp4.",
        ),
    ] = False,
    quiet: Quiet = False,
    max_pixels: MaxPixels = None,
) -> None:
    """Follow points through a video: where they are, and when they are hidden.

    [dim]kineograph track video.mp4 -o tracks.npz --grid 32 --overlay[/dim]
    """
    from kineograph.core.files import check_writable
    from kineograph.core.picture import MAX_PIXELS
    from kineograph.core.video_writer import check_output

    talk, limit = Talk(quiet), max_pixels or MAX_PIXELS
    drawn = output.with_name(f"{output.stem}-overlay.mp4") if overlay else None
    check_distinct({"VIDEO": video, "-o": output, "--queries": queries, "--overlay": drawn})
    if output.suffix.lower() != ".npz":
        raise UsageError(f"-o {output} was given; name a file that ends in .npz")
    if queries is not None and (grid is not None or frame is not None):
        raise UsageError("--queries has its own points; leave --grid and --frame out")
    check_writable(output, folder=False)
    if drawn is not None:
        check_output(drawn)
    eye = _Eye(tracker, weights, size, talk)
    clip, whole = _read(video, size, frames, limit, talk)
    asked = _asked(clip, whole, queries, grid or 32, frame or 0)
    with talk.progress("track") as advance:
        found = eye.look(clip, asked, advance).resize(whole)
    found.save(output)
    seen = 100 * float(found.visible.mean()) if found.count else 0.0
    told = clip_line(whole, found.frames, found.fps)
    talk.wrote(output, f"{found.count} tracks, {seen:.0f} % visible, {told}")
    if drawn is not None:
        _draw(video, found, drawn, limit, talk)
    talk.done()


class _Eye:
    """The tracker that was asked for, made before the video is read."""

    def __init__(self, name: str | None, weights: Path | None, size: int, talk: Talk) -> None:
        from kineograph.vision.eyes import EYES, eye

        self._tracker: Any = None
        self._size = size
        if name in (None, "flow") and weights is None:
            return
        if name is None:
            learned = ", ".join(key for key in EYES["tracker"] if key != "flow")
            raise UsageError(f"--weights {weights} was given; say whose with --tracker: {learned}")
        import warnings

        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always", UserWarning)
            self._tracker = eye("tracker", name, weights)
        for warning in heard:
            if warning.category is UserWarning:
                talk.note(str(warning.message))

    def look(self, clip: "Video", asked: "np.ndarray", advance: Advance) -> "Tracks":
        from kineograph.vision.flow_tracker import FlowTracker

        tracker = self._tracker or FlowTracker(self._size, progress=advance)
        return tracker(clip, asked)


def _read(
    path: Path, size: int, frames: int | None, limit: int, talk: Talk
) -> "tuple[Video, tuple[int, int]]":
    """The video at the working size, and its own size; never all of it in memory at its own."""
    import numpy as np

    from kineograph.core.picture import fit
    from kineograph.core.video import MAX_VIDEO_PIXELS, Video, open_video

    with open_video(path, max_pixels=limit) as reader, talk.progress("read") as advance:
        whole = reader.size
        factor = min(1.0, size / max(whole))
        work = (max(1, round(whole[0] * factor)), max(1, round(whole[1] * factor)))
        count = reader.frames if frames is None else min(frames, reader.frames)
        fits = MAX_VIDEO_PIXELS // (work[0] * work[1])
        if count > fits:
            raise UsageError(f"{path} has {count} frames, too many at once; give --frames {fits}")
        held = np.empty((count, work[1], work[0], 3), np.uint8)
        done = 0
        for image in reader:
            if done == count:
                break
            held[done] = fit(image, work)
            done += 1
            advance(done, count)
        return Video(held[:done], reader.fps), whole


def _asked(
    clip: "Video", whole: tuple[int, int], queries: Path | None, grid: int, frame: int
) -> "np.ndarray":
    """(N, 3) queries at the working size."""
    import numpy as np

    from kineograph.core.tracks import Tracks
    from kineograph.vision.tracker import grid_queries

    if queries is None:
        if frame >= len(clip):
            raise UsageError(f"--frame {frame} was given; the video has 0 to {len(clip) - 1}")
        return grid_queries(clip.size, grid, frame)
    given = Tracks.load(queries)
    seen = given.visible[:, : len(clip)]
    if given.size != whole:
        told = f"{given.size[0]}x{given.size[1]}"
        raise UsageError(f"{queries} is for a video of {told}; this one is {whole[0]}x{whole[1]}")
    which = np.flatnonzero(seen.any(axis=1))
    if len(which) == 0:
        raise UsageError(f"{queries} holds no track that is visible in the {len(clip)} frames")
    first = seen[which].argmax(axis=1)
    points = given.resize(clip.size).points[which, first]
    inside = ((points >= 0) & (points < np.array(clip.size))).all(axis=1)
    return np.concatenate([first[:, None], points], axis=1)[inside].astype(np.float32)


def _draw(path: Path, tracks: "Tracks", place: Path, limit: int, talk: Talk) -> None:
    from itertools import islice

    from kineograph.cli import canvas
    from kineograph.core.motion import Motion

    with canvas.of_file(path, Motion(tracks=tracks), limit) as under:
        from dataclasses import replace

        count = min(under.frames, tracks.frames)
        shown = replace(under, images=islice(iter(under.images), count), frames=count)
        shown.write(place, canvas.Pen(), talk)
        talk.wrote(place, shown.told())
