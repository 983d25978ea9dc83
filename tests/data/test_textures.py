"""Textures and backgrounds: statistics that are known, and the same from the same generator."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from kineograph.core.errors import DataError
from kineograph.data.procedural.backgrounds import background
from kineograph.data.procedural.colours import COLOURS, Colour, draw_colour, name_of, shade_of
from kineograph.data.procedural.leaves import leaves, radii
from kineograph.data.procedural.photographs import crop, read_photographs, shipped_photographs
from kineograph.data.procedural.stock import NO_PHOTOGRAPHS, Stock, draw_kind
from kineograph.data.procedural.textures import PATTERNS, Cloth, draw_cloth, noise, striped, uneven

WHITE = Colour("white", np.ones(3, np.float32))
BLACK = Colour("black", np.zeros(3, np.float32))


@pytest.fixture
def picture_folder(tmp_path: Path, photograph: np.ndarray) -> Path:
    for name in ("a.png", "b.JPG"):
        cv2.imwrite(str(tmp_path / name), photograph[:200, :300])
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


@pytest.mark.parametrize("word", PATTERNS)
@pytest.mark.parametrize("size", [(40, 24), (17, 64)])
def test_patterns_use_both_colours_and_come_again(word: str, size: tuple[int, int]) -> None:
    def drawn(seed: int) -> torch.Tensor:
        return PATTERNS[word](np.random.default_rng(seed), Cloth(size, BLACK, WHITE)).rgb

    first = drawn(3)
    assert first.shape == (3, size[1], size[0])
    assert first.dtype == torch.float32
    assert 0 <= first.min() < 0.3 and 0.4 < first.max() <= 1
    assert torch.equal(first, drawn(3))
    assert not torch.equal(first, drawn(4))
    assert PATTERNS[word](np.random.default_rng(3), Cloth(size, BLACK, WHITE)).word == word


def test_no_pattern_depends_on_the_colours_it_is_drawn_in() -> None:
    for draw in PATTERNS.values():
        light = draw(np.random.default_rng(1), Cloth((32, 32), BLACK, WHITE)).rgb
        grey = Colour("grey", np.full(3, 0.5, np.float32))
        dim = draw(np.random.default_rng(1), Cloth((32, 32), BLACK, grey)).rgb
        torch.testing.assert_close(dim, light / 2, atol=1e-6, rtol=0)


def test_stripes_are_smooth_edged_and_cover_their_share() -> None:
    shares = []
    for seed in range(40):
        rgb = striped(np.random.default_rng(seed), Cloth((96, 96), BLACK, WHITE)).rgb[0]
        shares.append(float(rgb.mean()))
        between = ((rgb > 0.02) & (rgb < 0.98)).float().mean()
        assert 0 < between < 0.5
    assert min(shares) > 0.3 and max(shares) < 0.72
    assert np.mean(shares) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("fall", [0, 1, 2])
def test_noise_falls_as_it_is_told(fall: int) -> None:
    fields = [noise(np.random.default_rng(seed), (256, 192), fall=fall) for seed in range(4)]
    for field in fields:
        assert field.mean().item() == pytest.approx(0, abs=1e-4)
        assert field.std().item() == pytest.approx(1, abs=1e-3)
    power = torch.stack([torch.fft.rfft2(field).abs().square() for field in fields]).mean(0)
    across = torch.fft.rfftfreq(256)[None]
    frequency = (torch.fft.fftfreq(192)[:, None].square() + across.square()).sqrt()
    kept = (frequency > 0.03) & (frequency < 0.45)
    slope = np.polyfit(frequency[kept].log().numpy(), power[kept].log().numpy(), 1)[0]
    assert slope == pytest.approx(-2 * fall, abs=0.1)


def test_leaves_have_power_law_sizes() -> None:
    drawn = radii(np.random.default_rng(0), 200_000, 1.0, 20.0)
    assert drawn.min() >= 1 and drawn.max() <= 20.001
    # a density of r^-3: the share of leaves larger than r falls with the square
    whole = 1 - 20.0**-2
    for radius in (1.5, 2.0, 4.0, 8.0):
        share = (radius**-2 - 20.0**-2) / whole
        assert (drawn > radius).mean() == pytest.approx(share, rel=0.05)


@pytest.mark.parametrize(("kind", "word"), [("disc", "pebbled"), ("polygon", "jumbled")])
def test_leaves_hide_the_ground_and_come_again(kind: str, word: str) -> None:
    drawn = leaves(np.random.default_rng(2), (80, 60), kind=kind)
    again = leaves(np.random.default_rng(2), (80, 60), kind=kind)
    assert drawn.word == word
    assert drawn.rgb.shape == (3, 60, 80)
    assert torch.equal(drawn.rgb, again.rgb)
    assert drawn.rgb.min() >= 0 and drawn.rgb.max() <= 1
    tiles = drawn.rgb.unfold(1, 20, 20).unfold(2, 20, 20)
    assert tiles.std(dim=(-1, -2)).amax(0).min() > 0.02  # something to track everywhere


def test_colours_are_what_they_are_called() -> None:
    rng = np.random.default_rng(0)
    for name in COLOURS:
        others = [other for other in COLOURS if other != name]
        for _ in range(60):
            colour = draw_colour(rng, without=others)
            assert colour.name == name
            assert name_of(colour.rgb) == name
            assert colour.rgb.min() >= 0 and colour.rgb.max() <= 1


def test_shades_and_soft_colours() -> None:
    blue = draw_colour(np.random.default_rng(0), without=set(COLOURS) - {"blue"})
    soft = draw_colour(np.random.default_rng(0), without=set(COLOURS) - {"blue"}, soft=1)
    np.testing.assert_allclose(soft.rgb, 0.72, atol=1e-6)
    np.testing.assert_allclose(shade_of(blue, 1).rgb, 1)
    np.testing.assert_allclose(shade_of(blue, -0.5).rgb, blue.rgb / 2, rtol=1e-6)
    assert shade_of(blue, 0.3).name == "blue"


def test_cloth_is_of_two_colours_that_differ() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        cloth = draw_cloth(rng, (8, 8))
        assert np.abs(cloth.first.rgb - cloth.second.rgb).max() > 0.1


def test_uneven_light_leaves_nothing_flat() -> None:
    flat = torch.full((3, 64, 64), 0.5)
    lit = uneven(np.random.default_rng(0), flat)
    assert lit.unfold(1, 16, 16).unfold(2, 16, 16).std(dim=(-1, -2)).min() > 0.004
    assert (lit - flat).abs().max() < 0.3


def test_a_background_fills_the_picture_and_is_named() -> None:
    rng = np.random.default_rng(0)
    names = set()
    for _ in range(60):
        drawn = background(rng, (48, 32))
        assert drawn.rgb.shape == (3, 32, 48)
        assert drawn.rgb.min() >= 0 and drawn.rgb.max() <= 1
        assert drawn.name.endswith(" background")
        names.add(drawn.name)
    assert len(names) > 20


def test_a_background_may_be_a_photograph(photograph: np.ndarray) -> None:
    stock = Stock(photographs=(photograph,))
    drawn = background(np.random.default_rng(0), (64, 48), stock=stock, kinds={"photograph": 1})
    again = background(np.random.default_rng(0), (64, 48), stock=stock, kinds={"photograph": 1})
    assert drawn.name == "photograph"
    assert drawn.rgb.shape == (3, 48, 64)
    assert torch.equal(drawn.rgb, again.rgb)


def test_only_kinds_that_are_there_are_drawn() -> None:
    with pytest.raises(DataError, match=r"of the kinds photograph none is in stock"):
        background(np.random.default_rng(0), (8, 8), kinds={"photograph": 1})
    with pytest.raises(DataError, match=r"kind 'moss' with weight 1; kinds are photograph, "):
        background(np.random.default_rng(0), (8, 8), kinds={"moss": 1})
    with pytest.raises(DataError, match=r"kind 'leaves' with weight -1"):
        background(np.random.default_rng(0), (8, 8), kinds={"leaves": -1})


def test_kinds_are_drawn_as_often_as_said() -> None:
    rng = np.random.default_rng(0)
    weights = {"a": 3, "b": 1.0, "c": 5}
    drawn = [draw_kind(rng, weights, known="abc", absent="c") for _ in range(4000)]
    assert drawn.count("a") / 4000 == pytest.approx(0.75, abs=0.03)
    assert "c" not in drawn


def test_a_crop_is_a_piece_of_the_photograph() -> None:
    ramp = np.zeros((100, 200, 3), np.uint8)
    ramp[..., 0] = np.arange(200)
    ramp[..., 1] = np.arange(100)[:, None]
    rng = np.random.default_rng(0)
    spans = []
    for _ in range(100):
        piece = crop(rng, [ramp], (20, 20)).astype(int)
        assert piece.shape == (20, 20, 3)
        across = piece[:, -1, 0] - piece[:, 0, 0]
        down = piece[-1, :, 1] - piece[0, :, 1]
        assert abs(abs(across.mean()) - down.mean()) < 4  # the shape is kept, mirrored or not
        spans.append(down.mean() / 0.95)
    assert 28 < min(spans) < 45 and 85 < max(spans) <= 104


def test_a_small_photograph_is_made_larger() -> None:
    tiny = np.full((4, 6, 3), 90, np.uint8)
    piece = crop(np.random.default_rng(0), [tiny], (30, 10))
    assert piece.shape == (10, 30, 3)
    assert (piece == 90).all()


def test_photographs_of_a_folder(picture_folder: Path) -> None:
    read = read_photographs(picture_folder)
    assert [one.shape for one in read] == [(200, 300, 3)] * 2
    assert repr(Stock(photographs=read)) == "Stock(0 glyphs, 2 photographs)"
    assert Stock.found(photographs=picture_folder).photographs[0].shape == (200, 300, 3)


def test_a_large_photograph_is_made_smaller(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "wide.png"), np.zeros((50, 4096, 3), np.uint8))
    assert read_photographs(tmp_path)[0].shape == (12, 1024, 3)


def test_bad_folders_are_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no folder of photographs at .*gone; name one that is"):
        read_photographs(tmp_path / "gone")
    with pytest.raises(DataError, match=r"holds no photograph; put in files that end in \.bmp"):
        read_photographs(tmp_path)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(
        DataError, match=r"a photograph of .* cannot be used: .*broken\.png"
    ) as told:
        read_photographs(tmp_path)
    assert "\n" not in str(told.value)


def test_photographs_of_scikit_image_need_no_download() -> None:
    pytest.importorskip("skimage")
    shipped = shipped_photographs()
    assert len(shipped) >= 5
    assert all(min(one.shape[:2]) >= 300 for one in shipped)


def test_missing_photographs_are_noted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kineograph.data.procedural.stock.shipped_photographs", lambda: ())
    notes: list[str] = []
    stock = Stock.found(note=notes.append)
    rng = np.random.default_rng(0)
    for _ in range(5):
        background(rng, (16, 16), stock=stock)
    assert notes.count(NO_PHOTOGRAPHS) == 1
