"""Truth: tracks warp the texture, flow is their difference, and masks say what is hidden."""

from dataclasses import replace

import made_worlds as made
import numpy as np
import pytest
import torch
from torch.nn import functional

from kineograph.core.state import State
from kineograph.core.tracks import Tracks
from kineograph.data.procedural import truth
from kineograph.data.procedural.camera import Camera
from kineograph.data.procedural.render import Rendered, render_batch
from kineograph.data.procedural.world import Layer, World


@pytest.fixture(params=[False, True], ids=["still camera", "moving camera"])
def rendered(request: pytest.FixtureRequest) -> Rendered:
    return render_batch([made.lively(made.filming() if request.param else None)])


def dense(rendered: Rendered, spacing: float = 1.0) -> Tracks:
    grid = truth.grid(rendered.stack.size, spacing)
    return truth.follow(rendered.stack, grid).tracks(rendered.stack, 0)


def colours(rendered: Rendered, frame: int, points: np.ndarray) -> np.ndarray:
    """The picture at raster points, linear between pixels, in 0..255."""
    picture = rendered.video[0, frame].permute(2, 0, 1)[None].float()
    grid = torch.from_numpy(points / np.array(rendered.stack.size) * 2 - 1).float()[None, None]
    seen = functional.grid_sample(picture, grid, "bilinear", "border", align_corners=False)
    return seen[0, :, 0].T.numpy()


def steady(rendered: Rendered, frame: int, points: np.ndarray, reach: int = 2) -> np.ndarray:
    """Whether only one layer is seen around each point."""
    layer = rendered.layer[0, frame].float()[None, None]
    same = functional.max_pool2d(layer, 2 * reach + 1, 1, reach) + functional.max_pool2d(
        -layer, 2 * reach + 1, 1, reach
    )
    at = np.clip(np.floor(points).astype(int), 0, np.array(rendered.stack.size) - 1)
    inside = ((points > 1) & (points < np.array(rendered.stack.size) - 1)).all(axis=1)
    return (same[0, 0].numpy()[at[:, 1], at[:, 0]] == 0) & inside


def test_the_grid_is_even_and_covers_the_picture() -> None:
    grid = truth.grid((8, 4), 2).numpy()
    assert grid.shape == (8, 2)
    np.testing.assert_array_equal(grid[:5], [[1, 1], [3, 1], [5, 1], [7, 1], [1, 3]])
    np.testing.assert_array_equal(truth.grid((3, 2), 1)[0], [0.5, 0.5])
    assert truth.grid((10, 10), 4).shape == (9, 2)


def test_visible_points_keep_their_colour(rendered: Rendered) -> None:
    tracks = dense(rendered)
    source = colours(rendered, 0, tracks.points[:, 0])
    checked = 0
    for frame in range(1, tracks.frames):
        at = tracks.points[:, frame]
        good = tracks.visible[:, frame] & steady(rendered, frame, at)
        good &= steady(rendered, 0, tracks.points[:, 0])
        off = np.abs(colours(rendered, frame, at) - source)[good]
        # a smooth texture of 255 levels: linear sampling twice costs a few
        assert off.mean() < 1.5 and np.quantile(off, 0.999) < 12
        checked += good.sum()
    assert checked > 5000


def test_hidden_points_are_those_whose_layer_is_not_the_top(rendered: Rendered) -> None:
    followed = truth.follow(rendered.stack, truth.grid(rendered.stack.size, 1))
    layer = followed.layer[0].numpy()
    hidden_ones = 0
    for frame in range(rendered.stack.frames):
        at = followed.points[0, :, frame].numpy()
        clear = steady(rendered, frame, at, reach=1)
        top = rendered.layer[0, frame].numpy()[*np.floor(at[clear]).astype(int).T[::-1]]
        hidden = followed.state[0, clear, frame].numpy() == State.OCCLUDED
        np.testing.assert_array_equal(hidden, top != layer[clear])
        hidden_ones += hidden.sum()
    assert hidden_ones > 300


def test_outside_is_occluded_and_nothing_is_unspecified(rendered: Rendered) -> None:
    tracks = dense(rendered)
    outside = ((tracks.points < 0) | (tracks.points >= made.SIZE)).any(axis=2)
    assert (tracks.state[outside] == State.OCCLUDED).all()
    assert tracks.specified.all()
    assert tracks.visible[:, 0].all()


