"""Writing a video whole or not at all, with the request that made it."""

from contextlib import ExitStack, suppress
from fractions import Fraction
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Protocol, runtime_checkable

import av
import numpy as np
from jaxtyping import UInt8

from kineograph.core.av_output import LOSSLESS, ContainerOutput
from kineograph.core.errors import OutputError
from kineograph.core.files import check_writable, whole_file, whole_folder
from kineograph.core.gif_output import MAX_FPS as GIF_MAX_FPS
from kineograph.core.gif_output import GifOutput
from kineograph.core.image_output import FolderOutput, is_our_folder
from kineograph.core.request_record import Record, check_sidecar, to_text, with_sidecar

OUTPUT_ENDINGS = (".mp4", ".mov", ".mkv", ".webm", ".gif", ".webp")
"""The endings a video may be written to; none at all means a folder of PNG frames."""

_WEBP_MAX_SIDE = 16_383


@runtime_checkable
class _Output(Protocol):
    def write(self, image: UInt8[np.ndarray, "height width 3"]) -> None: ...

    def finish(self) -> None: ...

    def close(self) -> None: ...


def check_output(path: Path | str) -> None:
    """Say before any work whether a video can be written to `path`.

    Raises:
        OutputError: the ending is unknown, the place cannot be written to, or something stands
            there that must not be replaced.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending and ending not in OUTPUT_ENDINGS:
        raise OutputError(
            f"cannot write {path}: {path.suffix} is no known ending; use one of "
            f"{', '.join(OUTPUT_ENDINGS)}, or none for a folder of PNG frames"
        )
    check_writable(path, folder=not ending, replaceable=_is_replaceable(path))
    if ending:
        check_sidecar(path)


def _is_replaceable(path: Path) -> bool:
    return path.is_dir() and is_our_folder(path)


class VideoWriter:
    """Write RGB frames one by one; the ending of `path` chooses the container.

    `.mp4`, `.mov` and `.mkv` hold H.264, `.webm` VP9, `.gif` and `.webp` an animation; without an
    ending `path` becomes a folder of numbered PNG frames. The record goes into the file and into a
    `.json` beside it (for a folder, `request.json` in it). Nothing appears before all is written,
    and nothing stays behind when an exception, Ctrl-C included, ends the block. Memory does not
    grow with the number of frames, and the same frames and record give the same bytes.

        with VideoWriter("out.mp4", (832, 480), 16, record) as writer:
            for frame in frames:
                writer.write(frame)

    Args:
        path: where to.
        size: (width, height) in pixels. Odd sizes are kept; H.264 then stores full chroma
            (yuv444p), which some browsers do not play.
        fps: frames a second, whole or not (30000 / 1001).
        request: the record to carry: a JSON object with the key `kineograph`.
        lossless: keep every bit, for measuring; in `.mkv` only.

    Raises:
        OutputError: from the constructor, before any work, where size, rate, record or place do
            not fit the container; later where writing fails.
    """

    def __init__(
        self,
        path: Path | str,
        size: tuple[int, int],
        fps: float | int | Fraction,
        request: Record | None = None,
        *,
        lossless: bool = False,
    ) -> None:
        self.path = Path(path)
        if lossless and self.path.suffix.lower() != ".mkv":
            raise OutputError(f"cannot write {path} without loss; name a file that ends in .mkv")
        self._lossless = lossless
        self.size = (int(size[0]), int(size[1]))
        self.fps = _checked_rate(self.path, fps)
        self._request = request
        self._text = None if request is None else to_text(request)
        _check_size(self.path, self.size)
        check_output(self.path)
        self._stack = ExitStack()
        self._output: _Output | None = None
        self._count = 0

    def __enter__(self) -> "VideoWriter":
        with ExitStack() as stack:
            if self.path.suffix:
                stack.enter_context(with_sidecar(self.path, self._request))
                partial = stack.enter_context(whole_file(self.path))
            else:
                replaceable = _is_replaceable(self.path)
                partial = stack.enter_context(whole_folder(self.path, replaceable=replaceable))
            self._output = _open_output(
                self.path, partial, self.size, self.fps, self._text, lossless=self._lossless
            )
            self._stack = stack.pop_all()
        return self

    def write(self, frame: UInt8[np.ndarray, "height width 3"]) -> None:
        """Append one frame, (H, W, 3) uint8 RGB of the writer's size.

        Raises:
            OutputError: the frame has another shape or type, the encoder failed, or the writer
                is not open.
        """
        if self._output is None:
            raise OutputError(f"{self.path} is not open; write inside `with VideoWriter(...)`")
        shape = (self.size[1], self.size[0], 3)
        if frame.shape != shape or frame.dtype != np.uint8:
            raise OutputError(
                f"frame {self._count} has shape {frame.shape} and type {frame.dtype}; "
                f"{self.path} takes uint8 of shape {shape}"
            )
        try:
            self._output.write(frame)
        except av.error.FFmpegError as error:
            raise _encoder_failed(self.path, error) from error
        self._count += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        output, self._output = self._output, None
        if output is None or error is not None:
            if output is not None:
                _give_up(output)
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            self._finish(output)

    def _finish(self, output: _Output) -> None:
        try:
            if self._count == 0:
                raise OutputError(f"cannot write {self.path}: it got no frames; give at least one")
            output.finish()
        except av.error.FFmpegError as error:
            _give_up(output)
            raise _encoder_failed(self.path, error) from error
        except BaseException:
            _give_up(output)
            raise


def _give_up(output: _Output) -> None:
    with suppress(av.error.FFmpegError):  # the half-written file is thrown away in any case
        output.close()


def _encoder_failed(path: Path, error: av.error.FFmpegError) -> OutputError:
    return OutputError(f"cannot write {path}: {error.strerror or error}; is the disk full?")


def _open_output(
    path: Path,
    partial: Path,
    size: tuple[int, int],
    fps: Fraction,
    text: str | None,
    *,
    lossless: bool,
) -> _Output:
    ending = path.suffix.lower()
    try:
        if not ending:
            return FolderOutput(partial, size, fps, text)
        if ending == ".gif":
            return GifOutput(partial, size, fps, text)
        return ContainerOutput(partial, size, fps, text, LOSSLESS if lossless else None)
    except av.error.FFmpegError as error:
        raise _encoder_failed(path, error) from error


def _checked_rate(path: Path, fps: float | int | Fraction) -> Fraction:
    if not isfinite(fps) or not 0 < fps <= 1000:
        raise OutputError(f"cannot write {path} at {fps} frames a second; give 1 to 1000")
    if path.suffix.lower() == ".gif" and fps > GIF_MAX_FPS:
        raise OutputError(
            f"cannot write {path} at {fps} frames a second; GIF ends at {GIF_MAX_FPS}: lower fps "
            "or write .mp4"
        )
    rate = Fraction(fps).limit_denominator(1001)
    return rate if rate else Fraction(fps).limit_denominator(1_000_000)


def _check_size(path: Path, size: tuple[int, int]) -> None:
    if min(size) < 1:
        raise OutputError(f"cannot write {path} at {size[0]}x{size[1]}; sides must be at least 1")
    if path.suffix.lower() == ".webp" and max(size) > _WEBP_MAX_SIDE:
        raise OutputError(
            f"cannot write {path} at {size[0]}x{size[1]}; WebP ends at {_WEBP_MAX_SIDE} pixels a "
            "side: write .mp4"
        )
