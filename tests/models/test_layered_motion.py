"""Layered motion: masks that sum to 1, an affine motion about each one's middle, and the text."""

import pytest
import torch
from torch import Tensor, nn

from kineograph.conditioning.first_motion import UNIT, places
from kineograph.models.layered_motion import AFFINE, LAYERS, Layered, LayeredMotion, masks_said

BATCH, FRAMES, CHANNELS, ROWS, COLUMNS, TEXT = 2, 3, 5, 6, 8, 7


@pytest.fixture(autouse=True)
def chance() -> None:
    torch.manual_seed(0)


def features() -> Tensor:
    return torch.randn(BATCH, FRAMES, CHANNELS, ROWS, COLUMNS)


def text() -> Tensor:
    return torch.randn(BATCH, TEXT)


def moving(*affine: float) -> LayeredMotion:
    """One whose layers all move by the same numbers, about their own middles."""
    made = LayeredMotion(CHANNELS, TEXT)
    with torch.no_grad():
        made.says[-1].bias.copy_(torch.tensor(affine))
    return made


@torch.no_grad()
def test_a_new_one_moves_nothing_and_shares_every_cell_out() -> None:
    made = LayeredMotion(CHANNELS, TEXT)(features(), text())
    assert made.moved.shape == (BATCH, 2, FRAMES, ROWS, COLUMNS) and not made.moved.any()
    assert made.masks.shape == (BATCH, LAYERS, ROWS, COLUMNS)
    torch.testing.assert_close(made.masks.sum(dim=1), torch.ones(BATCH, ROWS, COLUMNS))
    assert made.masks.std(dim=1).min() > 0


@torch.no_grad()
def test_layers_that_all_go_one_way_take_everything_along() -> None:
    made = moving(0.5, -2, 0, 0, 0, 0)(features(), text()).moved
    torch.testing.assert_close(made[:, 0], torch.full_like(made[:, 0], 0.5))
    torch.testing.assert_close(made[:, 1], torch.full_like(made[:, 1], -2.0))


@torch.no_grad()
def test_each_layer_grows_and_turns_about_its_own_middle() -> None:
    """By hand: the masks say the middles, and every cell the mean of what its layers do."""
    growing = moving(0, 0, 0.1, -0.3, 0.3, 0.1)
    made = growing(features(), text())
    at = places(ROWS, COLUMNS)
    slope = torch.tensor([[0.1, -0.3], [0.3, 0.1]])
    for clip in range(BATCH):
        wanted = torch.zeros(2, ROWS, COLUMNS)
        for mask in made.masks[clip]:
            middle = (mask[..., None] * at).sum(dim=(0, 1)) / mask.sum()
            for row in range(ROWS):
                for column in range(COLUMNS):
                    gone = slope @ (at[row, column] - middle)
                    wanted[:, row, column] += mask[row, column] * gone
        torch.testing.assert_close(made.moved[clip, :, 1], wanted, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_places_are_counted_from_the_middle() -> None:
    at = places(4, 8)
    torch.testing.assert_close(at.sum(dim=(0, 1)), torch.zeros(2))
    torch.testing.assert_close(at[0, 1] - at[0, 0], torch.tensor([1 / (UNIT * 8), 0]))
    torch.testing.assert_close(at[1, 0] - at[0, 0], torch.tensor([0, 1 / (UNIT * 8)]))


def test_words_are_learnt_for_things_that_the_picture_shows() -> None:
    """A bright square goes as the text says; its place and the direction differ from clip to clip.

    The text says the direction in one number; a small network that had to find it cell by cell
    would need the product of two things unknown.
    """
    network = LayeredMotion(CHANNELS, TEXT)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    error, moved = 1.0, 1.0
    for _ in range(250):
        shown = torch.zeros(16, FRAMES, CHANNELS, ROWS, COLUMNS)
        goal, said = torch.zeros(16, 2, FRAMES, ROWS, COLUMNS), torch.zeros(16, TEXT)
        for clip in range(16):
            row, column = int(torch.randint(4, ())), int(torch.randint(5, ()))
            way = float(torch.randint(2, ())) * 2 - 1
            part = (slice(row, row + 2), slice(column, column + 3))
            shown[clip, :, 0, *part] = 1
            goal[clip, 0, :, *part] = way * torch.linspace(0, 1, FRAMES)[:, None, None]
            said[clip, 3] = way
        optimiser.zero_grad()
        loss = (network(shown, said).moved - goal).square().mean()
        loss.backward()
        optimiser.step()
        error, moved = float(loss.detach()), float(goal.square().mean())
    assert error < 0.3 * moved


@torch.no_grad()
def test_it_computes_in_the_numbers_that_it_is_kept_in() -> None:
    network, shown, said = moving(0.5, 0, 0.1, 0, 0, 0), features(), text()
    wanted = network(shown, said)
    made = network.to(torch.bfloat16)(shown.bfloat16(), said.bfloat16())
    assert made.moved.dtype == made.masks.dtype == torch.float32
    torch.testing.assert_close(made.moved, wanted.moved, atol=0.05, rtol=0.05)


def test_all_of_it_learns() -> None:
    network = LayeredMotion(CHANNELS, TEXT)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(2):
        optimiser.zero_grad()
        (network(features(), text()).moved - 1).square().mean().backward()
        optimiser.step()
    assert all(held.grad is not None and held.grad.any() for held in network.parameters())
    assert network.says[-1].bias.shape == (AFFINE,)


class Twice(nn.Module):
    """Says layers in two places."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleList(LayeredMotion(CHANNELS, TEXT) for _ in range(2))

    def forward(self) -> list[Layered]:
        """What both say."""
        return [part(features(), text()) for part in self.parts]


@torch.no_grad()
def test_masks_are_kept_while_they_are_asked_for() -> None:
    network = Twice()
    with masks_said(network) as kept:
        said = network()
    assert len(kept) == 2 and all(a is b.masks for a, b in zip(kept, said, strict=True))
    network()
    assert len(kept) == 2
    with masks_said(nn.Linear(1, 1)) as none:
        pass
    assert none == []
