"""Glyphs: names that are Unicode's and plain; pictures where an emoji font is installed."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ImageFont
from scipy.spatial.distance import cdist

from kineograph.core.errors import DataError
from kineograph.data.procedural.glyph_names import NAMES, PLAINER
from kineograph.data.procedural.glyphs import Glyph, find_font, plain_name, read_glyphs, resized
from kineograph.data.procedural.shapes import SHAPES
from kineograph.data.procedural.sprites import sprite
from kineograph.data.procedural.stock import NO_FONT, Stock


@pytest.fixture(scope="module")
def glyphs() -> tuple[Glyph, ...]:
    font = find_font()
    if font is None:
        pytest.skip("install an emoji font (fonts-noto-color-emoji) to run this")
    return read_glyphs(font)


def test_names_are_of_single_characters_and_plain() -> None:
    assert len(NAMES) > 300
    plain = [plain_name(unicodedata.lookup(name)) for name in NAMES]
    assert len(set(plain)) == len(plain)
    for name in plain:
        assert name.replace(" ", "").isalpha() and name == name.lower() and name.isascii()
        assert len(name.split()) <= 4
        assert not {"left", "right", "clockwise", "in", "behind", "while"} & set(name.split())
    assert not {"camera", *SHAPES} & set(plain)  # the captions mean something else by these


def test_every_plainer_name_is_in_use() -> None:
    assert set(PLAINER) <= {name.replace("-", " ") for name in NAMES}


def test_plain_names() -> None:
    assert plain_name("\U0001f600") == "grinning face"
    assert plain_name("\U0001f34e") == "red apple"
    assert plain_name("\U0001f41e") == "ladybird"
    with pytest.raises(DataError, match=r"'ab' has no Unicode name; give one named character"):
        plain_name("ab")


def test_bad_fonts_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no font at .*gone\.ttf; name an emoji font such as Noto"):
        read_glyphs(tmp_path / "gone.ttf")
    (tmp_path / "text.ttf").write_text("no font")
    with pytest.raises(DataError, match=r"text\.ttf is not a font with coloured bitmaps; name one"):
        Stock.found(font=tmp_path / "text.ttf")


def test_a_font_without_colour_is_refused(tmp_path: Path) -> None:
    built_in = ImageFont.load_default(20)
    if not isinstance(built_in, ImageFont.FreeTypeFont):
        pytest.skip("Pillow has no font of its own here")
    built_in.path.seek(0)
    (tmp_path / "plain.ttf").write_bytes(built_in.path.read())
    with pytest.raises(DataError, match=r"plain\.ttf is not a font with coloured bitmaps"):
        read_glyphs(tmp_path / "plain.ttf")


def test_a_missing_font_is_noted_once_and_shapes_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kineograph.data.procedural.stock.find_font", lambda: None)
    notes: list[str] = []
    stock = Stock.found(note=notes.append)
    rng = np.random.default_rng(0)
    kinds = {sprite(rng, 16, stock=stock).kind for _ in range(60)}
    assert "glyph" not in kinds and "shape" in kinds
    assert notes.count(NO_FONT) == 1
    assert Stock.found().glyphs == ()  # and nobody has to listen


def test_a_glyph_becomes_a_sprite() -> None:
    wide = np.zeros((20, 40, 4), np.float32)
    wide[..., :] = (0.1, 0.6, 0.3, 1)
    stock = Stock(glyphs=(Glyph(wide, "green bar"),))
    one = sprite(np.random.default_rng(0), 32, stock=stock, kinds={"glyph": 1})
    assert one.name == "green bar" and one.kind == "glyph"
    rows, columns = (one.rgba[3] > 0.5).nonzero().unbind(1)
    assert np.ptp(columns.numpy()) + 1 == pytest.approx(29.5, abs=1)
    assert np.ptp(rows.numpy()) + 1 == pytest.approx(14.75, abs=1)
    torch.testing.assert_close(one.rgba[0], torch.full((32, 32), 0.1))  # also where it is clear


def test_resizing_keeps_colours_apart_from_what_is_clear() -> None:
    half = np.zeros((30, 30, 4), np.float32)
    half[:, :15] = (0.9, 0.5, 0.2, 1)
    for size in ((11, 13), (70, 50)):
        scaled = resized(half, size)
        assert scaled.shape == (size[1], size[0], 4)
        shown = scaled[..., 3] > 0.05
        np.testing.assert_allclose(scaled[shown][:, :3], [[0.9, 0.5, 0.2]] * shown.sum(), atol=0.02)


def test_the_font_has_most_of_them_and_they_differ(glyphs: tuple[Glyph, ...]) -> None:
    assert len(glyphs) > 250
    small = [resized(one.rgba, (16, 16)) for one in glyphs]
    flat = np.stack([(one[..., :3] * one[..., 3:]).ravel() for one in small])
    away = cdist(flat, flat) / 16
    np.fill_diagonal(away, np.inf)
    assert away.min() > 0.2
    assert {"red apple", "fox face", "rocket"} <= {one.name for one in glyphs}


def test_glyphs_are_cut_close_with_colour_beyond_the_edge(glyphs: tuple[Glyph, ...]) -> None:
    for one in glyphs:
        alpha = one.rgba[..., 3]
        assert min(alpha[0].max(), alpha[-1].max(), alpha[:, 0].max(), alpha[:, -1].max()) > 0
        assert 0.1 < alpha.mean() <= 1
    apple = next(one.rgba for one in glyphs if one.name == "red apple")
    clear = apple[apple[..., 3] == 0]
    assert len(clear) > 0 and clear[:, :3].max(axis=1).min() > 0.15  # none is black
