"""Writing videos: whole or not at all, the same bytes again, the request on board."""

import hashlib
import json
import resource
from fractions import Fraction
from math import log10
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from kineograph.core.errors import OutputError, VideoError
from kineograph.core.request_record import read_request
from kineograph.core.video import Video, open_video, read_video
from kineograph.core.video_writer import OUTPUT_ENDINGS, VideoWriter, check_output

RECORD = {
    "kineograph": "0.1",
    "document": {"text": 'Ein Vögelchen "fliegt" 🐦 <&> \\ 飛ぶ\n', "fps": 16, "seed": 2**53},
}
ENDINGS = [*OUTPUT_ENDINGS, ""]


def moving(count: int, size: tuple[int, int] = (128, 96), seed: int = 0) -> np.ndarray:
    """A smooth coloured texture that moves two pixels a frame, (T, H, W, 3)."""
    coarse = np.random.default_rng(seed).integers(0, 255, (7, 9, 3), np.uint8)
    shape = (size[0] + 2 * count, size[1])
    wide = cv2.resize(coarse, shape, interpolation=cv2.INTER_CUBIC)
    return np.stack([wide[:, 2 * i : 2 * i + size[0]] for i in range(count)])


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return 10 * log10(255**2 / max(1e-9, float(((a.astype(float) - b) ** 2).mean())))


def fingerprint(path: Path) -> str:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


# --- what comes back


@pytest.mark.parametrize(
    ("ending", "bound"),
    # 4:2:0 chroma and crf 18; a 256-colour palette; WebP at quality 85; PNG loses nothing.
    [
        (".mp4", 36),
        (".mov", 36),
        (".mkv", 36),
        (".webm", 38),
        (".gif", 25),
        (".webp", 35),
        ("", 99),
    ],
)
@pytest.mark.parametrize("size", [(128, 96), (127, 95)])
def test_round_trip(tmp_path: Path, ending: str, bound: float, size: tuple[int, int]) -> None:
    frames = moving(12, size)
    path = tmp_path / f"deep/out{ending}"
    Video(frames, 16.0, RECORD).save(path)
    back = read_video(path)
    assert (back.size, len(back), back.fps) == (size, 12, 16.0)
    assert back.request == RECORD
    assert min(psnr(a, b) for a, b in zip(back.frames, frames, strict=True)) > bound


@pytest.mark.parametrize("ending", ENDINGS)
def test_one_frame(tmp_path: Path, ending: str) -> None:
    Video(moving(1), 16, RECORD).save(tmp_path / f"out{ending}")
    back = read_video(tmp_path / f"out{ending}")
    assert (len(back), back.fps) == (1, 16)
    assert back.request == RECORD


SATURATED = [
    (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255), (255, 0, 255),
    (255, 255, 255), (0, 0, 0), (128, 128, 128), (200, 30, 90),
]  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS)
def test_red_stays_red(tmp_path: Path, ending: str) -> None:
    bars = np.repeat(np.array(SATURATED, np.uint8), 16, axis=0)[None].repeat(32, axis=0)
    Video(np.stack([bars] * 3), 16, RECORD).save(tmp_path / f"out{ending}")
    for frame in open_video(tmp_path / f"out{ending}"):
        middles = frame[16, 8::16].astype(int)
        assert np.abs(middles - np.array(SATURATED)).max() <= 4


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv", ".webm"])
def test_yuv_is_tagged_bt709_limited(tmp_path: Path, ending: str) -> None:
    Video(moving(3), 16).save(tmp_path / f"out{ending}")
    with av.open(str(tmp_path / f"out{ending}")) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_range) == (1, 1)
        assert (context.color_primaries, context.color_trc) == (1, 1)


def test_odd_sizes_keep_full_chroma_in_h264(tmp_path: Path) -> None:
    for size, pixels in (((128, 96), "yuv420p"), ((127, 96), "yuv444p"), ((128, 95), "yuv444p")):
        Video(moving(2, size), 16).save(tmp_path / "out.mp4")
        with av.open(str(tmp_path / "out.mp4")) as container:
            assert container.streams.video[0].format.name == pixels


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv", ".webm", ""])
@pytest.mark.parametrize(
    "fps", [1, 12.5, 16, 23.976, 24000 / 1001, Fraction(30000, 1001), 59.94, 0.5]
)
def test_rates_are_exact(tmp_path: Path, ending: str, fps: float | Fraction) -> None:
    with VideoWriter(tmp_path / f"out{ending}", (32, 32), fps) as writer:
        for frame in moving(5, (32, 32)):
            writer.write(frame)
    with open_video(tmp_path / f"out{ending}") as reader:
        assert reader.fps == pytest.approx(float(fps), rel=1e-9)
        assert len(list(reader)) == 5


