"""The warp: what is asked must happen, to a fraction of a pixel, and nothing else."""

import tracemalloc

import cv2
import numpy as np
import pytest

from kineograph.core.errors import TracksError
from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.render.warp import Warp

SIZE = (192, 144)


def texture(size=SIZE, seed=0, blur=1.5):
    """Smooth coloured noise: registers well everywhere."""
    noise = np.random.default_rng(seed).uniform(0, 255, (size[1], size[0], 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), blur)
    spread = 127 + (soft - soft.mean()) * (50 / soft.std())
    return spread.clip(0, 255).astype(np.uint8)


def disc_on_plain(centre=(70, 70), radius=26, size=SIZE):
    """A dark textured disc on a light ground; returns the picture and the disc's mask."""
    x, y = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
    mask = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2
    inside = texture(size, 1) // 3 + 20
    return np.where(mask[..., None], inside, np.uint8(225)), mask


def grid_of(box, step):
    x, y = np.meshgrid(np.arange(box[0], box[2], step), np.arange(box[1], box[3], step))
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)


def moved(points, displacement, *, group=None, depth=None, state=None, size=SIZE):
    """Tracks that go from `points` by `displacement` (frames, 2) each."""
    displacement = np.asarray(displacement, np.float32)
    path = points[:, None] + displacement
    count, frames = path.shape[:2]
    return Tracks.of(
        path,
        state=state,
        size=size,
        fps=8,
        group=None if group is None else np.full(count, group, np.int32),
        depth=None if depth is None else np.full((count, frames), depth, np.float32),
    )


def shift_between(before, after):
    """(dx, dy) by enhanced correlation (Evangelidis, 2008), which knows nothing of the renderer."""
    a, b = (cv2.cvtColor(x, cv2.COLOR_RGB2GRAY) for x in (before, after))
    guess = cv2.phaseCorrelate(a.astype(np.float64), b.astype(np.float64))[0]
    start = np.array([[1, 0, guess[0]], [0, 1, guess[1]]], np.float32)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 200, 1e-6)
    return cv2.findTransformECC(a, b, start, cv2.MOTION_TRANSLATION, stop)[1][:, 2]


@pytest.mark.parametrize("shift", [(5.0, 0.0), (0.25, -0.5), (-3.7, 6.3)])
def test_a_translated_texture_lands_where_the_tracks_say(shift):
    picture = texture()
    tracks = moved(grid_of((8, 8, 184, 136), 16), [(0, 0), shift])
    image = Warp(picture, tracks).at(1).image
    inner = np.s_[24:-24, 24:-24]
    assert np.abs(shift_between(picture[inner], image[inner]) - shift).max() < 0.06


def test_a_turned_and_grown_picture_equals_an_exact_resampling():
    picture = texture(blur=2.5)
    angle, scale, centre = np.deg2rad(7), 1.15, np.array([96.0, 72.0])
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = grid_of((4, 4, 190, 142), 12)
    target = (points - centre) @ turn.T + centre
    tracks = Tracks.of(np.stack([points, target], axis=1), size=SIZE, fps=8)
    image = Warp(picture, tracks.hide_outside()).at(1).image
    # Raster to OpenCV's pixel centres: x - 0.5 on both sides.
    offset = centre - turn @ centre + turn @ [0.5, 0.5] - 0.5
    matrix = np.concatenate([turn, offset[:, None]], axis=1)
    exact = cv2.warpAffine(picture, matrix, SIZE, flags=cv2.INTER_CUBIC)
    inner = np.s_[30:-30, 40:-40]
    assert cv2.PSNR(image[inner], exact[inner]) > 38


def test_tracks_that_bend_the_picture_are_followed_between_the_grid_cells():
    picture = texture(blur=2.0)
    points = grid_of((4, 4, 190, 142), 6)
    wave = np.stack([3 * np.sin(points[:, 1] / 25), 2 * np.cos(points[:, 0] / 30)], axis=1)
    tracks = Tracks.of(np.stack([points, points + wave], axis=1), size=SIZE, fps=8)
    image = Warp(picture, tracks.hide_outside()).at(1).image
    x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
    source = np.stack([x, y], axis=-1)
    for _ in range(20):  # x + wave(x) = target, by fixed point
        bent = np.stack([3 * np.sin(source[..., 1] / 25), 2 * np.cos(source[..., 0] / 30)], axis=-1)
        source = np.stack([x, y], axis=-1) - bent
    exact = cv2.remap(picture, (source - 0.5).astype(np.float32), None, cv2.INTER_CUBIC)
    inner = np.s_[16:-16, 16:-16]
    assert cv2.PSNR(image[inner], exact[inner]) > 32