def test_points_are_where_the_world_places_them(rendered: Rendered) -> None:
    world = rendered.stack.worlds[0]
    points = torch.tensor([[12.0, 22.0], [48.0, 26.0], [1.0, 47.0]])
    followed = truth.follow(rendered.stack, points)
    assert followed.layer[0].tolist() == [1, 2, 0]
    for i, layer in enumerate((1, 2, 0)):
        view, waves = world.views[layer], world.layers[layer].waves
        origin = np.linalg.solve(view[0, :, :2], points[i].numpy() - view[0, :, 2])
        if waves is not None:
            for _ in range(60):  # undone by search rather than by formula
                origin = origin - (
                    waves.bend(origin[None])[0, 0]
                    - np.linalg.solve(view[0, :, :2], points[i].numpy() - view[0, :, 2])
                )
        placed = world.place(layer, origin[None])[:, 0]
        np.testing.assert_allclose(followed.points[0, i].numpy(), placed, atol=2e-4)
    tracks = followed.tracks(rendered.stack, 0)
    assert tracks.group is not None and tracks.group.tolist() == [0, 1, -1]
    np.testing.assert_allclose(tracks.depth, world.depths[[1, 2, 0]], rtol=1e-6)


def test_flow_is_the_difference_of_tracks(rendered: Rendered) -> None:
    flow = truth.flow(rendered)[0].numpy()
    tracks = dense(rendered)
    layer = truth.follow(rendered.stack, truth.grid(made.SIZE, 1)).layer[0].numpy()
    top = rendered.layer[0].numpy()
    same = layer == top[0].ravel()
    moved = tracks.points[:, 1] - tracks.points[:, 0]
    assert same.mean() > 0.98
    np.testing.assert_allclose(flow[0].reshape(-1, 2)[same], moved[same], atol=1e-4)
    assert flow.shape == (made.FRAMES - 1, 48, 64, 2)


def test_flow_takes_every_frame_to_the_next(rendered: Rendered) -> None:
    flow = truth.flow(rendered)[0].numpy()
    centres = truth.grid(made.SIZE, 1).numpy()
    for frame in range(made.FRAMES - 1):
        there = centres + flow[frame].reshape(-1, 2)
        inside = ((there > 0) & (there < made.SIZE)).all(axis=1)
        good = inside & steady(rendered, frame, centres) & steady(rendered, frame + 1, there)
        cells = np.clip(np.floor(there).astype(int), 0, np.array(made.SIZE) - 1)
        top = rendered.layer[0].numpy()
        good &= top[frame].ravel() == top[frame + 1][cells[:, 1], cells[:, 0]]
        off = np.abs(
            colours(rendered, frame + 1, there[good]) - colours(rendered, frame, centres[good])
        )
        assert good.sum() > 1000 and off.mean() < 1.5


def test_depth_and_masks_are_those_of_the_top_layer(rendered: Rendered) -> None:
    world = rendered.stack.worlds[0]
    depth, masks = truth.depth(rendered)[0].numpy(), truth.masks(rendered, 0).numpy()
    layer = rendered.layer[0].numpy()
    assert masks.shape == (2, made.FRAMES, 48, 64)
    assert not (masks[0] & masks[1]).any()
    np.testing.assert_array_equal(masks[1], layer == 2)
    for frame in range(made.FRAMES):
        np.testing.assert_allclose(depth[frame], world.depths[layer[frame], frame], rtol=1e-6)
    counts = truth.seen(rendered)[0].numpy()
    np.testing.assert_array_equal(counts.sum(axis=0), 48 * 64)
    np.testing.assert_array_equal(counts[1], masks[0].sum(axis=(1, 2)))


def boxed(world: World) -> tuple[np.ndarray, np.ndarray, Rendered]:
    rendered = render_batch([world])
    boxes = truth.boxes(world, truth.seen(rendered)[0].numpy())
    return boxes.boxes, boxes.state, rendered


def test_boxes_are_around_the_masks_of_what_is_in_the_open() -> None:
    world = made.lively()
    side = 24
    turns = np.linspace(0, 2 * np.pi, 200)
    rim = np.stack([np.cos(turns), np.sin(turns)], -1) * (side / 2 - 2)
    front = replace(world.layers[2], outline=rim, object=0)
    placed, state, rendered = boxed(replace(world, layers=(world.layers[0], front)))
    mask = truth.masks(rendered, 0)[0].numpy()
    assert (state[0] == State.VISIBLE).all()
    for frame in range(made.FRAMES):
        rows, columns = np.nonzero(mask[frame])
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(placed[0, frame], seen, atol=1.0)


