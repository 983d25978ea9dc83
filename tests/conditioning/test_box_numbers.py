"""Boximator's numbers, colours, soft boxes, crops and painted boxes, against plain loops."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from kineograph.conditioning.box_batch import BoxBatch
from kineograph.conditioning.box_numbers import (
    PALETTE,
    box_numbers,
    identity_colours,
    onto_crop,
    paint_boxes,
    relax,
    relax_for_inference,
    relax_for_training,
)
from kineograph.core.boxes import Boxes
from kineograph.core.errors import ModelError


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_boxes(batch: int, count: int, frames: int, seed: int = 0) -> BoxBatch:
    """Boxes within the picture, some of them not given, hard and soft."""
    draw = seeded(seed)
    corners = torch.rand(batch, count, frames, 2, 2, generator=draw).sort(dim=-2).values
    state = torch.randint(0, 3, (batch, count, frames), generator=draw).to(torch.uint8)
    boxes = corners.flatten(-2) * (state > 0)[..., None]
    hard = torch.rand(batch, count, frames, generator=draw) < 0.5
    labels = (("",) * count,) * batch
    return BoxBatch(boxes, state, hard, labels, torch.arange(count).repeat(batch, 1))


def test_the_palettes_colours_are_far_apart() -> None:
    assert PALETTE.shape == (24, 3) and PALETTE.min() == 0 and PALETTE.max() == 1
    apart = (PALETTE[:, None] - PALETTE[None]).abs().amax(dim=-1)
    assert apart[~torch.eye(24, dtype=torch.bool)].min() >= 0.5
    assert ((PALETTE.amax(dim=1) - PALETTE.amin(dim=1)) > 0).all()


def test_colours_say_which_object_and_nothing_else() -> None:
    instance = torch.tensor([[0, 1, 0, 3], [0, 1, 2, 3]])
    colours = identity_colours(instance, seeded())
    assert torch.equal(colours[0, 0], colours[0, 2])
    assert len({tuple(c) for c in colours[0].tolist()}) == 3
    assert len({tuple(c) for c in colours[1].tolist()}) == 4
    held = {tuple(c) for c in PALETTE.tolist()}
    assert all(tuple(c) in held for c in colours.flatten(0, 1).tolist())
    assert not torch.equal(colours[0], colours[1])  # every clip has its own shuffle
    assert torch.equal(colours, identity_colours(instance, seeded()))
    plain = identity_colours(instance)
    assert torch.equal(plain[0], PALETTE[[0, 1, 0, 3]])
    first = identity_colours(torch.zeros(2000, 1, dtype=torch.int64), seeded())
    assert len({tuple(c) for c in first[:, 0].tolist()}) == 24  # any colour may be the first


def test_too_many_objects_for_the_palette() -> None:
    with pytest.raises(ModelError, match=r"^25 boxed objects were given and there are 24 identity"):
        identity_colours(torch.arange(25)[None])


def test_the_eight_numbers_equal_their_loops() -> None:
    boxes = some_boxes(2, 3, 4)
    colours = identity_colours(boxes.instance, seeded(1))
    wanted = torch.zeros(2, 3, 4, 8)
    for b in range(2):
        for o in range(3):
            for t in range(4):
                if boxes.state[b, o, t] == 0:
                    continue
                flag = 1.0 if boxes.hard[b, o, t] else 0.0
                row = [*boxes.boxes[b, o, t].tolist(), *colours[b, o].tolist(), flag]
                wanted[b, o, t] = torch.tensor(row)
    assert torch.equal(box_numbers(boxes, colours), wanted)
    assert not box_numbers(boxes.cleared(), colours).any()


def test_relaxing_grows_each_side_by_its_own_share() -> None:
    boxes = some_boxes(1, 500, 20)
    boxes = replace(boxes, boxes=torch.full_like(boxes.boxes, 0.5))
    which = torch.rand(1, 500, 20, generator=seeded(3)) < 0.7
    loose = relax(boxes, which, seeded(4))
    chosen = which & boxes.given
    assert torch.equal(loose.boxes[~chosen], boxes.boxes[~chosen])
    assert torch.equal(loose.hard, boxes.hard & ~chosen)
    grown = (loose.boxes - 0.5)[chosen] * torch.tensor([-1.0, -1, 1, 1])
    assert (grown >= 0).all()
    # Beta(1, 8): mean 1/9, and more than x with the probability (1 - x)^8
    assert grown.mean(dim=0).tolist() == pytest.approx([1 / 9] * 4, abs=0.005)
    for share in (0.05, 0.2, 0.4):
        assert float((grown > share).float().mean()) == pytest.approx((1 - share) ** 8, abs=0.01)
    assert torch.corrcoef(grown.T).sub(torch.eye(4)).abs().max() < 0.05  # sides are independent
    assert torch.equal(loose.boxes, relax(boxes, which, seeded(4)).boxes)


def test_a_relaxed_box_holds_the_old_one_and_ends_at_the_border() -> None:
    boxes = some_boxes(2, 8, 30)
    loose = relax(boxes, torch.ones_like(boxes.hard), seeded()).boxes
    assert (loose[..., :2] <= boxes.boxes[..., :2]).all()
    assert (loose[..., 2:] >= boxes.boxes[..., 2:]).all()
    assert loose.min() == 0 and loose.max() == 1


def test_training_softens_a_share_of_the_hard_boxes() -> None:
    boxes = some_boxes(4, 50, 50)
    loose = relax_for_training(boxes, seeded())
    was = boxes.hard & boxes.given
    assert float(loose.hard[was].float().mean()) == pytest.approx(0.2, abs=0.02)
    changed = (loose.boxes != boxes.boxes).any(dim=-1)
    assert torch.equal(changed, was & ~loose.hard)
    assert torch.equal(relax_for_training(boxes, seeded(), 0).boxes, boxes.boxes)


def test_inference_leaves_a_persons_own_boxes() -> None:
    boxes = some_boxes(1, 4, 6)
    keys = torch.zeros_like(boxes.hard)
    keys[..., [0, 5]] = True
    loose = relax_for_inference(boxes, seeded(), keys)
    assert torch.equal(loose.boxes[keys], boxes.boxes[keys])
    assert torch.equal(loose.hard[keys], boxes.hard[keys])
    between = boxes.given & ~keys
    assert not loose.hard[between].any()
    assert (loose.boxes != boxes.boxes).any(dim=-1)[between].all()
    marked = relax_for_inference(boxes, seeded())
    changed = (marked.boxes != boxes.boxes).any(dim=-1)
    assert torch.equal(changed, boxes.given & ~boxes.hard)


def test_crops_equal_cropping_in_pixels() -> None:
    corners = [[2, 2, 10, 10], [30, 4, 38, 12], [4, 20, 12, 30], [38, 30, 40, 32], [10, 8, 30, 20]]
    whole = Boxes.of(np.array(corners)[:, None], size=(40, 32), fps=8)
    crop = (12, 8, 32, 24)
    shares = (12 / 40, 8 / 32, 32 / 40, 24 / 32)
    batch = BoxBatch.of([whole], frames=1, size=(40, 32), max_objects=6)
    found = onto_crop(batch, shares)
    wanted = BoxBatch.of([whole.crop(crop)], frames=1, size=(20, 16), max_objects=6)
    torch.testing.assert_close(found.boxes, wanted.boxes)
    left = found.boxes[0, 0, 0].tolist()
    assert left == pytest.approx([0, 0, 0, 0.125])  # beyond the left side: a line on it
    assert found.boxes[0, 3, 0].tolist() == pytest.approx([1, 1, 1, 1])  # beyond a corner
    assert not found.given[0, 5, 0] and not found.boxes[0, 5].any()
    with pytest.raises(ModelError, match=r"^a crop to 0.5, 0, 0.5, 1 was asked for; give left"):
        onto_crop(batch, (0.5, 0, 0.5, 1))


def painted_by_loops(
    video: Tensor, boxes: BoxBatch, colours: Tensor, width: int, clean: int
) -> Tensor:
    found = video.clone()
    batch, frames, _, height, columns = video.shape
    sides = boxes.boxes * torch.tensor([columns, height, columns, height])
    for b in range(batch):
        for o in range(boxes.count):
            for t in range(clean, frames):
                if boxes.state[b, o, t] == 0:
                    continue
                x0, y0, x1, y1 = sides[b, o, t].tolist()
                for row in range(height):
                    for column in range(columns):
                        x, y, r = column + 0.5, row + 0.5, width / 2
                        outer = x0 - r <= x < x1 + r and y0 - r <= y < y1 + r
                        inner = x0 + r <= x < x1 - r and y0 + r <= y < y1 - r
                        if outer and not inner:
                            found[b, t, :, row, column] = 2 * colours[b, o] - 1
    return found


@pytest.mark.parametrize(("width", "clean"), [(4, 0), (1, 0), (3, 1)])
def test_painting_equals_its_loops(width: int, clean: int) -> None:
    boxes = some_boxes(2, 3, 2, seed=5)
    colours = identity_colours(boxes.instance, seeded(1))
    video = torch.rand(2, 2, 3, 17, 23, generator=seeded(2)) * 2 - 1
    found = paint_boxes(video, boxes, colours, width=width, clean=clean)
    assert torch.equal(found, painted_by_loops(video, boxes, colours, width, clean))
    assert not torch.equal(found, video)


def test_an_outline_is_as_wide_as_asked_and_hollow() -> None:
    whole = Boxes.of([[[8, 8, 24, 24]]], size=(32, 32), fps=8)
    boxes = BoxBatch.of([whole], frames=1, size=(32, 32), max_objects=1)
    red = torch.tensor([[[1.0, 0, 0]]])
    video = torch.zeros(1, 1, 3, 32, 32)
    found = paint_boxes(video, boxes, red, width=4, span=(0, 1))[0, 0]
    assert found[0, 16].nonzero().flatten().tolist() == [6, 7, 8, 9, 22, 23, 24, 25]
    assert int(found[0].sum()) == 20 * 20 - 12 * 12
    assert not found[1:].any() and not video.any()
    cleared = paint_boxes(video, boxes.cleared(), red)
    assert torch.equal(cleared, video)


def test_painting_the_boxes_of_other_clips_is_refused() -> None:
    boxes = some_boxes(2, 3, 2)
    with pytest.raises(ModelError, match=r"^boxes of 2 clips of 2 frames.*painted onto 2 of 3"):
        paint_boxes(torch.zeros(2, 3, 3, 8, 8), boxes, identity_colours(boxes.instance))
