"""Transfers: another video's tracks on this picture, as they are or aligned by pairs of points."""

from pathlib import Path

import numpy as np
import pytest
from tests.conftest import made_texture

from kineograph.core.errors import DocumentError
from kineograph.core.picture import write_picture
from kineograph.core.tracks import Tracks
from kineograph.core.video import Video
from kineograph.gestures.document import Document
from kineograph.gestures.scene import Scene
from kineograph.gestures.shorthand.video import parse_transfer
from kineograph.gestures.transfer import Transfer, log_uniform_subset
from kineograph.gestures.videos.alignment import Affine, ThinPlate

SOURCE, CANVAS = (80, 60), (160, 180)


@pytest.fixture
def held(tmp_path: Path) -> Tracks:
    """A 10x6 grid that goes 1 px to the right a frame, for 9 frames at 8 fps."""
    grid = np.stack(np.meshgrid(np.arange(10) * 8 + 4.0, np.arange(6) * 10 + 5.0), -1)
    points = grid.reshape(-1, 1, 2) + np.arange(9)[:, None] * np.array([1.0, 0])
    state = np.ones(points.shape[:2], np.uint8)
    state[0, 5:] = 2
    tracks = Tracks.of(points, state, size=SOURCE, fps=8)
    tracks.save(tmp_path / "held.npz")
    return tracks


def expand(folder: Path, frames: int = 9, fps: float = 8, **fields) -> Tracks:
    scene = Scene(size=CANVAS, frames=frames, fps=fps, folder=folder)
    tracks = Transfer(**{"path": "held.npz", **fields}).expand(scene).tracks
    assert tracks is not None
    return tracks


def test_as_they_are_they_are_stretched_over_the_canvas(held: Tracks, tmp_path: Path) -> None:
    tracks = expand(tmp_path)
    np.testing.assert_allclose(tracks.points, held.points * np.array([2, 3]), rtol=1e-5)
    np.testing.assert_array_equal(tracks.state, held.hide_outside().state)


def test_scale_makes_the_motion_larger_and_speed_makes_it_faster(
    held: Tracks, tmp_path: Path
) -> None:
    larger = expand(tmp_path, scale=3)
    np.testing.assert_allclose(larger.points[:, 0], held.points[:, 0] * [2, 3], rtol=1e-5)
    np.testing.assert_allclose(larger.displacements()[12, -1], [48, 0], atol=1e-4)
    faster = expand(tmp_path, speed=2, end=0.5)
    assert faster.state[12].tolist() == [1] * 5 + [0] * 4
    np.testing.assert_allclose(faster.displacements()[12, :5, 0], [0, 4, 8, 12, 16], atol=1e-4)


def test_the_number_of_tracks_is_drawn_at_random_by_the_seed(held: Tracks, tmp_path: Path) -> None:
    first, again, other = (expand(tmp_path, count=20, seed=seed) for seed in (1, 1, 2))
    assert first.count == 20 and expand(tmp_path, count=500).count == 60
    np.testing.assert_array_equal(first.points, again.points)
    assert not np.array_equal(first.points, other.points)


def test_only_tracks_of_the_region_and_the_mask_are_taken(held: Tracks, tmp_path: Path) -> None:
    left = expand(tmp_path, region=(0, 0, 40, 60))
    assert left.count == 30 and (left.points[:, 0, 0] < 80).all()
    assert expand(tmp_path, region=[(0, 0), (80, 0), (0, 60)]).count < 34
    mask = np.zeros((30, 40, 3), np.uint8)
    mask[:15] = 255
    write_picture(tmp_path / "mask.png", mask)
    upper = expand(tmp_path, mask="mask.png")
    assert upper.count == 30 and (upper.points[:, 0, 1] < 90).all()
    with pytest.raises(DocumentError, match=r"no track of held.npz begins in the region"):
        expand(
            tmp_path, region=(0, 0, 40, 60), mask="mask.png", count=5, path=_right(held, tmp_path)
        )
    with pytest.raises(DocumentError, match=r"corner 90,0 lies outside the first frame of 80x60"):
        expand(tmp_path, region=(10, 0, 90, 60))


def _right(held: Tracks, folder: Path) -> str:
    held.select(np.flatnonzero(held.points[:, 0, 0] > 60)).save(folder / "held.npz")
    return "held.npz"


