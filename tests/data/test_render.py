"""Pictures: known answers, a slow loop that has to agree, light, shadows, and many at once."""

from dataclasses import replace

import made_worlds as made
import numpy as np
import pytest
import torch

from kineograph.core.errors import DataError
from kineograph.data.procedural import truth
from kineograph.data.procedural.camera import Camera
from kineograph.data.procedural.lighting import Light
from kineograph.data.procedural.render import render, render_batch
from kineograph.data.procedural.waves import unbent
from kineograph.data.procedural.world import Layer, World

GREY, RED = (0.4, 0.4, 0.4), (1.0, 0.0, 0.0)


def square(place: np.ndarray, texture: torch.Tensor | None = None) -> World:
    """A red square of 10 pixels before a grey background."""
    front = made.plain((10, 10), RED) if texture is None else texture
    return World(
        size=made.SIZE,
        fps=8,
        layers=(
            made.back(made.plain((70, 60), GREY)),
            Layer(front, place, 5.0, "red square", object=0),
        ),
        camera=Camera.still(made.SIZE, made.FRAMES),
        light=Light.plain(made.FRAMES),
    )


def looped(world: World, frame: int, finer: int = 2) -> np.ndarray:
    """One frame, sample by sample, from the definition."""
    width, height = world.size
    picture = np.zeros((height, width, 3))
    picture[:] = np.nan
    parts = (np.arange(finer) + 0.5) / finer
    for y in range(10, height, 3):
        for x in range(0, width, 3):
            colour = np.zeros(3)
            for index, layer in enumerate(world.layers):
                at = (
                    [(x + 0.5, y + 0.5)]
                    if index == 0
                    else [(x + a, y + b) for a in parts for b in parts]
                )
                shown = np.mean([texel(world, index, layer, p, frame) for p in at], axis=0)
                colour = colour * (1 - shown[3]) + shown[:3]
            picture[y, x] = colour
    return picture * 255


def texel(
    world: World, index: int, layer: Layer, point: tuple[float, float], frame: int
) -> np.ndarray:
    """The texture at a raster point, linear between pixel centres."""
    view = world.views[index][frame]
    found = np.linalg.solve(view[:, :2], np.array(point) - view[:, 2])
    if layer.waves is not None:
        sines = torch.from_numpy(layer.waves.sines[frame])
        found = unbent(sines.float(), torch.from_numpy(found)[None].float())[0].numpy()
    width, height = layer.size
    x, y = found[0] + width / 2 - 0.5, found[1] + height / 2 - 0.5
    total = np.zeros(4)
    for i in (int(np.floor(x)), int(np.floor(x)) + 1):
        for j in (int(np.floor(y)), int(np.floor(y)) + 1):
            part = (1 - abs(x - i)) * (1 - abs(y - j))
            inside = 0 <= i < width and 0 <= j < height
            if index == 0 and not inside:
                i_, j_ = (min(max(k, -1 - k), 2 * n - 1 - k) for k, n in ((i, width), (j, height)))
                total += part * layer.texture[:, j_, i_].numpy()
            elif inside:
                total += part * layer.texture[:, j, i].numpy()
    return total


def test_a_square_is_where_it_is_put() -> None:
    video = render(square(made.still(20, 15)))
    expected = np.full((48, 64, 3), 102, np.uint8)
    expected[10:20, 15:25] = (255, 0, 0)
    assert video.shape == (7, 48, 64, 3) and video.dtype == np.uint8
    for frame in video:
        np.testing.assert_array_equal(frame[11:19, 16:24], expected[11:19, 16:24])
        outside = np.ones((48, 64), bool)
        outside[9:21, 14:26] = False
        np.testing.assert_array_equal(frame[outside], expected[outside])


def test_alpha_is_the_share_of_what_is_before() -> None:
    half = made.plain((10, 10), RED) * 0.25
    colour = render(square(made.still(20, 15), half))[0, 15, 20]
    np.testing.assert_array_equal(
        colour, np.floor([255 * 0.55 + 0.5, 255 * 0.3 + 0.5, 255 * 0.3 + 0.5])
    )


@pytest.mark.parametrize("frame", [0, 4])
def test_pictures_agree_with_a_loop_over_samples(frame: int) -> None:
    world = made.lively(made.filming())
    expected = looped(world, frame)
    known = np.isfinite(expected)
    difference = np.abs(render(world)[frame] - expected)[known]
    assert known.sum() > 800 and difference.max() < 0.6, "half a level is rounding"


def test_the_background_goes_on_mirrored() -> None:
    world = square(made.still(-90, 0))
    sheet = made.sheet((64, 48), 3)
    moved = Layer(sheet, made.still(32 + 20, 24), 10.0, "noise")
    video = render(replace(world, layers=(moved, world.layers[1])))
    np.testing.assert_array_equal(video[0, :, 19::-1], video[0, :, 20:40])


