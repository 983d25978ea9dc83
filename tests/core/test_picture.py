"""Still pictures of every make become 8-bit RGB, and what cannot be read says why."""

import io
import re
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from kineograph.core.errors import OutputError, PictureError, VideoError
from kineograph.core.picture import check_pixels, fit, read_picture, write_picture
from kineograph.core.request_record import read_request
from kineograph.core.video import open_video

RECORD = {"kineograph": "0.1", "document": {"text": "Ein Vögelchen fliegt 🐦 <&>"}}


def corners() -> np.ndarray:
    """A 6x4 picture of four flat quarters: red, green / blue, white."""
    image = np.zeros((4, 6, 3), np.uint8)
    image[:2, :3], image[:2, 3:] = (255, 0, 0), (0, 255, 0)
    image[2:, :3], image[2:, 3:] = (0, 0, 255), (255, 255, 255)
    return image


@pytest.mark.parametrize("ending", [".png", ".webp", ".jpg", ".jpeg"])
def test_round_trip(tmp_path: Path, ending: str) -> None:
    coarse = np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8)
    texture = cv2.resize(coarse, (160, 120), interpolation=cv2.INTER_CUBIC)
    path = tmp_path / f"deep/a{ending}"
    write_picture(path, texture)
    back = read_picture(path)
    assert back.dtype == np.uint8
    if ending == ".png":
        np.testing.assert_array_equal(back, texture)
    assert np.abs(back.astype(int) - texture).mean() < 3
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", [".png", ".webp", ".jpg"])
def test_the_record_travels_with_the_picture(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    write_picture(path, corners(), RECORD)
    assert read_request(tmp_path / "a.json") == RECORD
    (tmp_path / "a.json").unlink()
    assert read_request(path) == RECORD


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path: Path, orientation: int) -> None:
    upright = corners()
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.png"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif)
    np.testing.assert_array_equal(read_picture(path), upright)


def test_grey_palette_and_one_bit(tmp_path: Path) -> None:
    grey = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10
    Image.fromarray(grey).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "grey.png"), np.dstack([grey] * 3))
    Image.fromarray(corners()).quantize(8).save(tmp_path / "palette.gif")
    np.testing.assert_array_equal(read_picture(tmp_path / "palette.gif"), corners())
    Image.fromarray(grey > 100).save(tmp_path / "bits.png")
    assert set(np.unique(read_picture(tmp_path / "bits.png"))) == {0, 255}


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    grey = np.array([[0, 128, 129, 257, 32768, 65535]], np.uint16)
    Image.fromarray(grey).save(tmp_path / "a.png")
    got = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(got[0, :, 0], [0, 0, 1, 1, 128, 255])


def test_sixteen_bit_rgb(tmp_path: Path) -> None:
    """A PNG of 16 bits a channel, put together by hand, since Pillow does not write them."""
    row = np.array([[65535, 0, 32768], [0, 65535, 257]], ">u2")
    header = np.array([2, 1], ">u4").tobytes() + bytes([16, 2, 0, 0, 0])
    png = b"\x89PNG\r\n\x1a\n"
    for name, data in (
        (b"IHDR", header),
        (b"IDAT", zlib.compress(b"\0" + row.tobytes())),
        (b"IEND", b""),
    ):
        png += len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4)
    (tmp_path / "a.png").write_bytes(png)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), [[[255, 0, 128], [0, 255, 1]]])


@pytest.mark.parametrize("ending", ["png", "webp"])
def test_alpha_is_composited_on_white(tmp_path: Path, ending: str) -> None:
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[..., 0], rgba[:4, :, 3], rgba[4:, :, 3] = 200, 255, 51
    Image.fromarray(rgba).save(tmp_path / f"a.{ending}", lossless=True, exact=True)
    got = read_picture(tmp_path / f"a.{ending}")
    np.testing.assert_array_equal(got[0, 0], [200, 0, 0])
    np.testing.assert_array_equal(got[7, 7], [244, 204, 204])


def test_transparent_colour_of_a_palette(tmp_path: Path) -> None:
    image = Image.fromarray(corners()).quantize(8)
    red = int(np.asarray(image)[0, 0])
    image.save(tmp_path / "a.png", transparency=red)
    got = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(got[0, 0], [255, 255, 255])
    np.testing.assert_array_equal(got[0, 5], [0, 255, 0])


