"""Reading videos: every container, upright, in the right colours, at the right times."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kineograph.core.errors import PictureError, VideoError
from kineograph.core.frame_rate import Cadence, cadence
from kineograph.core.video import Video, open_video, read_video
from kineograph.core.video_writer import VideoWriter

GREYS = (16, 60, 100, 140, 180, 220)


def flat(value: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
    return np.full((size[1], size[0], 3), value, np.uint8)


def make(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    times: Sequence[int] | None = None,
    tick: Fraction = Fraction(1, 16),
    codec: str = "libx264",
    pixels: str = "yuv420p",
    prepare: Callable[[av.VideoStream], None] = lambda stream: None,
    **tags: int,
) -> Path:
    """Write a video with PyAV alone; `times` are in units of `tick`."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=1 / tick)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        stream.codec_context.time_base = tick
        prepare(stream)
        source = {3: "rgb24", 4: "rgba"}[frames[0].shape[2]]
        for time, image in zip(times or range(len(frames)), frames, strict=True):
            frame = av.VideoFrame.from_ndarray(image, source).reformat(format=pixels, **tags)
            frame.pts, frame.time_base = time, tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def levels(path: Path, **options: float) -> list[int]:
    """The grey of every frame, as the nearest of GREYS."""
    greys = np.array(GREYS)
    means = [frame.mean() for frame in open_video(path, **options)]
    return [int(np.abs(greys - mean).argmin()) for mean in means]


def quarters(size: tuple[int, int] = (64, 48)) -> np.ndarray:
    image = np.zeros((size[1], size[0], 3), np.uint8)
    y, x = size[1] // 2, size[0] // 2
    image[:y, :x], image[:y, x:], image[y:, :x] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    return image


# --- containers


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mov", "libx264", "yuv444p"),
        ("b.mkv", "ffv1", "gray"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.gif", "gif", "gray"),
        ("ten.mp4", "libx264", "yuv420p10le"),
    ],
)
def test_every_container(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    path = make(tmp_path / name, [flat(grey) for grey in GREYS], codec=codec, pixels=pixels)
    with open_video(path) as reader:
        assert (reader.size, reader.fps, reader.frames) == ((64, 48), 16.0, 6)
        assert reader.duration == pytest.approx(6 / 16)
        assert reader.request is None
    video = read_video(path)
    assert video.frames.shape == (6, 48, 64, 3)
    np.testing.assert_allclose(video.frames.mean(axis=(1, 2, 3)), GREYS, atol=2)
    assert np.ptp(video.frames, axis=-1).max() <= 4


def test_iterating_twice_and_stopping_early(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", [flat(grey) for grey in GREYS])
    with open_video(path) as reader:
        first = next(iter(reader))
        assert len(list(reader)) == len(reader) == 6
        np.testing.assert_array_equal(first, next(iter(reader)))
    assert read_video(path, max_frames=2).frames.shape == (2, 48, 64, 3)
    assert read_video(path, max_frames=99).frames.shape == (6, 48, 64, 3)


@pytest.mark.parametrize("size", [(65, 47), (1, 1), (7, 2), (64, 48)])
def test_odd_sizes_are_kept(tmp_path: Path, size: tuple[int, int]) -> None:
    path = make(tmp_path / "a.mkv", [flat(99, size)] * 3, codec="ffv1", pixels="bgr0")
    assert open_video(path).size == size
    np.testing.assert_array_equal(read_video(path).frames, np.full((3, *size[::-1], 3), 99))


def test_animated_png(tmp_path: Path) -> None:
    frames = [Image.fromarray(flat(grey)) for grey in GREYS]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:], duration=125)
    assert open_video(tmp_path / "a.png").fps == 8
    assert levels(tmp_path / "a.png") == [0, 1, 2, 3, 4, 5]