@pytest.mark.parametrize("fps", [7, 16, 24, 30, 24000 / 1001, 50])
def test_gif_keeps_time_in_hundredths(tmp_path: Path, fps: float) -> None:
    Video(moving(24, (32, 32)), fps).save(tmp_path / "out.gif")
    with Image.open(tmp_path / "out.gif") as image:
        assert image.info["loop"] == 0
        total = 0
        for index in range(image.n_frames):
            image.seek(index)
            total += image.info["duration"]
    assert total / 1000 == pytest.approx(24 / fps, abs=0.011)
    assert open_video(tmp_path / "out.gif").fps == pytest.approx(fps, rel=0.01)
    assert open_video(tmp_path / "out.gif").frames == 24


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_video_in_which_nothing_moves_keeps_its_length(tmp_path: Path, ending: str) -> None:
    frames = np.concatenate([moving(1)] * 10 + [moving(2)[1:]] + [moving(1)] * 20)
    Video(frames[:10], 16, RECORD).save(tmp_path / f"still{ending}")
    Video(frames, 16).save(tmp_path / f"pauses{ending}")
    for name, count in (("still", 10), ("pauses", 31)):
        with open_video(tmp_path / f"{name}{ending}") as reader:
            assert (reader.fps, reader.frames) == (16, count)


def test_still_regions_of_a_gif_do_not_flicker(tmp_path: Path) -> None:
    frames = np.stack([moving(1)[0]] * 6)
    for index in range(6):
        frames[index, 40:60, 10 * index : 10 * index + 20] = (250, 240, 20)
    Video(frames, 10).save(tmp_path / "out.gif")
    back = read_video(tmp_path / "out.gif").frames
    assert (np.ptp(back[:, :30], axis=0) == 0).all()


# --- the same bytes again


@pytest.mark.parametrize("ending", ENDINGS)
def test_same_frames_and_record_give_the_same_bytes(tmp_path: Path, ending: str) -> None:
    """Also under another file name, and next to other work on the same cores."""
    frames = moving(20)
    prints = set()
    for name in ("a", "b", "other"):
        Video(frames, 16, RECORD).save(tmp_path / f"{name}/{name}{ending}")
        prints.add(fingerprint(tmp_path / f"{name}/{name}{ending}"))
    assert len(prints) == 1


def test_h264_is_the_same_whatever_lay_in_memory_before(tmp_path: Path) -> None:
    """Grainy frames of a size at which x264's AVX-512 code gives other bytes each time."""
    rng = np.random.default_rng(0)
    frames = moving(30, (416, 240))
    frames = np.clip(frames + rng.normal(0, 4, frames.shape), 0, 255).astype(np.uint8)
    prints = set()
    for index in range(5):
        rubbish = [rng.bytes(1000 * (37 * index % 50) + 100_000) for _ in range(300)]
        del rubbish
        Video(frames, 16).save(tmp_path / "out.mp4")
        prints.add(fingerprint(tmp_path / "out.mp4"))
    assert len(prints) == 1


def test_another_record_gives_the_same_pictures(tmp_path: Path) -> None:
    Video(moving(6), 16, RECORD).save(tmp_path / "a.mp4")
    Video(moving(6), 16).save(tmp_path / "b.mp4")
    first, second = read_video(tmp_path / "a.mp4"), read_video(tmp_path / "b.mp4")
    np.testing.assert_array_equal(first.frames, second.frames)
    assert second.request is None