def test_a_similarity_turns_the_motion_with_the_picture(held: Tracks, tmp_path: Path) -> None:
    # turned by 90 degrees, twice as large: (x, y) -> (100 - 2 y, 20 + 2 x)
    pairs = [((10, 10), (80, 40)), ((40, 10), (80, 100)), ((10, 30), (40, 40))]
    tracks = expand(tmp_path, pairs=pairs)
    x, y = held.points[..., 0], held.points[..., 1]
    np.testing.assert_allclose(
        tracks.points, np.stack([100 - 2 * y, 20 + 2 * x], axis=-1), atol=1e-3
    )


def test_a_thin_plate_meets_every_pair_and_is_a_similarity_where_they_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    source = rng.uniform(0, 80, (7, 2))
    target = source * 1.5 + rng.normal(0, 2, (7, 2)) + [20, 5]
    spline = ThinPlate.through(source, target)
    np.testing.assert_allclose(spline.at(source), target, atol=1e-8)
    points = rng.uniform(0, 80, (20, 2))
    small = 1e-5
    for axis in (0, 1):
        step = small * np.eye(2)[axis]
        slope = (spline.at(points + step) - spline.at(points - step)) / (2 * small)
        np.testing.assert_allclose(spline.jacobian(points)[..., axis], slope, atol=1e-5)
    turned = Affine.similarity(source, source @ np.array([[0, 2], [-2, 0]]) + 7)
    plate = ThinPlate.through(source, turned.at(source))
    np.testing.assert_allclose(plate.at(points), turned.at(points), atol=1e-8)
    np.testing.assert_allclose(plate.jacobian(points), turned.jacobian(points), atol=1e-8)


def test_similarities_are_found_exactly_and_in_the_least_squares_sense() -> None:
    rng = np.random.default_rng(1)
    source = rng.uniform(0, 100, (30, 2))
    matrix = 1.7 * np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    target = source @ matrix.T + [3, -8]
    found = Affine.similarity(source, target)
    np.testing.assert_allclose(found.matrix, np.column_stack([matrix, [3, -8]]), atol=1e-9)
    noisy = Affine.similarity(source, target + rng.normal(0, 1, target.shape))
    np.testing.assert_allclose(noisy.matrix[:, :2], matrix, atol=0.03)


LINE = [((10, 10), (10, 10)), ((20, 20), (30, 30)), ((30, 30), (50, 70))]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"align": "similarity"}, "a similarity was asked for with 0 pairs of points; give 2"),
        ({"pairs": LINE[:1]}, "a similarity was asked for with 1 pair of points; give 2"),
        ({"pairs": LINE[:2], "align": "thin-plate"}, "with 2 pairs of points; give 3 or more"),
        ({"pairs": LINE, "align": "thin-plate"}, "source points lie on one line; add one beside"),
        ({"pairs": [LINE[0]] * 3}, "the pairs' source points all lie on 10,10; give points that"),
        (
            {"pairs": [((1, 1), (5, 5)), ((9, 1), (5, 5))]},
            "the pairs' canvas points all lie on 5,5; give points that",
        ),
        (
            {"pairs": [*LINE, ((30, 30), (9, 9))], "align": "thin-plate"},
            "pairs 3 and 4 both begin at 30,30; take one out",
        ),
        ({"pairs": LINE[:2], "align": "canvas"}, "has pairs and align canvas; take the pairs out"),
        ({"count": 0}, "count is 0"),
        ({"if_short": "loop"}, "if_short"),
    ],
)
def test_pairs_that_say_nothing(fields: dict, message: str) -> None:
    with pytest.raises(DocumentError, match=f"^transfer.*{message}"):
        Transfer(path="held.npz", **fields)


def test_pairs_that_fold_the_picture() -> None:
    corners = np.array([(0.0, 0), (80, 0), (80, 60), (0, 60), (30, 30), (50, 30)])
    crossed = corners.copy()
    crossed[4], crossed[5] = (70, 30), (10, 30)
    with pytest.raises(DocumentError, match=r"the pairs fold the picture over near \d+,\d+ of the"):
        ThinPlate.through(corners, crossed)


def test_a_source_that_is_too_short(held: Tracks, tmp_path: Path) -> None:
    with pytest.raises(
        DocumentError,
        match=r"^held.npz is 1 s too short: its motion lasts 1 s and the time span asks for 2 s; "
        r"end the time span by 1 s, or set if_short to hold",
    ):
        expand(tmp_path, frames=17)
    with pytest.raises(DocumentError, match=r"0.5 s too short: .* at speed 1.5 asks for 1.5 s"):
        expand(tmp_path, speed=1.5)
    rest = expand(tmp_path, frames=17, if_short="hold")
    assert rest.visible[12].all()
    np.testing.assert_allclose(rest.displacements()[12, 8:, 0], 16, atol=1e-4)
    slow = expand(tmp_path, frames=17, if_short="stretch")
    np.testing.assert_allclose(slow.displacements()[12, :, 0], np.arange(17), atol=1e-4)
    free = expand(tmp_path, frames=17, if_short="release")
    assert free.state[12].tolist() == [1] * 9 + [0] * 8