def test_shrunken_things_are_smooth() -> None:
    """A checkerboard at half its size becomes grey, not a pattern of its own."""
    board = made.plain((40, 40), (0, 0, 0))
    board[:3] = ((torch.arange(40)[:, None] + torch.arange(40)) % 2).float()
    picture = render(square(made.still(30.0, 24.0, scale=0.5), board))[0]
    inner = picture[17:31, 23:37].astype(float)
    np.testing.assert_allclose(inner, 127.5, atol=1)


def test_light_multiplies_colours() -> None:
    gain = np.linspace([1.0, 1.0, 1.0], [0.5, 1.0, 1.5], made.FRAMES)
    world = square(made.still(20, 15))
    video = render(replace(world, light=Light(gain)))
    np.testing.assert_array_equal(video[0], render(world)[0])
    np.testing.assert_array_equal(video[-1, 40, 50], [51, 102, 153])


def test_a_lamp_is_brightest_in_its_middle() -> None:
    lamp = np.tile([20.5, 15.5], (made.FRAMES, 1))
    light = Light(np.ones((made.FRAMES, 3)), lamp=lamp, reach=10.0, power=0.5)
    picture = render(replace(square(made.still(200, 15)), light=light))[0, :, :, 0] / 102
    assert picture[15, 20] == pytest.approx(1.5, abs=0.01)
    assert picture[15, 30] == pytest.approx(1 + 0.5 * np.exp(-0.5), abs=0.01)
    assert picture[15, 60] == pytest.approx(1.0, abs=0.01)


def test_a_shadow_falls_beside_its_thing_on_the_background_only() -> None:
    world = square(made.still(30, 24), made.plain((16, 16), RED))
    light = replace(world.light, shadow=(1.6, 1.2), dark=0.5)  # the square is 5 before the back
    plain, shaded = render(world)[0].astype(int), render(replace(world, light=light))[0].astype(int)
    np.testing.assert_array_equal(shaded[17:31, 23:37], plain[17:31, 23:37])
    darker = (plain - shaded)[..., 0]
    rows, columns = np.nonzero(darker)
    assert darker.min() == 0 and darker.max() <= 51
    assert darker[31, 39] > 25, "below to the right"
    assert darker[:12].max() == 0 and darker[:, :18].max() == 0
    middle = np.average(np.stack([columns, rows], -1), axis=0, weights=darker[rows, columns])
    assert (middle > (32, 25)).all()


def test_several_worlds_at_once_are_the_same_pictures() -> None:
    one = made.lively(made.filming(), Light(np.full((made.FRAMES, 3), 0.8)))
    lit = Light(np.ones((made.FRAMES, 3)), np.full((made.FRAMES, 2), 20.0), 8.0, 0.5, (1, 1), 0.4)
    other = made.lively(light=lit)
    alone = replace(other, layers=other.layers[:2])
    bare = replace(other, layers=other.layers[:1])
    rendered = render_batch([one, other, alone, bare])
    for i, world in enumerate((one, other, alone, bare)):
        single = render_batch([world])
        difference = rendered.video[i].int() - single.video[0].int()
        assert difference.abs().max() <= 1 and (difference != 0).float().mean() < 1e-3
        assert (rendered.layer[i] != single.layer[0]).sum() <= 2


def test_things_outside_the_picture_are_not_drawn() -> None:
    far = square(made.path(np.linspace(-40, 120, made.FRAMES), 20.0))
    rendered = render_batch([far])
    assert not rendered.layer[0, 0].any() and not rendered.layer[0, -1].any()
    assert rendered.layer[0, 3].sum() == 100


def test_the_same_world_gives_the_same_bytes() -> None:
    world = made.lively(made.filming())
    torch.manual_seed(0)
    first = render(world)
    torch.manual_seed(1)
    np.testing.assert_array_equal(first, render(world))


def test_what_does_not_fit_together_is_said() -> None:
    with pytest.raises(DataError, match="no world to render was given; give one at least"):
        render_batch([])
    world = made.lively()
    other = replace(world, size=(32, 32))
    with pytest.raises(DataError, match="worlds to render together differ: 7 frames of 32x32"):
        render_batch([world, other])


def test_all_is_done_on_the_device_of_the_textures() -> None:
    """Torch's meta device takes no tensor of another, and no number can be read from it."""
    light = Light(
        np.full((made.FRAMES, 3), 0.8), np.full((made.FRAMES, 2), 20.0), 8.0, 0.5, (1, 1), 0.4
    )
    world = made.lively(made.filming(), light)
    layers = tuple(replace(x, texture=x.texture.to("meta")) for x in world.layers)
    elsewhere = replace(world, layers=layers)
    rendered = render_batch([elsewhere, replace(elsewhere, layers=layers[:2])])
    followed = truth.follow(rendered.stack, truth.grid(made.SIZE, 4))
    made_there = (
        rendered.video,
        rendered.layer,
        followed.points,
        followed.state,
        truth.flow(rendered),
        truth.depth(rendered),
        truth.masks(rendered, 0),
        truth.seen(rendered),
    )
    assert all(tensor.device.type == "meta" for tensor in made_there)