# --- the record


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_record_is_in_the_file_and_beside_it(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out{ending}"
    Video(moving(3), 16, RECORD).save(path)
    beside = path / "request.json" if not ending else tmp_path / "out.json"
    assert json.loads(beside.read_text("utf-8")) == RECORD
    assert "Vögelchen" in beside.read_text("utf-8")
    assert read_request(beside) == RECORD
    beside.unlink()
    assert read_request(path) == RECORD
    assert {entry.name for entry in tmp_path.iterdir()} == {path.name}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("length", [0, 229, 230, 231, 254, 255, 256, 200_000])
def test_records_of_any_length(tmp_path: Path, ending: str, length: int) -> None:
    record = {"kineograph": "0.1", "x": "x" * length}
    path = tmp_path / f"out{ending}"
    Video(moving(2, (16, 16)), 16, record).save(path)
    (tmp_path / "out.json").unlink(missing_ok=True)
    assert read_request(path) == record
    assert len(read_video(path)) == 2


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(), st.sampled_from(ENDINGS))
def test_any_text_survives(tmp_path: Path, text: str, ending: str) -> None:
    record = {"kineograph": "0.1", "text": text}
    Video(moving(1, (16, 16)), 16, record).save(tmp_path / f"out{ending}")
    assert read_request(tmp_path / f"out{ending}") == record


def test_a_record_with_its_file_gone_is_taken_from_beside(tmp_path: Path) -> None:
    Video(moving(2), 16, RECORD).save(tmp_path / "out.mp4")
    Video(moving(2), 16).save(tmp_path / "bare.mp4")
    (tmp_path / "bare.mp4").rename(tmp_path / "out.mp4")
    assert read_request(tmp_path / "out.mp4") == RECORD


def test_a_record_does_not_outlive_its_video(tmp_path: Path) -> None:
    Video(moving(2), 16, RECORD).save(tmp_path / "out.mp4")
    Video(moving(2), 16).save(tmp_path / "out.mp4")
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.mp4"]
    with pytest.raises(VideoError, match=r"out\.mp4 carries no request of kineograph; give a file"):
        read_request(tmp_path / "out.mp4")


def test_other_peoples_comments_are_no_records(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        container.metadata["comment"] = '{"prompt": "a cat"}'
        stream = container.add_stream("libx264", rate=16)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode(None))
    Image.new("RGB", (8, 8)).save(tmp_path / "a.gif", comment=b"made with love")
    (tmp_path / "a.json").write_text("[" * 100_000)
    for name in ("a.mp4", "a.gif", "a.json"):
        with pytest.raises(VideoError, match="carries no request of kineograph"):
            read_request(tmp_path / name)
    with pytest.raises(VideoError, match="there is no file at"):
        read_request(tmp_path / "none.mp4")


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"a": 1}, "must be a dict with the key 'kineograph', the version"),
        ({"kineograph": float("nan")}, "cannot be written as JSON: "),
        ({"kineograph": {1, 2}}, "cannot be written as JSON: "),
    ],
)
def test_records_that_are_none(tmp_path: Path, record: dict, message: str) -> None:
    with pytest.raises(OutputError, match=message):
        VideoWriter(tmp_path / "out.mp4", (16, 16), 16, record)
    assert list(tmp_path.iterdir()) == []