# --- orientation and shape


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_display_matrix(tmp_path: Path, degrees: int, mirrored: bool) -> None:
    """FFmpeg writes a matrix of counter-clockwise degrees, mirrored after it is turned."""
    path = make(
        tmp_path / "a.mp4",
        [quarters()] * 2,
        prepare=lambda stream: stream.set_display_rotation(degrees, hflip=mirrored),
    )
    want = np.rot90(quarters(), degrees // 90)
    want = want[:, ::-1] if mirrored else want
    with open_video(path) as reader:
        assert reader.size == (want.shape[1], want.shape[0])
        got = next(iter(reader))
    for y, x in ((8, 8), (8, -8), (-8, 8), (-8, -8)):
        np.testing.assert_allclose(got[y, x], want[y, x], atol=4)


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    def anamorphic(stream: av.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(3, 2)

    path = make(tmp_path / "a.mp4", [quarters()] * 2, prepare=anamorphic)
    assert open_video(path).size == (96, 48)
    np.testing.assert_allclose(next(iter(open_video(path)))[8, 40], [255, 0, 0], atol=4)


# --- colours


@pytest.mark.parametrize("matrix", [1, 5])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("size", [(64, 48), (96, 720)])
def test_colours_follow_the_tags(
    tmp_path: Path, matrix: int, full: bool, size: tuple[int, int]
) -> None:
    """Saturated colours come back whichever matrix and range the file says it uses."""

    def tagged(stream: av.VideoStream) -> None:
        stream.colorspace, stream.color_range = matrix, 2 if full else 1

    path = make(
        tmp_path / "a.mp4",
        [quarters(size)] * 2,
        prepare=tagged,
        dst_colorspace=matrix,
        dst_color_range=2 if full else 1,
    )
    got = next(iter(open_video(path)))
    for y, x in ((8, 8), (8, -8), (-8, 8), (-8, -8)):
        np.testing.assert_allclose(got[y, x], quarters(size)[y, x], atol=5)


@pytest.mark.parametrize(("height", "matrix"), [(48, 5), (720, 1)])
def test_untagged_colours_go_by_the_height(tmp_path: Path, height: int, matrix: int) -> None:
    image = quarters((64, height))
    path = make(tmp_path / "a.mp4", [image] * 2, dst_colorspace=matrix, dst_color_range=1)
    np.testing.assert_allclose(next(iter(open_video(path)))[8, 8], [255, 0, 0], atol=4)


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [("a.webm", "libvpx-vp9", "yuva420p"), ("a.mkv", "ffv1", "bgra"), ("a.webp", "", "")],
)
def test_alpha_is_composited_on_white(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    image = np.zeros((48, 64, 4), np.uint8)
    image[..., 0], image[:, 32:, 3] = 200, 255
    path = tmp_path / name
    if codec:
        make(path, [image] * 3, codec=codec, pixels=pixels)
    else:
        still = Image.fromarray(image)
        changed = still.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        changed.putpixel((40, 40), (0, 9, 0, 255))
        options = {"duration": 100, "lossless": True}
        still.save(path, save_all=True, append_images=[changed], **options)
    for frame in open_video(path):
        np.testing.assert_allclose(frame[24, 8], [255, 255, 255], atol=3)
        np.testing.assert_allclose(frame[24, 56], [200, 0, 0], atol=4)


# --- time


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25, 2)])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_fractional_rates(tmp_path: Path, rate: Fraction, name: str) -> None:
    path = make(tmp_path / name, [flat(grey) for grey in GREYS * 10], tick=1 / rate)
    assert open_video(path).fps == float(rate)
    assert levels(path) == [0, 1, 2, 3, 4, 5] * 10


def test_variable_rate_shows_each_picture_at_its_time(tmp_path: Path) -> None:
    """Pictures at 0, 0.1, 0.3, 0.35, 0.6 and 1.0 s are all on the grid of 20 frames a second."""
    times = [0, 100, 300, 350, 600, 1000]
    path = make(
        tmp_path / "a.mkv", [flat(grey) for grey in GREYS], times=times, tick=Fraction(1, 1000)
    )
    with open_video(path) as reader:
        fps = reader.fps
    assert fps == 20
    shown = levels(path)
    for index, picture in enumerate(shown):
        assert picture == np.searchsorted(times, 1000 * index / fps, side="right") - 1


def test_jittery_camera_keeps_time(tmp_path: Path) -> None:
    """Thirty pictures a second, each up to 12 ms off: no picture is shown over half a frame off."""
    rng = np.random.default_rng(3)
    times = np.arange(120) * 100 / 3 + rng.uniform(-12, 12, 120).round()
    times = np.sort(times - times[0]).round().astype(int)
    pictures = [flat(GREYS[index % 6]) for index in range(120)]
    path = make(
        tmp_path / "a.mkv",
        pictures,
        times=times.tolist(),
        tick=Fraction(1, 1000),
        codec="ffv1",
        pixels="gray",
    )
    with open_video(path) as reader:
        assert reader.fps == pytest.approx(30, rel=0.05)
        assert reader.duration == pytest.approx(times[-1] / 1000 + 1 / 30, abs=0.1)
        fps = reader.fps
    for index, picture in enumerate(levels(path)):
        due = 1000 * index / fps
        near = [n for n in range(120) if abs(times[n] - due) < 60]
        assert picture in {n % 6 for n in near}


