"""Joint motion: what is weighed against what, and the flow that leads to it."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from clip_given import BASES, BATCH, FRAMES, SIZE, STRIDE, both_bases, clips, noise, shaken
from clip_given import sample as whole_steps
from kineograph.conditioning import box_motion, first_motion
from kineograph.conditioning.box_batch import BoxBatch
from kineograph.conditioning.first_motion import CHANNELS, SEEN
from kineograph.conditioning.track_batch import TrackBatch
from kineograph.core.boxes import Boxes
from kineograph.core.tracks import Tracks
from kineograph.models.adapter_folder import load_adapter, save_adapter
from kineograph.models.denoiser import Denoiser
from kineograph.models.given import Given
from kineograph.models.input_conv import widened
from kineograph.models.joint_motion import LEVELS, TRUST, JointMotion
from kineograph.models.picture.concat import PictureConcat

GRID = (SIZE[1] // STRIDE, SIZE[0] // STRIDE)
TOLD = 2 + first_motion.HINTS + box_motion.HINTS


@pytest.fixture(autouse=True)
def chance() -> None:
    torch.manual_seed(0)


def joint() -> tuple[Tensor, Tensor, Tensor]:
    """Latents and noisy motion behind them, a flow's timesteps, text features."""
    latents, steps, text = whole_steps()
    motion = noise(BATCH, CHANNELS, FRAMES, *GRID, seed=8)
    return torch.cat([latents, motion], dim=1), steps.float(), text


def bare(unet: nn.Module) -> Tensor:
    sample, steps, text = joint()
    return Denoiser(unet)(sample[:, :4], steps, text)


def asked() -> Given:
    """Pictures, and of the first clip a track and a box."""
    points = [[[3.0, 3], [7, 3], [11, 3]]]
    track = Tracks.of(torch.tensor(points).numpy(), size=SIZE, fps=8.0)
    placed = [[[8.0, 6, 12, 10], [8, 6, 12, 10], [8, 2, 12, 6]]]
    box = Boxes.of(torch.tensor(placed).numpy(), size=SIZE, fps=8.0)
    return clips(
        tracks=TrackBatch.of([track, None], frames=FRAMES, size=SIZE),
        boxes=BoxBatch.of([box, None], frames=FRAMES, size=SIZE),
    )


@torch.no_grad()
def predicted(unet: nn.Module, adapter: JointMotion, given: Given | None = None) -> Tensor:
    denoiser = Denoiser(unet, {"motion": adapter})
    made = denoiser(*joint(), {"motion": adapter.condition(given or asked())})
    denoiser.release()
    return made


@both_bases
@torch.no_grad()
def test_at_first_the_pictures_are_the_bases_and_later_they_are_not(family: str) -> None:
    unet = BASES[family]()
    adapter = JointMotion.for_base(unet)
    made = predicted(unet, adapter)
    assert made.shape == (BATCH, 4 + CHANNELS, FRAMES, *GRID)
    assert torch.equal(made[:, :4], bare(unet))
    later = predicted(unet, shaken(adapter))
    for part in (slice(0, 4), slice(4, 7)):
        assert not torch.allclose(later[:, part], made[:, part], atol=1e-4)


@torch.no_grad()
def test_it_is_a_widened_input_convolution() -> None:
    unet = BASES["animatediff"]()
    adapter = shaken(JointMotion.for_base(unet))
    for held in adapter.says[2].parameters():
        held.zero_()
    made = predicted(unet, adapter)
    (joined, steps, text), told = joint(), adapter.condition(asked()).channels
    unet.conv_in = widened(unet.conv_in, adapter.conv)
    rows = torch.cat([joined[:, :4], told], dim=1)
    wide = unet(rows, steps, text.repeat_interleave(FRAMES, 0)).sample
    torch.testing.assert_close(made[:, :4], wide, atol=1e-5, rtol=1e-5)


def test_the_channels_are_picture_time_and_hints() -> None:
    unet, given = BASES["animatediff"](), asked()
    channels = JointMotion.for_base(unet).condition(given).channels
    assert channels.shape == (BATCH, TOLD, FRAMES, *GRID)
    assert (channels[:, 0] == 1).all()
    assert [set(channels[:, 1, t].flatten().tolist()) for t in range(3)] == [{0}, {0.5}, {1}]
    split = 2 + first_motion.HINTS
    assert torch.equal(channels[:, 2:split], first_motion.hints(given.tracks, STRIDE))
    assert torch.equal(channels[:, split:], box_motion.box_hints(given.boxes, GRID, SIZE))
    assert channels[0, 2:split].any() and channels[0, split:].any()
    deaf = JointMotion.for_base(unet, tracks=False, boxes=False).condition(given).channels
    assert torch.equal(deaf[:, :2], channels[:, :2]) and not deaf[:, 2:].any()