def test_the_first_frame_is_the_picture_itself(photograph):
    height, width = photograph.shape[:2]
    points = grid_of((180, 80, 260, 160), 12)
    tracks = moved(points, [(0, 0), (40, 0)], group=0, size=(width, height))
    frame = Warp(photograph, tracks).at(0)
    assert (frame.image == photograph).all()
    assert (frame.known == 255).all()


def test_an_object_moves_whole_and_its_ground_stays():
    picture, mask = disc_on_plain()
    brush = grid_of((58, 58, 83, 83), 6)
    shift = (52.5, 10.25)
    frame = Warp(picture, moved(brush, [(0, 0), shift], group=0)).at(1)
    home, away = np.s_[54:86, 54:86], np.s_[64:96, 106:138]
    expected = np.array(shift) - (52, 10)
    assert np.abs(shift_between(picture[home], frame.image[away]) - expected).max() < 0.15
    # The whole disc went, not only the brush: nothing dark is left where it stood ...
    x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
    landed = (x - 70 - shift[0]) ** 2 + (y - 70 - shift[1]) ** 2 < 28**2
    left = mask & ~landed
    assert frame.image[left].min() > 180
    # ... which was made up, and everything else is the picture.
    assert frame.known[left].mean() < 30
    untouched = ~cv2.dilate((mask | landed).astype(np.uint8), np.ones((13, 13))).astype(bool)
    assert np.abs(frame.image.astype(int) - picture)[untouched].max() <= 1
    assert (frame.known[untouched] == 255).all()


def test_pins_hold_what_would_be_drawn_along():
    picture = texture(seed=3)
    drag = moved(grid_of((70, 60, 95, 85), 6), [(0, 0), (6, 0)], group=0)
    pin_points = grid_of((110, 40, 140, 110), 6)
    pins = moved(pin_points, [(0, 0), (0, 0)], group=1)
    image = Warp(picture, Tracks.merge(drag, pins)).at(1).image
    held = np.s_[48:104, 116:134]
    assert np.abs(shift_between(picture[held], image[held])).max() < 0.1
    brush, landed = np.s_[62:84, 72:94], np.s_[62:84, 78:100]
    assert np.abs(shift_between(picture[brush], image[landed])).max() < 0.3


@pytest.mark.parametrize("nearer", [0, 1])
def test_the_nearer_body_covers_the_farther(nearer):
    picture = np.full((SIZE[1], SIZE[0], 3), 220, np.uint8)
    cv2.circle(picture, (50, 72), 20, (200, 30, 30), -1)
    cv2.circle(picture, (140, 72), 20, (30, 30, 200), -1)
    depths = (1.0, 2.0) if nearer == 0 else (2.0, 1.0)
    red = moved(grid_of((42, 64, 60, 82), 6), [(0, 0), (45, 0)], group=0, depth=depths[0])
    blue = moved(grid_of((132, 64, 150, 82), 6), [(0, 0), (-45, 0)], group=1, depth=depths[1])
    centre = Warp(picture, Tracks.merge(red, blue)).at(1).image[72, 95].astype(int)
    assert (centre[0] > centre[2]) == (nearer == 0)


def test_a_body_whose_tracks_are_hidden_is_not_drawn():
    picture, _ = disc_on_plain()
    points = grid_of((58, 58, 83, 83), 6)
    frames = 7
    state = np.full((len(points), frames), State.VISIBLE, np.uint8)
    state[:, 2:] = State.OCCLUDED
    tracks = moved(points, np.linspace((0, 0), (60, 0), frames), group=0, state=state)
    warp = Warp(picture, tracks)
    assert warp.at(1).image[72, 80].max() < 150
    assert warp.at(frames - 1).image[72, 130].min() > 200


def test_what_is_made_up_does_not_flicker():
    picture, mask = disc_on_plain()
    tracks = moved(grid_of((58, 58, 83, 83), 6), np.linspace((0, 0), (90, 0), 9), group=0)
    warp = Warp(picture, tracks)
    gone = cv2.erode(mask.astype(np.uint8), np.ones((5, 5))).astype(bool)
    last = [warp.at(frame).image[gone].astype(int) for frame in (7, 8)]
    assert np.abs(last[0] - last[1]).max() == 0


