"""Weights beside pickled settings are read, and nothing is run."""

import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch

from kineograph.core.errors import ModelError
from kineograph.models.checkpoint import read_tensors
from kineograph.models.loading.inert_configs import inert_configs

HELD = {"position_net.null_positive_feature": torch.arange(3.0)}


def settings(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An object like those of OmegaConf, of modules that are gone once it is pickled."""
    made = {}
    for module, names in {
        "omegaconf": (),
        "omegaconf.dictconfig": ("DictConfig",),
        "omegaconf.base": ("ContainerMetadata",),
        "omegaconf.nodes": ("AnyNode",),
    }.items():
        fake = types.ModuleType(module)
        monkeypatch.setitem(sys.modules, module, fake)
        for name in names:
            made[name] = type(name, (), {"__module__": module})
            setattr(fake, name, made[name])
    node, metadata, config = made["AnyNode"](), made["ContainerMetadata"](), made["DictConfig"]()
    metadata.object_type, metadata.ref_type, node.held = dict, Any, 7
    config.__dict__ = {"_metadata": metadata, "_content": {"lr": node}, "_parent": None}
    return config


def test_settings_beside_the_weights_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "diffusion_pytorch_model.bin"
    with monkeypatch.context() as patch:
        config = settings(patch)
        torch.save({"model": HELD, "config_dict": vars(config), "whole": config}, path)
    with inert_configs():
        read = read_tensors(path)
    assert list(read) == list(HELD)
    assert torch.equal(read["position_net.null_positive_feature"], torch.arange(3.0))


class Runs:
    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('code was run')",)


def test_code_is_refused_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    torch.save({"model": HELD, "config_dict": Runs()}, path)
    with inert_configs(), pytest.raises(ModelError, match=r"could run code; take the same weights"):
        read_tensors(path)
