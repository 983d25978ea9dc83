"""Checkpoint files: every kind is read bit for bit, no code in them runs, messages say what is."""

import argparse
import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from kineograph.core.errors import ModelError, OutputError
from kineograph.models import checkpoint
from kineograph.models.checkpoint import (
    compare_keys,
    read_metadata,
    read_tensors,
    write_tensors,
)


def some_tensors() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {
        "half.weight": torch.randn(3, 4).half(),
        "brain.weight": torch.randn(5).bfloat16(),
        "full.bias": torch.randn(2, 2, 3, 3),
        "count": torch.tensor(7),
    }


def assert_same(read: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    assert read.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor), name


def save_old(held: Any, path: Path) -> None:
    torch.save(held, path, _use_new_zipfile_serialization=False)


@pytest.mark.parametrize("suffix", [".ckpt", ".pt", ".pth", ".bin"])
@pytest.mark.parametrize("save", [torch.save, save_old, save_file])
def test_every_kind_of_file_is_read_bit_for_bit_whatever_its_name(
    tmp_path: Path, save: Callable[[Any, Path], None], suffix: str
) -> None:
    path = tmp_path / f"weights{suffix}"
    save(some_tensors(), path)
    assert_same(read_tensors(path), some_tensors())


@pytest.mark.parametrize(
    "wrap",
    [
        lambda held: {"state_dict": held, "epoch": 3},
        lambda held: {"state_dict": {f"module.{name}": value for name, value in held.items()}},
        lambda held: {"epoch": 1, "state_dict": {"model": held}},
        lambda held: {"controlnet": held},
        lambda held: {"module": held, "optimizer": {"lr": 1e-4}},
        lambda held: {f"module.{name}": value for name, value in held.items()},
        lambda held: held | {"animatediff_config": {"version": "v3"}},
        lambda held: {"state_dict": held | {"animatediff_config": "x"}, "animatediff_config": ""},
        lambda held: {
            f"module.{name}": value for name, value in (held | {"animatediff_config": 0}).items()
        },
    ],
)
def test_wrappers_and_dummy_entries_are_taken_off(
    tmp_path: Path, wrap: Callable[[Any], Any]
) -> None:
    torch.save(wrap(some_tensors()), tmp_path / "mm.ckpt")
    assert_same(read_tensors(tmp_path / "mm.ckpt"), some_tensors())


def test_a_prefix_that_not_all_names_have_is_a_part_of_the_name(tmp_path: Path) -> None:
    held = {"module.weight": torch.ones(1), "head.weight": torch.ones(2)}
    torch.save(held, tmp_path / "mm.ckpt")
    assert_same(read_tensors(tmp_path / "mm.ckpt"), held)