def test_what_is_not_given_is_nothing() -> None:
    adapter = JointMotion.for_base(BASES["animatediff"]())
    nothing = adapter.null(asked()).channels
    assert not nothing[:, 0].any() and not nothing[:, 2:].any() and nothing[:, 1, 1:].all()
    one = adapter.condition(clips(picture_given=torch.tensor([False, True]))).channels
    assert not one[0, 0].any() and (one[1, 0] == 1).all()
    plain = adapter.condition(clips(tracks=None)).channels
    assert torch.equal(plain[:, 2:], nothing[:, 2:])


def test_all_of_it_learns_within_three_steps() -> None:
    unet = BASES["animatediff"]()
    unet.requires_grad_(False)
    adapter = JointMotion.for_base(unet)
    denoiser = Denoiser(unet, {"motion": adapter})
    optimiser = torch.optim.SGD(adapter.parameters(), lr=0.01)
    for _ in range(3):
        optimiser.zero_grad()
        denoiser(*joint(), {"motion": adapter.condition(asked())}).square().mean().backward()
        optimiser.step()
    still = {name for name, held in adapter.named_parameters() if not held.grad.any()}
    assert not still
    assert adapter.conv.weight.any() and adapter.head.weight.any()


def test_it_is_written_and_read_again(tmp_path: Path) -> None:
    unet = BASES["animatediff"]()
    adapter = shaken(JointMotion.for_base(unet, boxes=False))
    save_adapter(adapter, tmp_path / "motion")
    again = load_adapter(tmp_path / "motion")
    assert isinstance(again, JointMotion) and again.config == adapter.config
    assert torch.equal(predicted(unet, again), predicted(unet, adapter))


# what the whole text says


@torch.no_grad()
def test_listeners_weigh_the_tokens() -> None:
    adapter = shaken(JointMotion.for_base(BASES["animatediff"]()))
    _, _, text = joint()
    made = adapter.modulation(text)
    assert made.shape == (BATCH, 4 * adapter.config.base.widths[0])
    for clip in range(BATCH):
        tokens = [adapter.norm(token) for token in text[clip]]
        heard = []
        for weight in adapter.listens.weight:
            scores = [float((token @ weight).exp()) for token in tokens]
            shares = [score / sum(scores) for score in scores]
            heard.append(sum(share * token for share, token in zip(shares, tokens, strict=True)))
        torch.testing.assert_close(made[clip], adapter.says(torch.cat(heard)), atol=1e-5, rtol=1e-4)


@both_bases
@torch.no_grad()
def test_what_they_hear_is_added_to_the_time_embedding(family: str) -> None:
    unet = BASES[family]()
    adapter = shaken(JointMotion.for_base(unet))
    adapter.conv.weight.zero_()
    made, before = predicted(unet, adapter), bare(unet)
    added, embed = adapter.modulation(joint()[2]), unet.time_embedding.forward
    unet.time_embedding.forward = lambda *given: embed(*given) + added
    torch.testing.assert_close(made[:, :4], bare(unet), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(made[:, :4], before, atol=1e-4)


@torch.no_grad()
def test_a_new_one_hears_nothing_and_others_never_do() -> None:
    unet = BASES["animatediff"]()
    assert not JointMotion.for_base(unet).modulation(joint()[2]).any()
    assert PictureConcat.for_base(unet).modulation(joint()[2]) is None


# the motion


def head(**bias: float) -> JointMotion:
    """One whose head says the same everywhere: "dx", "dy", "seen", or a name of `TRUST`."""
    adapter = JointMotion.for_base(BASES["animatediff"]())
    with torch.no_grad():
        for name, value in bias.items():
            adapter.head.bias[["dx", "dy", "seen", *TRUST].index(name)] = value
    return adapter


def heard(adapter: JointMotion) -> Tensor:
    return adapter.heard(joint()[2])


@torch.no_grad()
def said(adapter: JointMotion, given: Given) -> Tensor:
    """The motion of the first clip."""
    features = noise(BATCH * FRAMES, 8, *GRID, seed=9)
    return adapter.motion(features, adapter.condition(given).channels, heard(adapter))[0]


def test_a_new_head_lets_rest_what_nobody_speaks_of() -> None:
    made = said(head(), clips(tracks=None))
    assert not made[:2].any() and (made[2] == SEEN).all()


def test_a_motion_of_its_own_grows_from_the_first_frame() -> None:
    made = said(head(dx=0.5, dy=-1, seen=-4), clips(tracks=None))
    for frame, share in enumerate((0.0, 0.5, 1.0)):
        wanted = torch.tensor([0.5 * share, -share, SEEN - 4 * share])
        torch.testing.assert_close(made[:, frame], wanted[:, None, None].expand(3, *GRID))


def weighed(hints: Tensor, box: Tensor, own: Tensor, trust: dict[str, float]) -> Tensor:
    """Where a cell goes, by hand: each candidate by e to its trust, times how sure it is."""
    near, far, last = hints[4:7], hints[7:10], (box[:2], float(box[3]))
    told = {"own": (hints[:2] / hints[3], float(hints[3])) if hints[3] else (own, 0.0)}
    told |= {"near": (near[:2] / near[2], float(near[2])), "far": (far[:2] / far[2], float(far[2]))}
    told["box"] = last
    shares = {
        name: float(torch.tensor(trust[name]).exp()) * sure for name, (_, sure) in told.items()
    }
    total = 1 + sum(shares.values())
    return (own + sum(shares[name] * told[name][0] for name in told)) / total


@pytest.mark.parametrize("bias", [{}, {"own": -3.0, "near": 2.0, "box": 1.0, "dx": 0.7}])
def test_what_is_told_is_weighed_by_trust_and_sureness(bias: dict[str, float]) -> None:
    given = asked()
    hints = first_motion.hints(given.tracks, STRIDE)[0]
    boxes = box_motion.box_hints(given.boxes, GRID, SIZE)[0]
    made = said(head(**bias), given)
    trust = {name: held + bias.get(name, 0.0) for name, held in TRUST.items()}
    checked = 0
    for frame in range(FRAMES):
        own = torch.tensor([bias.get("dx", 0.0), 0.0]) * frame / (FRAMES - 1)
        for row in range(GRID[0]):
            for column in range(GRID[1]):
                cell = (frame, row, column)
                told = hints[(slice(None), *cell)]
                if min(told[6], told[9]) < 2e-3:  # too far away to count
                    continue
                wanted = weighed(told, boxes[(slice(None), *cell)], own, trust)
                got = made[(slice(0, 2), *cell)]
                torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-4)
                checked += 1
    assert checked > 20 and made[:2].any()


