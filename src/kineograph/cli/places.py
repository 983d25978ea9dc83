"""Where `kineograph animate` writes: settled and checked before any work is done."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kineograph.cli.asked import Asked
from kineograph.cli.options import check_distinct
from kineograph.cli.talk import Talk, clip_line

if TYPE_CHECKING:
    from kineograph.engines.animate import Animation


@dataclass(frozen=True)
class Places:
    """The outputs that are asked for; None is not written."""

    video: Path | None
    last_frame: Path | None = None
    overlay: Path | None = None

    def settled(self, asked: Asked) -> "Places":
        """These places with the default filled in, each checked.

        Raises:
            OutputError: something cannot be written there.
            UsageError: two outputs, or an output and what is read, are the same file.
        """
        from kineograph.engines.outputs import check_outputs

        video = self.video
        if video is None and self.last_frame is None:
            video = default_output(asked)
        check_distinct(
            {
                "PHOTO": asked.photo,
                "--motion": asked.motion,
                "--tracks": asked.tracks,
                "the output (-o)": video,
                "--last-frame": self.last_frame,
                "--overlay": self.overlay,
            }
        )
        check_outputs(video, last_frame=self.last_frame, overlay=self.overlay)
        return replace(self, video=video)

    def tell(self, talk: Talk, animation: "Animation") -> None:
        """Say what was written."""
        clip = clip_line(animation.size, len(animation), animation.fps)
        width, height = animation.size
        if self.video is not None:
            talk.wrote(self.video, clip)
        if self.overlay is not None:
            talk.wrote(self.overlay, f"its tracks drawn, {clip}")
        if self.last_frame is not None:
            talk.wrote(self.last_frame, f"the last frame, {width}x{height}")
        talk.done()


def default_output(asked: Asked) -> Path:
    """`<photo>.mp4` in the working folder; what is made again goes beside what it is made from."""
    if asked.again is not None:
        return _beside(asked.again)
    if asked.photo is not None:
        return Path(f"{asked.photo.stem}.mp4")
    if asked.motion is not None:
        return Path(f"{asked.motion.stem.removesuffix('.motion')}.mp4")
    return Path("animation.mp4")


def _beside(made: Path) -> Path:
    from kineograph.core.video_writer import OUTPUT_ENDINGS

    if made.name == "request.json":  # the record inside a folder of frames
        made = made.parent if made.parent.name else made.absolute().parent
    suffix = made.suffix if made.suffix.lower() in OUTPUT_ENDINGS or made.is_dir() else ".mp4"
    return made.with_name(f"{made.stem}-again{suffix}")