def test_a_released_drag_stays_where_it_was_let_go():
    picture, _ = disc_on_plain()
    points = grid_of((58, 58, 83, 83), 6)
    state = np.full((len(points), 6), State.VISIBLE, np.uint8)
    state[:, 4:] = State.UNSPECIFIED
    tracks = moved(points, np.linspace((0, 0), (50, 0), 6), group=0, state=state)
    warp = Warp(picture, tracks)
    assert (warp.at(3).image == warp.at(5).image).all()


def test_a_later_drag_takes_on_what_an_earlier_one_brought():
    picture, _ = disc_on_plain()
    points = grid_of((54, 54, 87, 87), 6)
    frames = 9
    first, second = np.full((2, len(points), frames), State.UNSPECIFIED, np.uint8)
    first[:, :5], second[:, 4:] = State.VISIBLE, State.VISIBLE
    right = np.zeros((frames, 2))
    right[:, 0] = np.interp(np.arange(frames), [0, 4], [0, 60])
    down = np.zeros((frames, 2))
    down[:, 1] = np.interp(np.arange(frames), [4, 8], [0, 30])
    tracks = Tracks.merge(
        moved(points, right, group=0, state=first),
        moved(points + np.float32((60, 0)), down, group=1, state=second),
    )
    image = Warp(picture, tracks).at(frames - 1).image
    assert image[100, 130].max() < 150, "the disc is at the end of both ways"
    assert image[70, 70].min() > 180, "and not where it began"
    assert image[70, 130].min() > 150, "nor in between"


def test_a_picture_much_smaller_than_before_does_not_alias():
    x, y = np.meshgrid(np.arange(256), np.arange(256))
    checks = np.repeat((((x + y) % 2) * 255).astype(np.uint8)[..., None], 3, axis=2)
    points = grid_of((8, 8, 250, 250), 16)
    target = (points - 128) / 3.5 + 128
    tracks = Tracks.of(np.stack([points, target], axis=1), size=(256, 256), fps=8)
    middle = Warp(checks, tracks).at(1).image[108:148, 108:148].astype(float)
    assert abs(middle.mean() - 127.5) < 8
    assert middle.std() < 12


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "size", [(33, 21), (64, 64), (301, 157), (17, 240), (1, 1), (512, 1), (1, 200), (2, 2)]
)
def test_any_size_gives_frames_of_that_size(size):
    picture = texture(size)
    points = np.array([[size[0] / 2, size[1] / 2]], np.float32)
    warp = Warp(picture, moved(points, [(0, 0), (3, 2)], size=size))
    frames = list(warp)
    assert [frame.image.shape for frame in frames] == [(size[1], size[0], 3)] * 2
    assert frames[1].known.shape == (size[1], size[0])


def test_a_bending_body_may_be_hidden_for_a_while():
    picture, _ = disc_on_plain()
    points = grid_of((50, 50, 91, 91), 6)
    frames = 12
    path = points[:, None] + np.linspace((0, 0), (50, 0), frames)
    path[..., 1] += 4 * np.sin(points[:, None, 0] / 8) * np.linspace(0, 1, frames)
    state = np.full(path.shape[:2], State.VISIBLE, np.uint8)
    state[:, 4:9] = State.OCCLUDED
    group = np.zeros(len(points), np.int32)
    warp = Warp(picture, Tracks.of(path, state=state, size=SIZE, fps=8, group=group))
    images = [frame.image for frame in warp]
    assert images[6][72, 95].min() > 200, "hidden"
    assert images[11][72, 120].max() < 150, "and back"


def test_what_is_hidden_before_it_moves_is_hidden():
    picture, _ = disc_on_plain()
    points = grid_of((58, 58, 83, 83), 6)
    state = np.full((len(points), 6), State.OCCLUDED, np.uint8)
    state[:, 0] = State.VISIBLE
    path = np.zeros((6, 2))
    path[4:, 0] = (10, 20)
    warp = Warp(picture, moved(points, path, group=0, state=state))
    assert warp.at(3).image[70, 70].min() > 180


