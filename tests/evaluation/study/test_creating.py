"""A study from folders: matched, aligned as far as allowed; no file tells systems apart."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from small_studies import FPS, FRAMES, SIZE, SYSTEMS, given_in, made_study, pan, quick

from kineograph.core.errors import EvaluationError, OutputError, StudyError
from kineograph.core.picture import write_picture
from kineograph.core.request_record import find_request
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video, read_video
from kineograph.evaluation.align import Alignment
from kineograph.evaluation.study.creating import Order, create
from kineograph.evaluation.study.format import Wish
from kineograph.evaluation.study.given import Given, rows_of, systems_of, texts_of, videos_in
from kineograph.evaluation.study.media import Media, degraded
from kineograph.evaluation.study.protocols import Protocol, Question
from kineograph.evaluation.study.red_dot import BACKDROP, MOST, chosen_tracks, red_dots
from kineograph.evaluation.study.study_folder import StudyFolder

MOTIF = quick("motif")


@pytest.fixture
def given(tmp_path: Path) -> Given:
    return given_in(tmp_path / "given", 2)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((one / 255.0 - other / 255.0) ** 2)))


def test_every_two_systems_of_every_case(given: Given, tmp_path: Path) -> None:
    study = create(given, Order(MOTIF), tmp_path / "study")
    assert StudyFolder(tmp_path / "study").read() == study
    assert len(study.pairs) == 2 * 3 and len({pair.id for pair in study.pairs}) == 6
    for pair in study.pairs:
        assert pair.systems == tuple(sorted(pair.systems))
        for system, name in zip(pair.systems, pair.videos, strict=True):
            held = read_video(tmp_path / "study" / "media" / name)
            true = pan(int(pair.case[-1]), SYSTEMS[system])
            assert (held.size, len(held), held.fps) == (SIZE, FRAMES, FPS)
            assert psnr(held.frames, true) > 25  # right system, right case
        assert pair.seconds == FRAMES / FPS


def test_one_system_against_each_other_one(given: Given, tmp_path: Path) -> None:
    study = create(given, Order(MOTIF, ours="okapi"), tmp_path / "study")
    assert {pair.systems for pair in study.pairs} == {("okapi", "quagga"), ("okapi", "zebrafinch")}
    with pytest.raises(StudyError, match="--ours tapir was given; it is none of zebrafinch"):
        create(given, Order(MOTIF, ours="tapir"), tmp_path / "other")


def test_nothing_in_the_files_tells_systems_apart(given: Given, tmp_path: Path) -> None:
    Video(pan(0, 2), FPS, {"kineograph": "1", "engine": "zebrafinch"}).save(
        given.videos["zebrafinch"]["case0"]
    )
    study = create(given, Order(MOTIF), tmp_path / "study")
    media = tmp_path / "study" / "media"
    assert len({path.stat().st_mtime for path in media.iterdir()}) == 1
    for path in media.iterdir():
        assert not any(name in path.name for name in (*SYSTEMS, "case"))
        assert len(path.stem) == 32
        held = path.read_bytes()
        assert not any(name.encode() in held for name in (*SYSTEMS, "case0", "kineograph"))
        assert find_request(path) is None
    for case in ("case0", "case1"):
        names = {name for pair in study.pairs if pair.case == case for name in pair.videos}
        assert len(names) == 3
        assert len({(media / name).stat().st_size for name in names}) == 1
        assert len({stream_of(media / name) for name in names}) == 1


def stream_of(path: Path) -> tuple[object, ...]:
    with av.open(str(path)) as container:
        held = container.streams.video[0]
        told = (held.codec_context.name, held.pix_fmt, held.average_rate, held.frames)
        return (*told, held.time_base, str(dict(container.metadata)), str(dict(held.metadata)))


def test_missing_pairs_are_listed_and_refused_unless_allowed(given: Given, tmp_path: Path) -> None:
    given.videos["okapi"]["case0"].unlink()
    held = replace(given, videos={s: videos_in(tmp_path / "given" / s) for s in SYSTEMS})
    with pytest.raises(StudyError, match=r"okapi lacks case0; add them, or use --common"):
        create(held, Order(MOTIF), tmp_path / "study")
    assert not (tmp_path / "study").exists()
    study = create(held, Order(MOTIF, common=True), tmp_path / "study")
    assert {pair.case for pair in study.pairs} == {"case1"}


def test_videos_that_differ_are_refused_and_aligned_when_asked(tmp_path: Path) -> None:
    given = given_in(tmp_path / "given", 2)
    Video(pan(0, 1, frames=9, size=(80, 48)), 10).save(given.videos["okapi"]["case0"])
    message = (
        r"case0 \(zebrafinch 64x48, 6 frames at 12 fps; okapi 80x48, 9 frames at 10 fps; .*\); "
        r"say what to do: --size WxH and --align size=stretch or size=crop, --align length=cut or "
        r"length=resample, --align rate=ignore"
    )
    with pytest.raises(StudyError, match=message):
        create(given, Order(MOTIF), tmp_path / "study")
    for how, error in (
        (Alignment(size="crop", length="cut"), "rate=ignore"),
        (Alignment(size="crop", rate="ignore"), "length=cut"),
        (Alignment(length="cut", rate="ignore"), "size=stretch"),
    ):
        with pytest.raises(StudyError, match=f"say what to do: --.*{error}"):
            create(given, Order(MOTIF, Wish(SIZE, how=how)), tmp_path / "study")
    wish = Wish(SIZE, fps=10, how=Alignment("crop", "cut", "ignore"))
    study = create(given, Order(MOTIF, wish), tmp_path / "study")
    assert study.about["align"] == "size=crop length=cut rate=ignore"
    for pair in study.pairs:
        for name in pair.videos:
            held = read_video(tmp_path / "study" / "media" / name)
            assert (held.size, len(held), held.fps) == (SIZE, 6, 10)


def test_odd_sizes_are_refused(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        Video(pan(0, 1, size=(63, 48)), 8).save(tmp_path / name / "x.mp4")
    given = Given(videos={name: videos_in(tmp_path / name) for name in "ab"})
    protocol = quick("motif", shows_text=False, shows_picture=False)
    with pytest.raises(StudyError, match=r"x is 63x48.*give --size 64x48 --align size=stretch"):
        create(given, Order(protocol), tmp_path / "study")


@pytest.mark.parametrize(
    ("name", "missing", "message"),
    [
        ("motif", "texts", "shows the text, and there is none for case0, case1; .* --texts"),
        ("motif", "pictures", "shows the starting picture, .* --pictures FOLDER"),
        ("motion-prompting", "motion", "shows the wanted motion, .* --motion FOLDER"),
    ],
)
def test_what_the_protocol_shows_has_to_be_there(
    given: Given, tmp_path: Path, name: str, missing: str, message: str
) -> None:
    with pytest.raises(StudyError, match=message):
        create(replace(given, **{missing: {}}), Order(quick(name)), tmp_path / "study")


def test_only_what_the_protocol_shows_is_written(given: Given, tmp_path: Path) -> None:
    study = create(given, Order(quick("motion-prompting")), tmp_path / "study")
    assert all(pair.shown.text == "" and pair.shown.picture is None for pair in study.pairs)
    assert all(pair.shown.motion is not None for pair in study.pairs)


def test_a_folder_with_something_in_it_is_left_alone(given: Given, tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "votes.sqlite").write_text("of another study")
    with pytest.raises(OutputError, match="the folder is not empty"):
        create(given, Order(MOTIF), tmp_path / "study")


def test_a_label_in_the_texts_is_refused(given: Given, tmp_path: Path) -> None:
    question = Question(id="q", text="Is okapi better?")
    protocol = Protocol(name="own", title="Choose", questions=(question,))
    with pytest.raises(StudyError, match="texts say okapi, which is a system's label"):
        create(given, Order(protocol), tmp_path / "study")


# ---- hidden test questions


def test_tests_are_made_for_each_protocol(given: Given, tmp_path: Path) -> None:
    study = create(given, Order(quick("motion-prompting")), tmp_path / "study")
    assert [test.kind for test in study.tests] == ["degraded", "degraded", "moving"]
    assert study.tests[0].checks == ("follows", "motion", "quality")
    assert study.tests[2].checks == ("follows",)
    media = tmp_path / "study" / "media"
    for test in study.tests:
        assert (media / test.good).stat().st_size == (media / test.bad).stat().st_size
        assert test.shown.motion is not None
    one = quick("motion-prompting").only(["quality"])
    study = create(given, Order(one), tmp_path / "other")
    assert [test.kind for test in study.tests] == ["degraded"] * 3  # motion is not asked about


def test_the_moving_test_is_right(given: Given, tmp_path: Path) -> None:
    study = create(given, Order(quick("motion-prompting")), tmp_path / "study")
    test = study.tests[2]
    held = {
        name: read_video(tmp_path / "study" / "media" / file).frames.astype(float)
        for name, file in (("good", test.good), ("bad", test.bad), ("dot", test.shown.motion))
    }
    x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)

    def middle(weight: np.ndarray) -> np.ndarray:
        return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()

    for frame in (0, FRAMES - 1):
        dot = held["dot"][frame]
        red = middle((dot[..., 0] > 180) & (dot[..., 1] < 110))
        for name, near in (("good", True), ("bad", False)):
            moved = np.abs(held[name][frame] - held[name][FRAMES // 2]).sum(axis=-1)
            disc = held[name][frame]
            spot = middle((moved > 120) & (np.abs(disc - disc[2, 2]).sum(axis=-1) > 0))
            far = np.linalg.norm(spot - red)
            assert (far < 12) == near, (name, frame, far)


def test_a_spoilt_video_is_much_worse() -> None:
    good = pan(0, 2)
    bad = degraded(good, np.random.default_rng(0))
    assert bad.shape == good.shape and bad.dtype == np.uint8
    assert psnr(bad, good) < 17
    assert (degraded(good, np.random.default_rng(0)) == bad).all()


def test_own_tests_come_first(given: Given, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    Video(pan(7, 1), FPS).save(own / "trap.good.mp4")
    with pytest.raises(StudyError, match=r"has no trap.bad.mp4; a test question needs it"):
        create(given, Order(quick("motif", shows_picture=False), tests=own), tmp_path / "study")
    Video(pan(7, 0), FPS).save(own / "trap.bad.mp4")
    write_picture(own / "trap.png", pan(7, 0)[0])
    with pytest.raises(StudyError, match="no text for trap"):
        create(given, Order(MOTIF, tests=own), tmp_path / "study")
    (own / "texts.json").write_text(json.dumps({"trap": "it moves"}))
    study = create(given, Order(MOTIF, tests=own), tmp_path / "study")
    assert [test.kind for test in study.tests] == ["given", "degraded"]
    held = read_video(tmp_path / "study" / "media" / study.tests[0].good)
    assert psnr(held.frames, pan(7, 1)) > 25
    assert study.tests[0].shown.text == "it moves"


def test_tests_are_made_of_true_videos_where_given(given: Given, tmp_path: Path) -> None:
    (tmp_path / "truth").mkdir()
    Video(pan(11, 3), FPS).save(tmp_path / "truth" / "case1.mp4")
    held = replace(given, truth=videos_in(tmp_path / "truth"))
    study = create(held, Order(MOTIF), tmp_path / "study")
    for test in study.tests:
        frames = read_video(tmp_path / "study" / "media" / test.good).frames
        assert psnr(frames, pan(11, 3)) > 25


# ---- the wanted motion


def test_a_red_dot_is_where_the_track_is() -> None:
    path = np.array([[[10.5, 20.5], [30.5, 20.5], [50.5, 10.5]]], np.float32)
    frames = red_dots(Tracks.of(points=path, size=SIZE, fps=4))
    for frame, (x, y) in zip(frames, path[0], strict=True):
        assert frame[int(y), int(x), 0] > 200 and frame[int(y), int(x), 1] < 80
        assert (frame[44, 60] == BACKDROP).all()
    assert frames[2][20, 20, 0] > 150 > frames[2][20, 20, 1]  # the way that it came
    assert (frames[0][20, 20] == BACKDROP).all()


def test_one_dot_a_group_and_not_too_many() -> None:
    points = np.random.default_rng(0).uniform(5, 45, (40, 1, 2)).repeat(3, axis=1)
    held = Tracks.of(points=points.astype(np.float32), size=SIZE, fps=4)
    assert chosen_tracks(held).count == MOST
    assert chosen_tracks(held.with_group(np.arange(40) % 3)).count == 3
    with pytest.raises(StudyError, match="no visible track"):
        chosen_tracks(Tracks.of(points=held.points, state=np.zeros((40, 3)), size=SIZE, fps=4))


def test_tracks_of_another_size_are_refused_or_follow(given: Given, tmp_path: Path) -> None:
    path = given.motion["case0"]
    Tracks.load(path).resize((128, 96)).save(path)
    with pytest.raises(StudyError, match="is for 128x96 where the videos are 64x48"):
        create(given, Order(quick("motion-prompting")), tmp_path / "study")
    wish = Wish(how=Alignment(size="stretch"))
    study = create(given, Order(quick("motion-prompting"), wish), tmp_path / "study")
    dots = [
        read_video(tmp_path / "study" / "media" / str(pair.shown.motion)).frames[0]
        for pair in study.pairs
    ]
    assert all(frame[24, 50, 0] > 180 and frame[24, 50, 1] < 100 for frame in dots)


def test_a_video_of_the_motion_is_taken_as_given(given: Given, tmp_path: Path) -> None:
    given.motion["case0"].unlink()
    Video(pan(5, 1, frames=12), 24).save(tmp_path / "given" / "motion" / "case0.mp4")
    held = replace(given, motion={**given.motion, "case0": tmp_path / "given/motion/case0.mp4"})
    study = create(held, Order(quick("motion-prompting")), tmp_path / "study")
    shown = next(pair.shown.motion for pair in study.pairs if pair.case == "case0")
    assert len(read_video(tmp_path / "study" / "media" / str(shown))) == FRAMES


# ---- what is given


def test_labels_and_folders() -> None:
    assert systems_of(["a=x", "b c=y/z"]) == {"a": Path("x"), "b c": Path("y/z")}
    for words, message in (
        (["a=x"], "1 system was given; a comparison takes two"),
        (["a=x", "a=y"], "--videos a was given twice"),
        (["a", "b=y"], "--videos a was given; write LABEL=FOLDER"),
        (["../a=x", "b=y"], "write LABEL=FOLDER"),
    ):
        with pytest.raises(StudyError, match=message):
            systems_of(words)


def test_folders_are_checked(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"there is no folder .*nowhere of videos"):
        videos_in(tmp_path / "nowhere")
    with pytest.raises(StudyError, match=r"holds no videos; they end in .mp4"):
        videos_in(tmp_path)
    for ending in ("mp4", "mkv"):
        Video(pan(0, 1), 8).save(tmp_path / f"x.{ending}")
    with pytest.raises(StudyError, match="have one name; keep one of them"):
        videos_in(tmp_path)


def test_texts_in_two_ways(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"x": "one: two"}')
    (tmp_path / "a.txt").write_text("x\tone: two\n\ny: three\n")
    assert texts_of(tmp_path / "a.json") == {"x": "one: two"}
    assert texts_of(tmp_path / "a.txt") == {"x": "one: two", "y": "three"}
    (tmp_path / "b.txt").write_text("nothing")
    with pytest.raises(StudyError, match="line 1: write a case, a tab and its text"):
        texts_of(tmp_path / "b.txt")
    (tmp_path / "b.json").write_text("[1]")
    with pytest.raises(StudyError, match="no object of case to text"):
        texts_of(tmp_path / "b.json")


def test_a_video_that_cannot_be_read_leaves_nothing(given: Given, tmp_path: Path) -> None:
    given.videos["okapi"]["case1"].write_bytes(b"no video")
    with pytest.raises(Exception, match=r"case1.mp4"):
        create(given, Order(MOTIF), tmp_path / "study")
    assert not (tmp_path / "study").exists()


def test_a_report_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"there is no .*bench.json"):
        rows_of(tmp_path, ["a", "b"])


def test_a_broken_study_is_told(tmp_path: Path) -> None:
    folder = made_study(tmp_path, MOTIF, 1)
    gone = next(folder.media.iterdir())
    shutil.move(gone, tmp_path / "away")
    with pytest.raises(StudyError, match=r"lacks 1 files, the first is"):
        folder.read()
    (folder.where / "study.json").write_text('{"format": 2}')
    with pytest.raises(StudyError, match=r"study.json: .*; mend it and try again"):
        folder.read()
    with pytest.raises(StudyError, match="is no study; make one with `kineograph study create`"):
        StudyFolder(tmp_path).read()


def test_padding_keeps_a_video_playable(tmp_path: Path) -> None:
    media = Media(tmp_path)
    names = [media.video(pan(0, 1), 8), media.video(pan(0, 0), 8)]
    before = [read_video(tmp_path / name).frames for name in names]
    media.even_out(names)
    sizes = {(tmp_path / name).stat().st_size for name in names}
    assert len(sizes) == 1 and sizes.pop() % 4096 == 0
    for name, frames in zip(names, before, strict=True):
        assert (read_video(tmp_path / name).frames == frames).all()