def test_a_track_that_is_trusted_is_followed_and_hides_what_it_hides() -> None:
    state = torch.tensor([[1, 1, 2]], dtype=torch.uint8).numpy()
    points = torch.tensor([[[3.0, 3], [5, 4], [11, 3]]]).numpy()
    track = Tracks.of(points, state, size=SIZE, fps=8.0)
    given = clips(tracks=TrackBatch.of([track, None], frames=FRAMES, size=SIZE))
    made = said(head(own=40, dx=3), given)[:, :, 1, 1]
    wanted = torch.tensor([[0, 0, SEEN], [1, 0.5, SEEN], [4, 0, -SEEN]]).T
    torch.testing.assert_close(made, wanted, atol=1e-4, rtol=0)


def test_a_weak_track_that_hides_hides_no_less() -> None:
    state = torch.tensor([[1, 2, 2]], dtype=torch.uint8).numpy()
    points = torch.tensor([[[3.0, 3], [5, 4], [11, 3]]]).numpy()
    for strength in (1.0, 0.1):
        track = Tracks.of(points, state, size=SIZE, fps=8.0, strength=[strength])
        given = clips(tracks=TrackBatch.of([track, None], frames=FRAMES, size=SIZE))
        made = said(head(own=40), given)[2, :, 1, 1]
        torch.testing.assert_close(made, torch.tensor([SEEN, -SEEN, -SEEN]))


def test_the_first_frame_rests_whatever_the_head_says() -> None:
    made = said(shaken(head()), asked())
    torch.testing.assert_close(made[:2, 0], torch.zeros(2, *GRID))
    torch.testing.assert_close(made[2, 0], torch.full(GRID, SEEN))
    assert made[:2, 1:].abs().min() > 0


# the flow to it


@torch.no_grad()
@pytest.mark.parametrize("level", [0.001, 0.3, 0.9, 1.0])
def test_a_head_that_is_right_gives_the_flow(level: float) -> None:
    """Noise minus motion, wherever between the two the sampler is."""
    adapter, condition = shaken(head()), None
    condition = adapter.condition(asked())
    features = noise(BATCH * FRAMES, 8, *GRID, seed=9)
    motion = adapter.motion(features, condition.channels, heard(adapter))
    drawn = noise(*motion.shape, seed=2)
    noisy = (1 - level) * motion + level * drawn
    steps = torch.full((BATCH,), level * LEVELS)
    made = adapter.predicted(features, noisy, steps, condition, joint()[2])
    torch.testing.assert_close(made, drawn - motion, atol=2e-3, rtol=1e-3)


@torch.no_grad()
def test_one_step_from_anywhere_ends_at_what_is_said() -> None:
    adapter = shaken(head())
    condition, features = adapter.condition(asked()), noise(BATCH * FRAMES, 8, *GRID, seed=9)
    noisy, levels = noise(BATCH, CHANNELS, FRAMES, *GRID, seed=3), torch.tensor([0.2, 0.7])
    flow = adapter.predicted(features, noisy, levels * LEVELS, condition, joint()[2])
    ended = noisy - levels[:, None, None, None, None] * flow
    torch.testing.assert_close(ended, adapter.motion(features, condition.channels, heard(adapter)))
