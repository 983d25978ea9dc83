"""Writing GIF: one palette for the whole clip, found while the frames come in.

A palette a frame makes still regions flicker and the file larger, so the colours are counted over
all frames first. The frames wait in a lossless file meanwhile, so memory stays flat.
"""

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.codec.context import Flags
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from jaxtyping import UInt8

from kineograph.core.embedding import add_to_gif

MAX_FPS = 50
"""GIF counts in hundredths of a second, and players slow down frames shorter than two."""

# An ordered pattern stays where it is from frame to frame; diffused errors crawl.
_DITHER = "dither=bayer:bayer_scale=4"


class GifOutput:
    """One GIF being written: `write` frames, then `finish`, or `close` to give up."""

    def __init__(self, path: Path, size: tuple[int, int], fps: Fraction, text: str | None) -> None:
        self._path, self._size, self._fps, self._text = path, size, fps, text
        self._waiting = path.with_name("frames.mkv")
        self._container = av.open(str(self._waiting.absolute()), "w")
        lossless = {"preset": "ultrafast", "crf": "0"}
        self._stream = self._container.add_stream("libx264rgb", fps, lossless)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "bgr0"
        self._palette = Graph()
        palettegen = self._palette.add("palettegen", "reserve_transparent=0:stats_mode=full")
        _chain(
            self._buffer(self._palette, "bgr0", size), palettegen, self._palette.add("buffersink")
        )
        self._palette.configure()
        self._count = 0

    def _buffer(self, graph: Graph, pixels: str, size: tuple[int, int]) -> FilterContext:
        width, height = size
        return graph.add_buffer(
            width=width, height=height, format=VideoFormat(pixels), time_base=1 / self._fps
        )

    def write(self, image: UInt8[np.ndarray, "height width 3"]) -> None:
        """Append one frame."""
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24").reformat(
            format="bgr0"
        )
        frame.pts, frame.time_base = self._count, 1 / self._fps
        self._count += 1
        self._palette.push(frame)
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Choose the palette and write the GIF."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        self._palette.push(None)
        plain = self._path if self._text is None else self._path.with_name("plain.gif.part")
        self._encode(plain, cast(VideoFrame, self._palette.pull()))
        if self._text is not None:
            add_to_gif(plain, self._path, self._text)

    def _encode(self, path: Path, palette: VideoFrame) -> None:
        options = {"fflags": "+bitexact", "loop": "0"}
        with av.open(
            str(path.absolute()), "w", format="gif", container_options=options
        ) as container:
            stream = container.add_stream("gif", self._fps)
            stream.width, stream.height = self._size
            stream.pix_fmt = "pal8"
            stream.codec_context.flags |= Flags.bitexact
            for frame in self._with_palette(palette):
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))

    def _with_palette(self, palette: VideoFrame) -> Iterator[VideoFrame]:
        graph = Graph()
        frames = self._buffer(graph, "bgr0", self._size)
        colours = self._buffer(graph, "bgra", (16, 16))
        use, sink = graph.add("paletteuse", _DITHER), graph.add("buffersink")
        frames.link_to(use, 0, 0)
        colours.link_to(use, 0, 1)
        use.link_to(sink)
        graph.configure()
        palette.pts, palette.time_base = 0, 1 / self._fps
        colours.push(palette)
        colours.push(None)
        with av.open(str(self._waiting.absolute())) as container:
            for index, frame in enumerate(container.decode(video=0)):
                frame.pts, frame.time_base = index, 1 / self._fps
                frames.push(frame)
                yield from _pulled(sink)
        frames.push(None)
        yield from _pulled(sink)

    def close(self) -> None:
        """Let go of the files; what is in them is not usable."""
        self._container.close()


def _chain(*filters: FilterContext) -> None:
    for first, second in pairwise(filters):
        first.link_to(second)


def _pulled(sink: FilterContext) -> Iterator[VideoFrame]:
    with suppress(av.error.BlockingIOError, av.error.EOFError):
        while True:
            yield cast(VideoFrame, sink.pull())