def test_a_long_pause_does_not_slow_the_rest(tmp_path: Path) -> None:
    times = [*range(0, 500, 50), 3000, 3050]
    pictures = [flat(GREYS[index % 6]) for index in range(12)]
    path = make(tmp_path / "a.mkv", pictures, times=times, tick=Fraction(1, 1000))
    shown = levels(path)
    assert open_video(path).fps == 20
    assert shown[:10] == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3]
    assert set(shown[10:60]) == {3}
    assert shown[60:] == [4, 5]


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_animations_with_varying_delays(tmp_path: Path, name: str) -> None:
    delays = [100, 300, 50, 250, 100, 400]
    frames = [Image.fromarray(flat(grey)) for grey in GREYS]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=delays)
    with open_video(tmp_path / name) as reader:
        assert (reader.fps, reader.frames) == (20, 24)
    want = [picture for picture, delay in enumerate(delays) for _ in range(delay // 50)]
    assert levels(tmp_path / name) == want


def test_a_late_start_is_not_shown(tmp_path: Path) -> None:
    times = range(1000, 1600, 100)
    pictures = [flat(grey) for grey in GREYS]
    path = make(tmp_path / "a.mkv", pictures, times=list(times), tick=Fraction(1, 1000))
    assert levels(path) == [0, 1, 2, 3, 4, 5]


@given(
    st.lists(st.floats(0, 3), min_size=1, max_size=20, unique=True),
    st.sampled_from([Fraction(7), Fraction(25, 2), Fraction(30000, 1001)]),
    st.integers(1, 120),
)
def test_resampling_shows_the_last_picture_begun(
    starts: list[float], fps: Fraction, frames: int
) -> None:
    starts = sorted(starts)
    shown = list(Cadence(fps, frames, starts[0]).resample(zip(starts, range(20), strict=False)))
    assert len(shown) == frames
    for index, picture in enumerate(shown):
        due = starts[0] + (index + 0.5) / float(fps)
        assert starts[picture] <= due + 1e-9
        assert picture + 1 == len(starts) or starts[picture + 1] >= due - 1e-9


@given(
    st.fractions(1, 60, max_denominator=50),
    st.integers(2, 80),
    st.sampled_from([0.0, 1 / 90000, 0.001]),
    st.floats(0, 100),
)
def test_a_constant_rate_is_found_again(
    fps: Fraction, count: int, tick: float, start: float
) -> None:
    starts = start + np.arange(count) / float(fps)
    if tick:
        starts = np.rint(starts / tick) * tick
    found = cadence(starts, float(starts[-1]), tick, [fps])
    assert (found.fps, found.frames) == (fps, count)
    unclaimed = cadence(starts, float(starts[-1]), tick)
    assert unclaimed.frames == count
    assert float(unclaimed.fps) == pytest.approx(float(fps), rel=0.1)


# --- streams


def add_sound(container: av.container.OutputContainer, seconds: float = 0.5) -> None:
    stream = container.add_stream("aac", rate=44100)
    silence = np.zeros((1, int(44100 * seconds)), np.float32)
    frame = av.AudioFrame.from_ndarray(silence, "fltp", "mono")
    frame.sample_rate = 44100
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


@pytest.mark.parametrize("chosen", [0, 1])
def test_of_several_streams_the_default_is_taken(tmp_path: Path, chosen: int) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        streams = []
        for size in ((32, 32), (128, 96)):
            stream = container.add_stream("libx264", rate=16)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            streams.append(stream)
        streams[chosen].disposition = Disposition.default
        add_sound(container)
        for index, grey in enumerate(GREYS):
            for stream in streams:
                image = flat(grey, (stream.width, stream.height))
                frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="yuv420p")
                frame.pts, frame.time_base = index, Fraction(1, 16)
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    assert open_video(path).size == ((32, 32), (128, 96))[chosen]
    assert levels(path) == [0, 1, 2, 3, 4, 5]


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        add_sound(container)
    with pytest.raises(
        VideoError, match=r"a\.mp4 holds no moving pictures; give a file with a vid"
    ):
        open_video(tmp_path / "a.mp4")


def test_a_stream_without_frames(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=16)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    with pytest.raises(VideoError, match=r"a\.mkv holds no moving pictures"):
        open_video(tmp_path / "a.mkv")


# --- folders


def save_frames(folder: Path, names: Sequence[str]) -> Path:
    folder.mkdir()
    for grey, name in zip(GREYS, names, strict=False):
        Image.fromarray(flat(grey)).save(folder / name)
    return folder


def test_folder_in_natural_order(tmp_path: Path) -> None:
    names = ["f1.png", "f2.PNG", "f10.jpg", "f11.png", "f100.webp", "g1.png"]
    folder = save_frames(tmp_path / "in", names)
    (folder / ".hidden.png").write_text("no picture")
    (folder / "notes.txt").write_text("no picture")
    with open_video(folder, fps=12.5) as reader:
        assert (reader.size, reader.fps, reader.frames) == ((64, 48), 12.5, 6)
    assert levels(folder, fps=12.5) == [0, 1, 2, 3, 4, 5]


def test_folder_says_its_rate(tmp_path: Path) -> None:
    folder = save_frames(tmp_path / "in", ["0.png", "1.png"])
    with pytest.raises(VideoError, match="does not say its frames a second; give --fps"):
        open_video(folder)
    (folder / "request.json").write_text('{"kineograph": "0.1", "document": {"fps": 8}}')
    assert open_video(folder).fps == 8
    assert open_video(folder, fps=30).fps == 30


def test_folder_of_different_sizes(tmp_path: Path) -> None:
    folder = save_frames(tmp_path / "in", ["0.png", "1.png"])
    Image.fromarray(flat(0, (32, 32))).save(folder / "2.png")
    with pytest.raises(VideoError, match=r"2\.png is 32x32 but 0\.png is 64x48; all frames must"):
        list(open_video(folder, fps=8))


def test_folder_with_nothing_in_it(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"holds no pictures \(\.png, .*\); name another"):
        open_video(tmp_path)


# --- bad input


def cut(path: Path) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    return path


def noise(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(count)]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm", "a.gif", "a.webp"])
def test_a_file_cut_off(tmp_path: Path, name: str) -> None:
    with VideoWriter(tmp_path / name, (64, 48), 16) as writer:  # .mp4 with its index in front
        for frame in noise(40):
            writer.write(frame)
    with pytest.raises(VideoError, match=rf"{name} (as WebP: it ends too early|is cut off before)"):
        list(open_video(cut(tmp_path / name)))


def test_an_mp4_without_its_index(tmp_path: Path) -> None:
    path = cut(make(tmp_path / "a.mp4", noise(20)))
    with pytest.raises(VideoError, match=r"^cannot read .*a\.mp4 as a video: .*; give a complete"):
        open_video(path)


@pytest.mark.parametrize("content", [b"", b"just a text, not a film\n" * 50])
@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.gif", "a.webp", "noending"])
def test_a_file_that_is_something_else(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VideoError, match=rf"{name} (as (a video|WebP)|holds no moving)") as raised:
        open_video(tmp_path / name)
    assert "\n" not in str(raised.value)


def test_playlists_do_not_open_other_files(tmp_path: Path) -> None:
    secret = make(tmp_path / "secret.mp4", [flat(99)] * 3)
    playlist = tmp_path / "list.mp4"
    playlist.write_text(f"ffconcat version 1.0\nfile {secret.name}\n")
    with pytest.raises(VideoError, match="cannot read"):
        open_video(playlist)
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret.name}\n")
    with pytest.raises(VideoError, match="cannot read"):
        open_video(playlist)


