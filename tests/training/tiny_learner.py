"""A small real network and real batches, for tests of everything around the training step."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kineograph.data.skipped import SkipReport
from kineograph.training.stage import Optimiser, Stage

WIDTH = 6


@dataclass
class Pairs:
    """A batch: what goes in, what should come out."""

    given: Tensor
    wanted: Tensor

    def to(self, device: Any) -> "Pairs":
        return Pairs(self.given.to(device), self.wanted.to(device))


@dataclass
class PairSource:
    """Endless pairs: number n of the whole stream is drawn from n, whoever asks for it."""

    batch: int = 4
    seed: int = 0
    process: int = 0
    processes: int = 1
    position: int = 0
    seen: list[int] = field(default_factory=list)
    report: SkipReport = field(default_factory=SkipReport)
    closed: bool = False

    def part(self, process: int, processes: int, device: Any = None) -> "PairSource":
        self.process, self.processes = process, processes
        return self

    def state_dict(self) -> dict[str, Any]:
        return {"position": self.position}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.position = state["position"]

    def __iter__(self) -> Iterator[Pairs]:
        while True:
            begin = (self.position * self.processes + self.process) * self.batch
            self.position += 1
            self.seen += range(begin, begin + self.batch)
            given = torch.stack([self._drawn(begin + i) for i in range(self.batch)])
            yield Pairs(given, given.roll(1, dims=1).square())

    def close(self) -> None:
        self.closed = True

    def _drawn(self, number: int) -> Tensor:
        rng = np.random.default_rng([self.seed, number])
        return torch.from_numpy(rng.standard_normal(WIDTH).astype(np.float32))


@dataclass
class Loss:
    total: Tensor
    parts: dict[str, float]


class Learning:
    """A learner: two layers that train on one that is frozen, and a gate."""

    def __init__(self, seed: int = 0) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.denoiser = nn.ModuleDict(
                {
                    "frozen": nn.Linear(WIDTH, 16).requires_grad_(False),
                    "first": nn.Linear(16, 16),
                    "dropped": nn.Dropout(0.1),
                    "second": nn.Linear(16, WIDTH),
                }
            )
        self.denoiser.alpha = nn.Parameter(torch.tensor(0.5))
        self.base = SimpleNamespace(networks={})

    def trainable(self) -> dict[str, nn.Parameter]:
        return {n: p for n, p in self.denoiser.named_parameters() if p.requires_grad}

    def frozen_digest(self) -> str:
        return sha256(self.denoiser["frozen"].weight.detach().numpy().tobytes()).hexdigest()

    def predict(self, given: Tensor) -> Tensor:
        held = torch.relu(self.denoiser["first"](torch.relu(self.denoiser["frozen"](given))))
        held = self.denoiser["dropped"](held)
        return self.denoiser["second"](held) * torch.tanh(self.denoiser.alpha)


def noisy_step(learner: Learning, batch: Pairs, generator: torch.Generator) -> Loss:
    """Noise from the generator, dropout from torch's own chance."""
    noise = torch.randn(batch.given.shape, generator=generator, device=generator.device)
    made = learner.predict(batch.given + 0.1 * noise)
    total = (made - batch.wanted).square().mean()
    return Loss(total, {"plain": total.item()})


def still_step(learner: Learning, batch: Pairs, generator: torch.Generator) -> Loss:
    """Without any chance, so that it is the same however a batch is shared out."""
    learner.denoiser.eval()
    total = (learner.predict(batch.given) - batch.wanted).square().mean()
    return Loss(total, {"plain": total.item()})


def stage(**changed: Any) -> Stage:
    """A short stage."""
    optimiser = Optimiser(lr=1e-2, ema=0.9, schedule="cosine", warmup=2)
    held: dict[str, Any] = {
        "name": "tiny",
        "trains": ("unet",),
        "optimiser": optimiser,
        "steps": 10,
        "batch": 4,
        "save_every": 100,
    }
    return Stage(**{**held, **changed})


def weights(learner: Learning) -> dict[str, Tensor]:
    return {name: held.detach().clone() for name, held in learner.trainable().items()}


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)