def test_a_box_is_amodal_and_hidden_by_what_covers_it() -> None:
    red, blue = made.plain((10, 10), (1, 0, 0)), made.plain((20, 20), (0, 0, 1))
    back = made.back(made.plain((70, 60), (0, 0, 0)))
    layers = (
        back,
        Layer(red, made.path(np.linspace(2, 40, made.FRAMES), 24.0), 8.0, "red square", 0),
        Layer(blue, made.still(40, 24), 5.0, "blue square", 1),
    )
    world = replace(made.lively(), layers=layers)
    placed, state, rendered = boxed(world)
    np.testing.assert_allclose(placed[0, 0], [-3, 19, 7, 29], atol=1e-5)
    np.testing.assert_allclose(placed[0, -1], [35, 19, 45, 29], atol=1e-5)
    assert state[0].tolist() == [1, 1, 1, 1, 1, 2, 2] or state[0, -1] == State.OCCLUDED
    assert (state[1] == State.VISIBLE).all()
    boxes = truth.boxes(world, truth.seen(rendered)[0].numpy())
    assert boxes.labels == ("red square", "blue square")
    assert boxes.group is not None and boxes.group.tolist() == [0, 1]
    assert boxes.depth is not None and boxes.depth.tolist() == [8.0, 5.0]


def test_a_box_holds_all_parts_of_its_object() -> None:
    sheets = [made.plain((10, 10), (1, 0, 0)), made.plain((6, 20), (0, 1, 0))]
    layers = (
        made.back(),
        Layer(sheets[0], made.still(20, 20), 6.0, "red square", 0),
        Layer(sheets[1], made.still(24, 30), 6.0, "green bar", 0, parent=1),
    )
    world = replace(made.lively(), layers=layers)
    placed, state, rendered = boxed(world)
    np.testing.assert_allclose(placed, np.tile([15, 15, 27, 40], (1, made.FRAMES, 1)), atol=1e-5)
    assert world.names == ("red square",) and (state == State.VISIBLE).all()
    # 100 of the square less what the bar hides of it, and the bar
    assert truth.masks(rendered, 0)[0, 0].sum() == 10 * 10 + 6 * 20 - 4 * 5


def test_what_leaves_the_picture_is_not_visible() -> None:
    layers = (
        made.back(),
        Layer(made.plain((8, 8), (1, 0, 0)), made.path(made.time() * 100, 20.0), 6.0, "x", 0),
    )
    placed, state, _ = boxed(replace(made.lively(), layers=layers))
    assert state[0, 0] == State.VISIBLE and state[0, -1] == State.OCCLUDED
    np.testing.assert_allclose(placed[0, -1], [96, 16, 104, 24], atol=1e-4)


def test_a_zoom_is_followed_exactly() -> None:
    zoom = replace(Camera.still(made.SIZE, 3), zoom=np.array([1.0, 1.5, 2.0]))
    world = replace(made.lively(), layers=(made.back(frames=3),), camera=zoom)
    world = replace(world, light=type(world.light).plain(3))
    followed = truth.follow(render_batch([world]).stack, torch.tensor([[40.0, 24.0]]))
    np.testing.assert_allclose(followed.points[0, 0], [[40, 24], [44, 24], [48, 24]], atol=1e-4)


def test_worlds_together_have_the_truth_of_each_alone() -> None:
    worlds = [made.lively(made.filming()), made.lively()]
    worlds.append(replace(worlds[1], layers=worlds[1].layers[:2]))
    together = render_batch(worlds)
    grid = truth.grid(made.SIZE, 3)
    followed, flow = truth.follow(together.stack, grid), truth.flow(together)
    for i, world in enumerate(worlds):
        alone = render_batch([world])
        one = truth.follow(alone.stack, grid)
        torch.testing.assert_close(followed.points[i], one.points[0], atol=1e-4, rtol=0)
        assert torch.equal(followed.state[i], one.state[0])
        good = (together.layer[i] == alone.layer[0])[:-1]
        torch.testing.assert_close(flow[i][good], truth.flow(alone)[0][good], atol=1e-4, rtol=0)
        assert truth.masks(together, i).shape[0] == world.objects
