"""Writing video containers with PyAV: the same frames and record give the same bytes."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from av.codec.context import Flags
from av.video.frame import VideoFrame
from av.video.reformatter import (
    ColorPrimaries,
    ColorRange,
    Colorspace,
    ColorTrc,
    Interpolation,
    VideoReformatter,
)
from av.video.stream import VideoStream
from jaxtyping import UInt8

from kineograph.core.embedding import add_to_webp, animate_webp

# x264 and libvpx give the same bytes only for the same number of threads, so it is fixed; more
# than four gain nothing at the sizes of video models and cost memory.
_THREADS = 4
_TO_YUV = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP


@dataclass(frozen=True)
class Encoding:
    """How one container is written: FFmpeg's container, encoder, and the options of both."""

    format: str
    codec: str
    options: dict[str, str]
    container: dict[str, str] = field(default_factory=dict)
    pixels: str = "yuv420p"
    pixels_odd: str = "yuv420p"

    def pixel_format(self, size: tuple[int, int]) -> str:
        """H.264 halves the chroma of even sizes only; odd ones keep all of it, and every pixel."""
        return self.pixels_odd if size[0] % 2 or size[1] % 2 else self.pixels


# `veryfast` takes 3 ms a frame at 832x480 on two cores, 6 with grain; `medium` twice to three times
# that, for files no smaller and at most 1.3 dB better.
_H264_OPTIONS = {"preset": "veryfast", "crf": "18"}
_AVX2 = 11  # OpenCV's number for it, which it gives no name
if cv2.checkHardwareSupport(_AVX2):
    # x264's AVX-512 code does not decide the same way twice about the same frames: the macroblock
    # tree comes out different from run to run. Its AVX2 code does, and costs no measurable time.
    # x264 takes the word for it, so it is said only where the processor has it.
    _H264_OPTIONS["x264-params"] = "asm=avx2"
_VP9_OPTIONS = {"crf": "24", "b": "0", "deadline": "good", "cpu-used": "5", "tile-columns": "2"}

ENCODINGS = {
    ".mp4": Encoding(
        "mp4", "libx264", _H264_OPTIONS, {"movflags": "+faststart"}, pixels_odd="yuv444p"
    ),
    ".mov": Encoding(
        "mov",
        "libx264",
        _H264_OPTIONS,
        {"movflags": "+faststart+use_metadata_tags"},  # the older tags end at 64 KB
        pixels_odd="yuv444p",
    ),
    ".mkv": Encoding("matroska", "libx264", _H264_OPTIONS, pixels_odd="yuv444p"),
    ".webm": Encoding("webm", "libvpx-vp9", _VP9_OPTIONS),
    ".webp": Encoding(
        "webp",
        "libwebp_anim",
        {"quality": "85", "compression_level": "2"},
        {"loop": "0"},
        pixels="bgra",
        pixels_odd="bgra",
    ),
}
"""The containers that are written frame by frame, by their ending."""

LOSSLESS = Encoding(
    "matroska",
    "libx264rgb",
    {**_H264_OPTIONS, "crf": "0"},
    pixels="rgb24",
    pixels_odd="rgb24",
)
"""Matroska that gives back every bit, for what is measured later."""


class ContainerOutput:
    """One video file being written: `write` frames, then `finish`, or `close` to give up.

    YUV is BT.709 in limited range, and tagged so, at every size: players then agree on red.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        fps: Fraction,
        text: str | None,
        encoding: Encoding | None = None,
    ) -> None:
        self._path, self._size, self._fps, self._text = path, size, fps, text
        self._encoding = encoding or ENCODINGS[path.suffix.lower()]
        # bitexact leaves out dates, library versions and random identifiers.
        options = {"fflags": "+bitexact", **self._encoding.container}
        name = str(path.absolute())
        self._container = av.open(name, "w", self._encoding.format, container_options=options)
        if text is not None:
            self._container.metadata["comment"] = text
        self._stream = self._add_stream()
        self._reformatter = VideoReformatter()
        self._count = 0

    def _add_stream(self) -> VideoStream:
        encoding = self._encoding
        added = self._container.add_stream(encoding.codec, self._fps, dict(encoding.options))
        stream = cast(VideoStream, added)
        stream.width, stream.height = self._size
        stream.pix_fmt = encoding.pixel_format(self._size)
        stream.thread_count = _THREADS
        stream.codec_context.flags |= Flags.bitexact
        if stream.pix_fmt.startswith("yuv"):
            stream.color_range = ColorRange.MPEG
            stream.colorspace = Colorspace.ITU709
            stream.color_primaries = ColorPrimaries.BT709
            stream.color_trc = ColorTrc.BT709
        return stream

    def write(self, image: UInt8[np.ndarray, "height width 3"]) -> None:
        """Append one frame."""
        rgb = VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24")
        frame = self._reformatter.reformat(
            rgb,
            format=self._stream.pix_fmt,
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=_TO_YUV,
        )
        frame.pts, frame.time_base = self._count, 1 / self._fps
        self._count += 1
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Write what the encoder still holds and the end of the file."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        if self._path.suffix.lower() == ".webp":
            animate_webp(self._path, self._size, round(1000 * self._count / self._fps))
            if self._text is not None:
                add_to_webp(self._path, self._text)

    def close(self) -> None:
        """Let go of the file; what is in it is not usable."""
        self._container.close()