# --- whole or not at all


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, FileNotFoundError])
@pytest.mark.parametrize("written", [0, 5])
def test_nothing_stays_behind(
    tmp_path: Path, ending: str, error: type[BaseException], written: int
) -> None:
    with (
        pytest.raises(error),
        VideoWriter(tmp_path / f"new/out{ending}", (128, 96), 16, RECORD) as writer,
    ):
        for frame in moving(written or 1)[:written]:
            writer.write(frame)
        raise error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_old_video_stays_until_the_new_one_is_whole(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out{ending}"
    Video(moving(3), 16, RECORD).save(path)
    before, names = fingerprint(path), sorted(tmp_path.rglob("*"))
    with pytest.raises(KeyboardInterrupt), VideoWriter(path, (128, 96), 16, RECORD) as writer:
        writer.write(moving(1)[0])
        raise KeyboardInterrupt
    assert (fingerprint(path), sorted(tmp_path.rglob("*"))) == (before, names)
    Video(moving(2, seed=1), 16, RECORD).save(path)
    assert len(read_video(path)) == 2


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_frames_is_an_error(tmp_path: Path, ending: str) -> None:
    with (
        pytest.raises(OutputError, match="it got no frames; give at least one"),
        VideoWriter(tmp_path / f"out{ending}", (128, 96), 16),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_another_shape(tmp_path: Path) -> None:
    with (
        pytest.raises(
            OutputError, match=r"frame 1 has shape \(95, 128, 3\) and type uint8; .* tak"
        ),
        VideoWriter(tmp_path / "out.mp4", (128, 96), 16) as writer,
    ):
        writer.write(moving(1)[0])
        writer.write(moving(1)[0][:95])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputError, match=r"is not open; write inside `with VideoWriter"):
        writer.write(moving(1)[0])


@pytest.mark.parametrize("ending", ENDINGS)
def test_awkward_names(tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that FFmpeg takes for protocols, options or patterns, or that are just long."""
    monkeypatch.chdir(tmp_path)
    for name in ("12:30", "-y", "frame%03d", "Filmchen mit Käse 🧀", "é" * 100):
        Video(moving(2, (16, 16)), 16, RECORD).save(f"{name}{ending}")
        assert len(read_video(f"{name}{ending}")) == 2
        assert read_request(f"{name}{ending}") == RECORD


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 1), (17, 500)])
@pytest.mark.parametrize("ending", ENDINGS)
def test_extreme_sizes(tmp_path: Path, ending: str, size: tuple[int, int]) -> None:
    frames = np.full((3, size[1], size[0], 3), 128, np.uint8)
    Video(frames, 16, RECORD).save(tmp_path / f"out{ending}")
    back = read_video(tmp_path / f"out{ending}").frames
    assert np.abs(back.astype(int) - frames).max() <= 3


# --- refused before any work


@pytest.mark.parametrize(
    ("name", "size", "fps", "message"),
    [
        ("out.xyz", (16, 16), 16, r"\.xyz is no known ending; use one of \.mp4, .*, or none for a"),
        ("out.MP3", (16, 16), 16, r"\.MP3 is no known ending"),
        ("file/out.mp4", (16, 16), 16, r"cannot write to .*file: .*; name a folder you may write"),
        ("dir.mp4", (16, 16), 16, "it is a folder; name a file"),
        ("file", (16, 16), 16, "cannot write a folder to .*file: it is a file"),
        ("full", (16, 16), 16, "the folder is not empty and was not made by kineograph"),
        ("scene.motion.mp4", (16, 16), 16, r"overwrite .*scene\.motion\.json, which kineograph"),
        ("out.mp4", (0, 16), 16, "at 0x16; sides must be at least 1"),
        ("out.webp", (20000, 16), 16, "WebP ends at 16383 pixels a side: write .mp4"),
        ("out.mp4", (16, 16), 0, "at 0 frames a second; give 1 to 1000"),
        ("out.mp4", (16, 16), float("nan"), "at nan frames a second"),
        ("out.gif", (16, 16), 60, "at 60 frames a second; GIF ends at 50: lower fps or write .mp4"),
    ],
)  # fmt: skip
def test_refused(
    tmp_path: Path, name: str, size: tuple[int, int], fps: float, message: str
) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "dir.mp4").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "000000.png").write_text("mine")
    (tmp_path / "scene.motion.json").write_text('{"version": 1, "gestures": []}')
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputError, match=message) as raised:
        VideoWriter(tmp_path / name, size, fps, RECORD)
    assert "\n" not in str(raised.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_check_output_accepts_what_can_be_written(tmp_path: Path) -> None:
    for ending in (*ENDINGS, ".MP4"):
        check_output(tmp_path / f"a/b/out{ending}")
    assert list(tmp_path.iterdir()) == []


# --- memory


@pytest.mark.parametrize("ending", [".mp4", ".webm", ".gif"])
def test_memory_does_not_grow_with_the_frames(tmp_path: Path, ending: str) -> None:
    """Two hundred more frames of 0.23 MB each would be 46 MB, were they kept."""
    frames = moving(20, (320, 240))

    def peak_after(count: int) -> float:
        with VideoWriter(tmp_path / f"out{ending}", (320, 240), 16) as writer:
            for index in range(count):
                writer.write(frames[index % 20])
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    peak_after(60)
    assert peak_after(260) - peak_after(60) < 15


@pytest.mark.parametrize("size", [(64, 48), (33, 47)])
def test_lossless_gives_back_every_bit(tmp_path: Path, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (5, size[1], size[0], 3), dtype=np.uint8)
    with VideoWriter(tmp_path / "held.mkv", size, 7.5, lossless=True) as writer:
        for frame in noise:
            writer.write(frame)
    found = read_video(tmp_path / "held.mkv")
    assert found.fps == 7.5
    np.testing.assert_array_equal(found.frames, noise)


def test_lossless_has_one_container(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"name a file that ends in \.mkv"):
        VideoWriter(tmp_path / "held.mp4", (64, 48), 8, lossless=True)