def test_cmyk(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.tif")
    got = read_picture(tmp_path / "a.tif")[0, 0].astype(int)
    assert got[0] > 200
    assert max(got[1:]) < 60


def test_a_colour_profile_is_converted_to_srgb(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    image = Image.new("RGB", (4, 4), (200, 100, 50))
    image.save(tmp_path / "odd.png", icc_profile=profile.tobytes())  # does not fit RGB: ignored
    np.testing.assert_array_equal(read_picture(tmp_path / "odd.png")[0, 0], [200, 100, 50])
    image.save(tmp_path / "none.png", icc_profile=b"no profile")
    np.testing.assert_array_equal(read_picture(tmp_path / "none.png")[0, 0], [200, 100, 50])
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    image.save(tmp_path / "srgb.png", icc_profile=srgb.tobytes())
    np.testing.assert_array_equal(read_picture(tmp_path / "srgb.png")[0, 0], [200, 100, 50])
    image.save(tmp_path / "wide.png", icc_profile=_linear_profile(srgb.tobytes()))
    got = read_picture(tmp_path / "wide.png")[0, 0].astype(int)
    linear = np.array([200, 100, 50]) / 255
    np.testing.assert_allclose(got, 255 * (1.055 * linear ** (1 / 2.4) - 0.055), atol=2)


def _linear_profile(srgb: bytes) -> bytes:
    """The sRGB profile with straight tone curves and another name."""
    profile = bytearray(srgb)
    count = int.from_bytes(profile[128:132])
    for entry in range(132, 132 + 12 * count, 12):
        name, start = bytes(profile[entry : entry + 4]), int.from_bytes(profile[entry + 4 :][:4])
        if name in (b"rTRC", b"gTRC", b"bTRC"):
            profile[start : start + 16] = b"para" + bytes(4) + bytes(4) + (65536).to_bytes(4)
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "line".encode("utf-16-be"))


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read_picture(tmp_path / "a.gif")[0, 0], [255, 0, 0])


def _truncated() -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(buffer, "JPEG")
    return buffer.getvalue()[:1500]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.png", None, r"^there is no picture at .*missing\.png; check the name$"),
        ("empty.png", b"", r"^.*empty\.png is not a picture that can be read; give PNG, JPEG"),
        ("text.jpg", b"hello", r"^.*text\.jpg is not a picture that can be read"),
        ("cut.jpg", _truncated(), r"^cannot read the picture .*cut\.jpg: .*; is it complete\?$"),
    ],
)
def test_unreadable(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(PictureError, match=message) as raised:
        read_picture(tmp_path / name)
    assert "\n" not in str(raised.value)


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="is a folder; name a picture"):
        read_picture(tmp_path)


def test_floats_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(PictureError, match="floating-point values; save it with 8 or 16 bits"):
        read_picture(tmp_path / "a.tif")
    Image.fromarray(np.full((4, 4), 70000, np.int32)).save(tmp_path / "b.tif")
    with pytest.raises(PictureError, match="32-bit values; save it with 8 or 16 bits"):
        read_picture(tmp_path / "b.tif")


def test_the_limit_and_its_flag(tmp_path: Path) -> None:
    Image.new("1", (20000, 10000)).save(tmp_path / "huge.png")
    message = r"huge\.png is 20000x10000, 200\.0 megapixels; the limit is 64\.0; allow it with "
    with pytest.raises(PictureError, match=message + "--max-pixels 200000000"):
        read_picture(tmp_path / "huge.png")
    with pytest.raises(VideoError, match="is a still picture"):
        open_video(tmp_path / "huge.png")
    Image.fromarray(corners()).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png", max_pixels=24).shape == (4, 6, 3)
    with pytest.raises(PictureError, match="--max-pixels 24"):
        read_picture(tmp_path / "a.png", max_pixels=23)
    with pytest.raises(PictureError, match="the picture is 0x4; both sides must be at least 1"):
        check_pixels((0, 4))


def test_unwritable_pictures(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"ending must be one of \.png, \.jpg, \.jpeg, \.webp"):
        write_picture(tmp_path / "a.tga", corners())
    with pytest.raises(OutputError, match=r"write a \.png instead"):
        write_picture(tmp_path / "a.jpg", corners(), RECORD | {"long": "x" * 70000})
    (tmp_path / "a.json").write_text('{"gestures": []}')
    with pytest.raises(OutputError, match="did not write as a record; name another output"):
        write_picture(tmp_path / "a.png", corners(), RECORD)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


@given(st.integers(1, 60), st.integers(1, 60))
def test_fit_is_multiplication(width: int, height: int) -> None:
    """A flat picture stays flat at any size; a ramp keeps its mean when it shrinks by half."""
    image = np.full((20, 30, 3), (10, 200, 90), np.uint8)
    resized = fit(image, (width, height))
    assert resized.shape == (height, width, 3)
    assert (resized == image[0, 0]).all()


def test_fit_keeps_raster_coordinates() -> None:
    """The edge at x = 16 of 32 stands at x = 8 of 16 and x = 32 of 64, not half a pixel off."""
    image = np.zeros((8, 32, 3), np.uint8)
    image[:, 16:] = 255
    half = fit(image, (16, 8))[4, :, 0]
    np.testing.assert_array_equal(half, [0] * 8 + [255] * 8)
    double = fit(image, (64, 8))[4, :, 0].astype(int)
    assert np.abs(double + double[::-1] - 255).max() <= 1
    same = fit(image, (32, 8))
    assert same is not image
    np.testing.assert_array_equal(same, image)
    with pytest.raises(PictureError, match="the wanted size is 0x8"):
        fit(image, (0, 8))


@pytest.mark.parametrize(
    ("size", "limit", "told"),
    [
        ((64, 48), 1000, "3072 pixels; the limit is 1000;"),
        ((8001, 8000), 64_000_000, "64008000 pixels; the limit is 64000000;"),
        ((20000, 10000), 64_000_000, "200.0 megapixels; the limit is 64.0;"),
    ],
)
def test_the_limit_is_told_so_that_it_differs(size: tuple, limit: int, told: str) -> None:
    with pytest.raises(PictureError, match=re.escape(told)):
        check_pixels(size, max_pixels=limit)
