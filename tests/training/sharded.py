"""Run by `torchrun`, once a process: state that FSDP spreads over processes, saved and read."""

import sys
from pathlib import Path

import torch
from tiny_learner import Learning, PairSource, same, stage, still_step
from torch.distributed import destroy_process_group, get_rank, init_process_group
from torch.distributed.fsdp import fully_shard

from kineograph.training.averages import Averages
from kineograph.training.network import StepNetwork
from kineograph.training.optimisers import optimiser_for, schedule_for
from kineograph.training.sharding import gathered, whole_again, without_scalars
from kineograph.training.state import RunState
from kineograph.training.state_files import write_weights


class Run:
    """A few steps of training, spread or not."""

    def __init__(self, *, spread: bool) -> None:
        self.told = stage()
        self.learner = Learning()
        frozen = self.learner.frozen_digest()
        self.network = StepNetwork(self.learner, still_step)
        self.scalars = without_scalars(self.network) if spread else []
        if spread:
            fully_shard(self.network)
        self.weights = self.learner.trainable()
        optimiser = optimiser_for(self.told.optimiser, self.weights.values())
        schedule = schedule_for(self.told.optimiser, optimiser, 10)
        averages = Averages(self.weights, 0.9)
        self.source = PairSource()
        self.state = RunState(
            self.told, self.weights, optimiser, schedule, averages, self.source, frozen
        )

    def train(self, steps: int) -> None:
        batches = iter(self.source)
        for _ in range(steps):
            self.network(next(batches), torch.Generator()).total.backward()
            self.state.optimiser.step()
            self.state.schedule.step()
            self.state.optimiser.zero_grad()
            self.state.averages.update()
            self.state.step += 1

    def whole(self) -> dict[str, torch.Tensor]:
        """As one process would have them, and as an export would write them."""
        whole_again(self.network, self.scalars)
        return {name: held.detach().clone() for name, held in self.learner.trainable().items()}


def main(out: Path) -> None:
    torch.set_num_threads(1)
    init_process_group("gloo")
    plain, spread = Run(spread=False), Run(spread=True)
    plain.train(4)
    spread.train(3)
    spread.state.collect()
    folder = out / f"saved-{get_rank()}"
    folder.mkdir()
    spread.state.write(folder)
    spread.train(1)
    again = Run(spread=True)
    again.state.read(folder)
    again.train(1)
    batch = next(iter(PairSource()))
    with gathered(spread.network):
        seen = spread.learner.predict(batch.given)
    plain.learner.denoiser.eval()
    fine = torch.allclose(seen, plain.learner.predict(batch.given), atol=1e-5)
    fine = fine and same(spread.whole(), again.whole())
    torch.save(bool(fine), out / f"again-{get_rank()}.pt")
    held = {"plain": plain.whole(), "spread": spread.whole()}
    if get_rank() == 0:
        for name, tensors in held.items():
            write_weights(out / f"{name}.safetensors", tensors)
    destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