def test_nothing_begins_on_the_canvas(held: Tracks, tmp_path: Path) -> None:
    away = [((0, 0), (5000, 0)), ((80, 0), (5160, 0))]
    with pytest.raises(DocumentError, match=r"none of the 60 tracks begins on the canvas of 160x1"):
        expand(tmp_path, pairs=away)


def test_a_video_is_tracked(tmp_path: Path) -> None:
    wide = made_texture((140, 90), grain=2)
    frames = np.stack([wide[:, 40 - 2 * t : 140 - 2 * t] for t in range(8)])
    Video(frames, 8).save(tmp_path / "video")
    scene = Scene(size=(200, 180), frames=8, fps=8, folder=tmp_path)
    tracks = Transfer(path="video", count=40, region=(10, 10, 70, 80)).expand(scene).tracks
    assert tracks is not None and tracks.count == 40
    moved = np.median(tracks.displacements()[:, -1], axis=0)
    np.testing.assert_allclose(moved, [28, 0], atol=0.4)


def test_documents_keep_their_files(held: Tracks, tmp_path: Path) -> None:
    transfer = Transfer(path=str(tmp_path / "held.npz"), mask=str(tmp_path / "mask.png"))
    document = Document(size=CANVAS, frames=9, fps=8).add(transfer)
    moved = document.relative_to(tmp_path).gestures[0]
    assert isinstance(moved, Transfer) and (moved.path, moved.mask) == ("held.npz", "mask.png")
    bare = document.model_copy(update={"gestures": (Transfer(path="held.npz"),)})
    assert bare.relative_to(tmp_path).to_dict()["gestures"][0]["path"].endswith("held.npz")


def test_a_line_of_shorthand(tmp_path: Path) -> None:
    made = parse_transfer(
        f"{tmp_path}/a video.mp4 @0.5-2 count=9 speed=2 short=hold scale=0.5 seed=3 ease=ease-in "
        "region=0,0;9,0;0,9 pair=1,2>3,4 pair=5,5>9,9 align=similarity depth=2 name=walk"
    )
    assert made.path == f"{tmp_path}/a video.mp4" and made.name == "walk"
    assert (made.start, made.end, made.count, made.speed) == (0.5, 2, 9, 2)
    assert (made.if_short, made.scale, made.seed) == ("hold", 0.5, 3)
    assert made.pairs == (((1, 2), (3, 4)), ((5, 5), (9, 9))) and made.align == "similarity"
    assert made.region == ((0, 0), (9, 0), (0, 9))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no file; write it as"),
        ("a.mp4 speed=fast", "has speed=fast; give a number, such as speed=2"),
        ("a.mp4 pair=1,2", "has pair=1,2; give a point of each, as pair=120,80>300,200"),
        ("a.mp4 region=1,2,3", "has region=1,2,3; give 4 numbers of pixels"),
        ("a.mp4 count=2 count=3", "says count twice; say it once"),
        ("a.mp4 spee=2", "has the unknown word 'spee=2'; "),
        ("a.mp4 speed=-1", r"speed is -1"),
        ("a.mp4 pair=1,1>2,2", r"a similarity was asked for with 1 pair"),
    ],
)
def test_lines_that_cannot_be_understood(text: str, message: str) -> None:
    with pytest.raises(DocumentError, match=f'^the transfer "{text}".*{message}'):
        parse_transfer(text)


def test_a_log_uniform_subset() -> None:
    tracks = Tracks.of(np.zeros((4096, 2, 2)), size=(8, 8), fps=8)
    rng = np.random.default_rng(0)
    counts = np.array([log_uniform_subset(tracks, rng).count for _ in range(400)])
    assert counts.min() >= 1 and counts.max() <= 4096
    halves = [np.mean(counts <= 2**power) for power in (3, 6, 9)]
    np.testing.assert_allclose(halves, [0.25, 0.5, 0.75], atol=0.08)
    with pytest.raises(DocumentError, match="9 to 4 of 4 tracks were asked for"):
        log_uniform_subset(tracks.select(np.arange(4)), rng, least=9)