def test_missing_and_still(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"there is no video at .*a\.mp4; check the name"):
        open_video(tmp_path / "a.mp4")
    for name in ("a.png", "a.jpg", "a.webp"):
        Image.fromarray(flat(9)).save(tmp_path / name)
        with pytest.raises(VideoError, match="is a still picture, not a video; name a video"):
            open_video(tmp_path / name)
    make(tmp_path / "a.mp4", [flat(9)])
    with pytest.raises(VideoError, match="fps is for folders of pictures"):
        open_video(tmp_path / "a.mp4", fps=5)


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "a.mp4", [flat(9)] * 3)
    with pytest.raises(PictureError, match=r"a\.mp4 is 64x48, .*allow it with --max-pixels 3072"):
        open_video(path, max_pixels=3071)
    monkeypatch.setattr("kineograph.core.video.MAX_VIDEO_PIXELS", 2 * 64 * 48)
    with pytest.raises(VideoError, match=r"3 frames of 64x48, too much .* at most 2 with max_f"):
        read_video(path)
    assert len(read_video(path, max_frames=2)) == 2


def test_the_video_itself() -> None:
    video = Video(np.zeros((4, 48, 64, 3), np.uint8), 16.0)
    assert (video.size, len(video), video.duration) == ((64, 48), 4, 0.25)
    with pytest.raises(VideoError, match="fps is 0; give a number above 0"):
        Video(video.frames, 0)
    with pytest.raises(VideoError, match=r"shape \(0, 48, 64, 3\) .* give uint8 of shape"):
        Video(video.frames[:0], 16.0)


# --- real clips


def test_real_clips(clips: Path) -> None:
    names = sorted(path for path in clips.iterdir() if path.suffix in (".mp4", ".mkv", ".webm"))
    assert names
    for path in names:
        with open_video(path) as reader:
            frames = iter(reader)
            first = [next(frames) for _ in range(min(5, reader.frames))]
            assert first[0].shape == (reader.size[1], reader.size[0], 3)
            assert 5 < reader.fps < 121
            assert reader.duration == pytest.approx(reader.frames / reader.fps)
