"""Depth in files: pictures of 8 or 16 bits, TIFF, PFM and NumPy arrays."""

import json
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32, Float64
from PIL import Image

from kineograph.core.embedding import open_image, png_text
from kineograph.core.errors import OutputError, VisionError
from kineograph.core.files import whole_file
from kineograph.core.picture import MAX_PIXELS, check_pixels
from kineograph.vision.depth import Depth, from_nearness

READS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".pfm", ".npy", ".npz")
"""The endings of depth files."""

WRITES = (".png", ".npy", ".npz")
"""Those that can be written."""

SCALE_KEY = "kineograph-depth"
"""The PNG text that says what the greys of a depth picture stand for."""


def read_depth(
    path: Path | str, *, near_is_white: bool | None = None, max_pixels: int = MAX_PIXELS
) -> Depth:
    """Read how far away things are.

    A picture that Kineograph wrote says itself what its greys stand for. Of others, those of 8
    bits are taken for the usual white-is-near pictures: grey is inverse depth, and black is 10
    times as far as white. Those of 16 bits, and files of floats, hold depth itself, and 0, NaN and
    infinite values are holes, which are filled from the farther side.

    Args:
        path: .png, .jpg, .webp, .bmp, .tif, .pfm, .npy, or .npz with "depth" and perhaps "K".
        near_is_white: whether large values are near (inverse depth) or far (depth itself).
        max_pixels: the largest map that is read.

    Raises:
        VisionError: the file is missing, broken, too large or no depth map.
    """
    path = Path(path)
    if path.is_dir() or not path.exists():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise VisionError(f"the depth file {path} {what}; name one ending in {', '.join(READS)}")
    if path.suffix.lower() not in READS:
        raise VisionError(
            f"cannot read depth from {path}: it has to end in one of {', '.join(READS)}"
        )
    values, facts = _values(path, max_pixels)
    if values.ndim != 2 or not np.issubdtype(values.dtype, np.number) or not values.size:
        raise VisionError(f"{path} holds {values.dtype} {values.shape}; a depth map is 2D numbers")
    K, metric = facts.get("K"), bool(facts.get("metric", False))
    if "near" in facts and near_is_white is not False:
        grey = values.astype(np.float64) / 65535
        inverse = grey / facts["near"] + (1 - grey) / facts["far"]
        return Depth((1 / inverse).astype(np.float32), K, metric)
    try:
        if values.dtype == np.uint8 if near_is_white is None else near_is_white:
            return Depth(from_nearness(values), K, metric)
        return Depth.filled(values.astype(np.float32), K, metric)
    except VisionError as error:
        raise VisionError(f"{path}: {error}") from None


def write_depth(path: Path | str, depth: Depth) -> None:
    """Write a depth map: `.png` (16 bits, white is near, grey is inverse depth), `.npy`, `.npz`.

    The picture says in its text what its greys stand for, so that `read_depth` gives the same
    depths again, to a 65535th of the inverse depth; only `.npz` and `.png` keep the lens.

    Raises:
        OutputError: another ending, or it cannot be written.
    """
    path = Path(path)
    check_depth_output(path)
    K = None if depth.K is None else depth.K.tolist()
    with whole_file(path) as partial, partial.open("wb") as file:
        if path.suffix.lower() == ".npy":
            np.save(file, depth.depth, allow_pickle=False)
        elif path.suffix.lower() == ".npz":
            held: dict[str, Any] = {"depth": depth.depth, "metric": np.bool_(depth.metric)}
            held |= {} if depth.K is None else {"K": depth.K}
            np.savez_compressed(file, allow_pickle=False, **held)
        else:
            near, far = float(depth.depth.min()), float(depth.depth.max())
            facts = {"near": near, "far": max(far, near * (1 + 1e-6)), "metric": depth.metric}
            info = png_text(None)
            info.add_text(SCALE_KEY, json.dumps(facts | ({} if K is None else {"K": K})))
            Image.fromarray(_grey(depth.depth, facts["near"], facts["far"])).save(
                file, format="PNG", compress_level=4, pnginfo=info
            )


def check_depth_output(path: Path) -> None:
    """Check that `write_depth` knows this ending.

    Raises:
        OutputError: it does not.
    """
    if path.suffix.lower() not in WRITES:
        raise OutputError(f"cannot write depth to {path}: it has to end in {', '.join(WRITES)}")


def _grey(depth: Float32[np.ndarray, "height width"], near: float, far: float) -> np.ndarray:
    """16-bit greys, evenly spaced in inverse depth."""
    share = (1 / depth.astype(np.float64) - 1 / far) / (1 / near - 1 / far)
    return np.rint(share.clip(0, 1) * 65535).astype(np.uint16)


def _values(path: Path, max_pixels: int) -> tuple[np.ndarray, dict[str, Any]]:
    """What a file holds, and what it says about that."""
    try:
        match path.suffix.lower():
            case ".npy":
                return np.load(path, allow_pickle=False), {}
            case ".npz":
                return _archive(path)
            case ".pfm" | ".tif" | ".tiff":
                values = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
                if values is None:
                    raise ValueError("it is no picture that can be read")
                check_pixels((values.shape[1], values.shape[0]), max_pixels=max_pixels)
                return _one_channel(values), {}
            case _:
                return _picture(path, max_pixels)
    except (
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        zipfile.BadZipFile,
        KeyError,
        TypeError,
    ) as error:
        raise VisionError(f"cannot read depth from {path}: {error}; is it complete?") from error


def _archive(path: Path) -> tuple[np.ndarray, dict[str, Any]]:
    with np.load(path, allow_pickle=False) as held:
        if "depth" not in held:
            raise ValueError(f'it holds {", ".join(held) or "nothing"} and no "depth"')
        facts = {"metric": bool(held["metric"])} if "metric" in held else {}
        return held["depth"], facts | ({"K": _lens(held["K"])} if "K" in held else {})


def _picture(path: Path, max_pixels: int) -> tuple[np.ndarray, dict[str, Any]]:
    with open_image(path) as image:
        check_pixels(image.size, max_pixels=max_pixels, what=str(path))
        image.load()
        text = image.info.get(SCALE_KEY)
        facts = json.loads(text) if isinstance(text, str) else {}
        if "K" in facts:
            facts["K"] = _lens(facts["K"])
        if "near" in facts and not 0 < float(facts["near"]) < float(facts["far"]) < np.inf:
            raise ValueError(
                f"its text says that depth goes from {facts['near']} to {facts['far']}"
            )
        wide = image.mode.startswith("I") or image.mode == "F"
        return _one_channel(np.asarray(image if wide else image.convert("RGB"))), facts


def _lens(K: Any) -> Float64[np.ndarray, "3 3"]:
    lens = np.asarray(K, np.float64)
    if lens.shape != (3, 3) or not np.isfinite(lens).all():
        raise ValueError(f"its K is {lens.shape}, not a 3x3 matrix of numbers")
    return lens


def _one_channel(values: np.ndarray) -> np.ndarray:
    """A grey picture stored in colour is still grey; a coloured one says nothing certain."""
    if values.ndim == 2:
        return values
    grey = values[..., :3].astype(np.int64)
    if values.dtype == np.uint8 and np.ptp(grey, axis=2).max(initial=0) > 8:
        raise ValueError("it is in colour; depth has to be grey, without a colour map")
    return np.ascontiguousarray(values[..., 0])
