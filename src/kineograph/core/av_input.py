"""Reading video containers with PyAV: the right stream, upright, in the right colours and time."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from jaxtyping import UInt8

from kineograph.core.errors import VideoError
from kineograph.core.frame_rate import Cadence, cadence
from kineograph.core.picture import check_pixels, on_white
from kineograph.core.request_record import find_request, fps_of_record

# Nothing that could make FFmpeg open a second file (playlists, sdp, concat) or the network.
_OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,gif,apng,avi,mpegts,mpeg,ogg,flv,"
    "asf,h264,hevc,ivf,y4m,yuv4mpegpipe,mp3,wav,flac,aac,m4v,mpegvideo",
}
# swscale's default upsampling of chroma is 4 dB worse and a grey level too dark.
_EXACT = Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND


class ContainerInput:
    """A video file that FFmpeg reads, as frames of a constant rate.

    Attributes: `size` (width, height) as shown, `cadence`, `codec` (FFmpeg's short name).

    Raises:
        VideoError: the file is no video, is broken, or holds no picture.
        PictureError: a frame is larger than `max_pixels`.
    """

    def __init__(self, path: Path, *, max_pixels: int) -> None:
        self.path = path
        self._max_pixels = max_pixels
        with _opened(path) as container:
            stream = _best_stream(container, path)
            check_pixels((stream.width, stream.height), max_pixels=max_pixels, what=str(path))
            self.codec: str = stream.codec_context.name
            self.cadence = _scan(container, stream, path)
        first = next(self._pictures(), None)
        if first is None:
            raise _no_pictures(path)
        self.size = (first[1].shape[1], first[1].shape[0])

    def __iter__(self) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
        return self.cadence.resample(self._pictures())

    def _pictures(self) -> Iterator[tuple[float, UInt8[np.ndarray, "height width 3"]]]:
        """Every decoded picture with its time in seconds."""
        with _opened(self.path) as container:
            stream = _best_stream(container, self.path)
            stream.thread_type = "AUTO"
            convert = _Converter(stream)
            tick = stream.time_base or Fraction(1, 1000)
            step, time = 1.0 / float(self.cadence.fps), self.cadence.start
            for frame in _decoded(container, stream):
                check_pixels(
                    (frame.width, frame.height), max_pixels=self._max_pixels, what=str(self.path)
                )
                if frame.pts is not None:
                    time = float(frame.pts * tick)
                yield time, convert(frame)
                time += step


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    try:
        with av.open(
            str(path.absolute()), metadata_errors="replace", options=_OPTIONS
        ) as container:
            yield container
    except av.error.EOFError as error:  # headers, and nothing behind them
        raise _no_pictures(path) from error
    except av.error.FFmpegError as error:
        raise VideoError(
            f"cannot read {path} as a video: {error.strerror or error}; give a complete mp4, mov, "
            "mkv, webm, gif, webp or a folder of pictures"
        ) from error


def _no_pictures(path: Path) -> VideoError:
    return VideoError(f"{path} holds no moving pictures; give a file with a video stream in it")


def _best_stream(container: InputContainer, path: Path) -> VideoStream:
    """The stream a player would show; the cover of a song is none."""
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream) or stream.disposition & Disposition.attached_pic:
        raise _no_pictures(path)
    return stream


def _scan(container: InputContainer, stream: VideoStream, path: Path) -> Cadence:
    """Read the times of all pictures without decoding any, and choose the constant rate."""
    tick = float(stream.time_base or Fraction(1, 1000))
    starts, ends = [], []
    for packet in container.demux(stream):
        time = packet.dts if packet.pts is None else packet.pts
        if time is None or packet.is_discard:
            continue
        starts.append(time * tick)
        ends.append((time + (packet.duration or 0)) * tick)
    if not starts:
        raise _no_pictures(path)
    _check_whole(container, stream, path, max(ends))
    claims = [stream.average_rate, stream.base_rate, stream.guessed_rate]
    if container.format.name == "gif":  # it says none, FFmpeg guesses from the first delays
        claims = [fps_of_record(find_request(path)), *claims[: len(starts) == 1]]
    return cadence(np.array(starts), max(ends), tick, claims)


def _check_whole(container: InputContainer, stream: VideoStream, path: Path, end: float) -> None:
    """Notice a file that was cut off; FFmpeg itself just stops there, without a word."""
    size = path.stat().st_size
    in_index = any(entry.pos + entry.size > size for entry in stream.index_entries)
    promised = _seconds(stream.metadata.get("DURATION", ""))
    in_tags = promised - end > max(0.2, 0.05 * promised)
    no_trailer = container.format.name == "gif" and b";" not in _tail(path)
    if in_index or in_tags or no_trailer:
        raise VideoError(f"{path} is cut off before its end; get the complete file")


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 16))
        return file.read()


def _seconds(text: str) -> float:
    """Matroska's `00:00:02.501000000`; 0 where it says something else."""
    try:
        hours, minutes, seconds = text.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return 0.0


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    if stream.metadata.get("alpha_mode") != "1":
        yield from container.decode(stream)
        return
    # FFmpeg's own VP8 and VP9 decoders drop the alpha plane, libvpx keeps it.
    name = "libvpx-vp9" if stream.codec_context.name == "vp9" else "libvpx"
    decoder = cast(VideoCodecContext, av.CodecContext.create(name, "r"))
    for packet in container.demux(stream):
        yield from decoder.decode(packet)


class _Converter:
    """Decoded frames to upright RGB with square pixels."""

    def __init__(self, stream: VideoStream) -> None:
        self._reformatter = VideoReformatter()
        self._aspect = stream.sample_aspect_ratio or Fraction(1)

    def __call__(self, frame: VideoFrame) -> UInt8[np.ndarray, "height width 3"]:
        has_alpha = any(component.is_alpha for component in frame.format.components)
        width = max(1, round(frame.width * self._aspect))
        converted = self._reformatter.reformat(
            frame,
            width=width,
            format="rgba" if has_alpha else "rgb24",
            src_colorspace=_matrix(frame),
            dst_color_range=ColorRange.JPEG,
            interpolation=_EXACT,
        ).to_ndarray()
        return _turned(on_white(converted) if has_alpha else converted, frame)


def _matrix(frame: VideoFrame) -> int:
    """The file's own RGB-to-YUV matrix; where it says none, players' rule: by the height."""
    if frame.colorspace in (0, 1, 4, 5, 6, 7, 9, 10):
        return frame.colorspace
    return Colorspace.ITU709 if frame.height >= 720 else Colorspace.ITU601


def _turned(
    image: UInt8[np.ndarray, "height width 3"], frame: VideoFrame
) -> UInt8[np.ndarray, "new_height new_width 3"]:
    """Apply the display matrix (quarter turns and mirrorings) that phones write.

    The matrix [[a, b], [c, d]] sends (x, y) to (a x + c y, b x + d y), y down.
    """
    side_data = cast(Any, frame.side_data)  # PyAV's annotation of it is not what it is
    if "DISPLAYMATRIX" not in side_data:
        return image
    matrix = np.frombuffer(bytes(side_data["DISPLAYMATRIX"]), "<i4").reshape(3, 3)
    (a, b), (c, d) = matrix[:2, :2].tolist()
    if abs(b) > abs(a):
        image, a, d = image.transpose(1, 0, 2), c, b
    image = image[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
    return np.ascontiguousarray(image)
