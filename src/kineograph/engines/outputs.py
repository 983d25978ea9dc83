"""Where a clip is written: checked before any frame is made."""

from pathlib import Path

from kineograph.core.errors import OutputError
from kineograph.core.files import check_writable
from kineograph.core.picture import PICTURE_ENDINGS
from kineograph.core.request_record import check_sidecar
from kineograph.core.video_writer import check_output

WRITTEN = PICTURE_ENDINGS[:4]
"""The endings that `write_picture` writes."""


def check_outputs(
    video: Path | str | None,
    *,
    last_frame: Path | str | None = None,
    overlay: Path | str | None = None,
) -> None:
    """Say before any work whether the outputs of `Animation.save` can be written.

    Raises:
        OutputError: an ending is unknown, a place cannot be written to, two are one, or there is
            none.
    """
    given = [Path(path) for path in (video, last_frame, overlay) if path is not None]
    if not given:
        raise OutputError("no output is named; name a video, an overlay or a last frame")
    places = [path.resolve() for path in given]
    for path, place in zip(given, places, strict=True):
        if places.count(place) > 1:
            raise OutputError(f"two outputs would be written to {path}; name two different files")
    for clip in (video, overlay):
        if clip is not None:
            check_output(clip)
    if last_frame is not None:
        _check_picture(Path(last_frame))


def _check_picture(path: Path) -> None:
    if path.suffix.lower() not in WRITTEN:
        raise OutputError(
            f"cannot write the last frame to {path}: its ending must be one of {', '.join(WRITTEN)}"
        )
    check_writable(path, folder=False)
    check_sidecar(path)