class Evil:
    """What reading a pickle runs, if it runs anything: it makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def dump(held: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps(held))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("save", [torch.save, save_old, dump])
def test_code_in_a_pickle_is_named_and_not_run(
    tmp_path: Path, save: Callable[[Any, Path], None]
) -> None:
    mark, path = tmp_path / "it-ran", tmp_path / "mm.ckpt"
    save({"state_dict": {"a": torch.ones(1), "b": Evil(mark)}}, path)
    with pytest.raises(ModelError) as raised:
        read_tensors(path)
    assert not mark.exists()
    assert str(raised.value) == (
        f"{path} was not read: it is a pickle that holds {os.mkdir.__module__}.mkdir, which could "
        "run code; take the same weights as .safetensors"
    )
    if save is not dump:  # the test can fail: read with trust, the file does run it
        torch.load(path, weights_only=False)
        assert mark.exists()


def test_objects_of_a_trainer_are_named(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1), "args": argparse.Namespace(lr=1)}, tmp_path / "a.ckpt")
    with pytest.raises(ModelError, match=r"a pickle that holds argparse\.Namespace, which could"):
        read_tensors(tmp_path / "a.ckpt")


@pytest.mark.parametrize("save", [torch.save, save_old, save_file])
@pytest.mark.parametrize("kept", [0.5, 0.9, 0.99])
def test_a_file_cut_short_is_said_to_be(
    tmp_path: Path, save: Callable[[Any, Path], None], kept: float
) -> None:
    path = tmp_path / "weights.safetensors"
    save({"weight": torch.randn(300)}, path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(ModelError, match=r"is broken or cut short.*; fetch it again") as raised:
        read_tensors(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty; fetch it again"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "is a pointer of Git LFS"),
        (b"\n<!DOCTYPE html><html>not found</html>", "is a web page, not weights"),
        (b'{"_class_name": "MotionAdapter"}', "is JSON, not weights"),
        (b"GIF89a and so on", "holds no weights; a weights file is one of .safetensors, .ckpt"),
        (b"PK\x03\x04 the rest is missing", "is broken or cut short; fetch it again"),
    ],
)
def test_what_is_not_weights_is_told(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "mm.ckpt"
    path.write_bytes(content)
    with pytest.raises(ModelError) as raised:
        read_tensors(path)
    assert told in str(raised.value)
    assert str(path) in str(raised.value)


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"mm\.ckpt does not exist; name a weights file \(\.safet"):
        read_tensors(tmp_path / "mm.ckpt")
    with pytest.raises(ModelError, match="is a folder; name a weights file"):
        read_tensors(tmp_path)


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ([torch.ones(1)], "holds no tensors by name, but list"),
        ({}, "holds nothing where tensors by name are expected"),
        ({"a": torch.ones(1), "steps": 5}, r"holds steps \(int\) where tensors by name"),
        ({"state_dict": {"animatediff_config": {}}}, "holds nothing where tensors"),
    ],
)
def test_a_file_without_tensors_by_name_is_told(tmp_path: Path, held: Any, told: str) -> None:
    torch.save(held, tmp_path / "mm.ckpt")
    with pytest.raises(ModelError, match=told):
        read_tensors(tmp_path / "mm.ckpt")


def test_writing_keeps_bits_views_and_metadata(tmp_path: Path) -> None:
    path = tmp_path / "new" / "mm.safetensors"
    base = torch.arange(12.0).reshape(3, 4)
    held = some_tensors() | {"base": base, "turned": base.T, "row": base[1], "again": base}
    write_tensors(path, held, {"source": "v3"})
    assert_same(read_tensors(path), held)
    assert read_metadata(path) == {"format": "pt", "source": "v3"}


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mm.safetensors"
    write_tensors(path, {"a": torch.ones(1)})

    def half(tensors: Any, file: Path, metadata: Any) -> None:
        file.write_bytes(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save_file", half)
    with pytest.raises(KeyboardInterrupt):
        write_tensors(path, {"a": torch.zeros(1)})
    assert_same(read_tensors(path), {"a": torch.ones(1)})
    assert [file.name for file in tmp_path.iterdir()] == ["mm.safetensors"]


def test_only_safetensors_are_written_and_have_metadata(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"name a file that ends in \.safetensors"):
        write_tensors(tmp_path / "mm.ckpt", some_tensors())
    torch.save(some_tensors(), tmp_path / "mm.ckpt")
    assert read_metadata(tmp_path / "mm.ckpt") == {}


MOTION = {"down_blocks.0.motion_modules.0.temporal_transformer.norm.weight": (8,)}
MIDDLE = MOTION | {"mid_block.motion_modules.0.temporal_transformer.norm.weight": (8,)}
POSITIONS = "down_blocks.0.motion_modules.0.temporal_transformer.pos_encoder.pe"
TEXT = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight"


def test_equal_names_and_shapes_pass() -> None:
    compare_keys({"a": torch.ones(2, 3), "b": (4,)}, {"b": torch.ones(4), "a": (2, 3)}, "it")


def test_every_difference_is_named_the_first_three_of_a_kind() -> None:
    given = {f"surplus.{n}": (1,) for n in range(5)} | {"a": (2, 3)}
    wanted = {f"missing.{n}": (1,) for n in range(2)} | {"a": torch.ones(3, 2)}
    with pytest.raises(ModelError) as raised:
        compare_keys(given, wanted, "a motion module")
    assert str(raised.value) == (
        "this is not a motion module: it lacks missing.0, missing.1; has the unknown surplus.0, "
        "surplus.1, surplus.2 and 2 more; has a [2, 3] where [3, 2] fits; it is of another version "
        "or another network"
    )


@pytest.mark.parametrize(
    ("given", "wanted", "cause"),
    [
        ({"a.lora_up.weight": (1,)}, {"a.weight": (1,)}, "it is a LoRA, which is applied to"),
        ({"a.weight": (1,)}, {"a.lora_A.weight": (1,)}, "it is a whole model, not a LoRA"),
        ({"model.diffusion_model.x": (1,)}, MOTION, "a single-file checkpoint of Stable Diffusion"),
        ({TEXT: (320, 1024)}, {TEXT: (320, 768)}, "Stable Diffusion 2.x, not Stable Diffusion 1.x"),
        ({TEXT: (320, 2048)}, {TEXT: (320, 768)}, "it is made for SDXL, not Stable Diffusion 1.x"),
        ({TEXT: (320, 64)}, {TEXT: (320, 768)}, "it is made for a text width of 64, not Stable"),
        (MIDDLE, MOTION, "it has motion layers in the middle block, as v2; v1 and v3 have none"),
        (MOTION, MIDDLE, "it lacks the motion layers of the middle block, which v2 has"),
        ({POSITIONS: (1, 24, 8)}, {POSITIONS: (1, 32, 8)}, "it knows 24 frames, not 32: another"),
        ({"down_blocks.0.motion_modules.0.norm.weight": (8,)}, MOTION, "names of diffusers' Motio"),
        (MOTION, {"down_blocks.0.motion_modules.0.norm.weight": (8,)}, "AnimateDiff's own names"),
        ({"a": (1,)}, {"b": (1,)}, "it has no name in common with it"),
    ],
)
def test_the_likely_cause_is_told(given: Any, wanted: Any, cause: str) -> None:
    with pytest.raises(ModelError) as raised:
        compare_keys(given, wanted, "what fits")
    assert cause in str(raised.value)
    assert "\n" not in str(raised.value)
