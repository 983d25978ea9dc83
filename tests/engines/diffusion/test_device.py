"""Devices and types, with the machine's own devices imagined."""

import pytest
import torch

from kineograph.core.errors import EngineError
from kineograph.engines.diffusion import device as module
from kineograph.engines.diffusion.device import choose, kinds


def machine(monkeypatch: pytest.MonkeyPatch, bfloat16: bool = True, **counts: int) -> None:
    """A machine with so many devices of each kind."""
    monkeypatch.setattr(module, "_count", lambda kind: counts.get(kind, int(kind == "cpu")))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: bfloat16)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "RTX 4090")


def test_the_fastest_device_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch)
    assert choose().device == torch.device("cpu")
    machine(monkeypatch, mps=1)
    assert choose().device == torch.device("mps")
    machine(monkeypatch, cuda=2, xpu=1)
    assert choose().device == torch.device("cuda")
    assert kinds() == ("cuda", "xpu", "cpu")


def test_the_type_follows_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, cuda=2)
    assert choose().dtype == torch.float16
    assert choose("cpu").dtype == torch.float32
    assert choose("cpu", "bfloat16").dtype == torch.bfloat16
    assert choose("cuda:1", "float32").dtype == torch.float32
    assert choose("cuda:1").sentence == "computing on cuda:1 (RTX 4090) in float16"
    assert choose("CPU").sentence == "computing on the CPU in float32"


def test_this_machine_computes_somewhere() -> None:
    place = choose()
    assert torch.ones(2, device=place.device, dtype=place.dtype).sum() == 2


@pytest.mark.parametrize(
    ("device", "dtype", "told"),
    [
        ("cuda:2", None, "device cuda:2 was asked for, but the cuda devices here .* 0 to 1"),
        ("mps", None, "device mps was asked for, but torch .* finds no mps; there is cuda, cpu"),
        ("cud", None, "device cud is not known; did you mean cuda?.*give one of cuda, xpu, mps"),
        ("cuda:one", None, "device cuda:one is not known"),
        ("cuda:", None, "device cuda: is not known"),
        ("cpu:1", None, "the cpu devices here are numbered 0 to 0"),
        ("cpu", "fp16", "dtype fp16 was asked for; .*give one of float32, float16, bfloat16"),
        ("cuda", "bfloat16", "cuda .RTX 4090. does not compute in bfloat16; use float16 or"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, device: str, dtype: str | None, told: str
) -> None:
    machine(monkeypatch, cuda=2, bfloat16=False)
    with pytest.raises(EngineError, match=told) as caught:
        choose(device, dtype)
    assert "\n" not in str(caught.value)