def test_a_group_for_every_track_does_not_make_a_layer_for_every_track():
    points = grid_of((4, 4, 190, 142), 6)
    group = np.arange(len(points), dtype=np.int32)
    path = np.stack([points, points + np.random.default_rng(0).normal(0, 3, points.shape)], axis=1)
    warp = Warp(texture(), Tracks.of(path, size=SIZE, fps=8, group=group).hide_outside())
    assert len(warp._layers) < 30


def test_no_tracks_at_all_is_a_still_picture():
    picture = texture()
    frames = list(Warp(picture, Tracks.of(np.zeros((0, 4, 2)), size=SIZE, fps=8)))
    assert len(frames) == 4
    assert all((frame.image == picture).all() for frame in frames)


def test_the_same_request_gives_the_same_bytes(photograph):
    height, width = photograph.shape[:2]
    points = np.random.default_rng(5).uniform(0, 512, (300, 2)).astype(np.float32)
    far = points + np.random.default_rng(6).normal(0, 4, (300, 2)).astype(np.float32)
    tracks = Tracks.of(np.stack([points, far], axis=1), size=(width, height), fps=8)
    once, again = (Warp(photograph, tracks.hide_outside()).at(1) for _ in range(2))
    assert (once.image == again.image).all()
    assert (once.known == again.known).all()


def test_beyond_the_border_is_made_up():
    picture = texture()
    tracks = moved(grid_of((8, 8, 184, 136), 16), [(0, 0), (40, 0)])
    known = Warp(picture, tracks.hide_outside()).at(1).known
    assert (known[10:-10, :37] == 0).all()
    assert (known[10:-10, 43:] == 255).all()


def test_tracks_of_another_size_are_refused():
    with pytest.raises(TracksError, match=r"made for 100x100 and the picture is 192x144; resize"):
        Warp(texture(), Tracks.of(np.zeros((1, 2, 2)), size=(100, 100), fps=8))


def test_memory_does_not_grow_with_the_number_of_frames():
    picture = texture()
    points = grid_of((58, 58, 83, 83), 6)

    def peak(frames):
        tracks = moved(points, np.linspace((0, 0), (40, 0), frames), group=0)
        tracemalloc.start()
        for _ in Warp(picture, tracks):
            pass
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    assert peak(200) < 1.5 * peak(20)


def test_what_grows_has_no_holes():
    picture = np.full((SIZE[1], SIZE[0], 3), 225, np.uint8)
    picture[50:90, 60:100] = (200, 40, 40)
    points = grid_of((60, 50, 101, 91), 8)
    bent = (points - (80, 70)) * 2.6 + (80, 70) + 3 * np.sin(points[:, ::-1] / 9)
    group = np.zeros(len(points), np.int32)
    tracks = Tracks.of(np.stack([points, bent], axis=1), size=SIZE, fps=8, group=group)
    grown = Warp(picture, tracks.hide_outside()).at(1).image
    assert (grown[32:108, 42:118] == (200, 40, 40)).all()


@pytest.mark.parametrize("count", [1, 2])
def test_a_bare_track_takes_what_is_around_it_along(count):
    picture = texture(blur=2.0)
    starts = np.array([[70, 72], [140, 40]], np.float32)[:count]
    way = np.linspace([0, 0], [14, -6], 6)
    frame = Warp(picture, moved(starts, way)).at(5)
    for x, y in starts.astype(int):
        before = picture[y - 4 : y + 4, x - 4 : x + 4].astype(int)
        after = frame.image[y - 10 : y - 2, x + 10 : x + 18].astype(int)
        assert np.abs(after - before).mean() < 4
        stayed = picture[y - 10 : y - 2, x + 10 : x + 18].astype(int)
        assert np.abs(after - stayed).mean() > 20
    assert np.abs(frame.image[100:].astype(int) - picture[100:]).mean() < 1


def test_it_says_how_far_what_is_seen_goes():
    """On the grid: the disc as its tracks go, and the ground not at all, as it is drawn."""
    picture, mask = disc_on_plain()
    points = grid_of((56, 56, 86, 86), 6)
    tracks = moved(points, [[0, 0], [9, 0], [18, 0]])
    warp = Warp(picture, tracks)
    said = warp.motion(2)
    small = cv2.resize(mask.astype(np.float32), said.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.allclose(said[small > 0.99], (18, 0), atol=0.5)
    assert np.abs(said[small == 0]).max() < 0.5
    assert not warp.motion(0).any()
