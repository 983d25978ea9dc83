"""One pass of the default tracker through a video, in one direction of time."""

from collections import deque
from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Bool, Float32, Int64, UInt8

from kineograph.vision.alignment import FLOOR, compare, contrast, plausible, register
from kineograph.vision.companions import Companions
from kineograph.vision.doubt import Doubt, motion_before
from kineograph.vision.flow import sample_field
from kineograph.vision.flow_step import (
    Field,
    Step,
    Xy,
    carried,
    carried_shape,
    change_of_light,
    consistent,
    dominant_motion,
    mapped,
    same_motion,
)
from kineograph.vision.patches import (
    Look,
    Patches,
    Pose,
    choose,
)

Grey = UInt8[np.ndarray, "height width"]
GreyFlow = Callable[[Grey, Grey], Field]

LIKE = 0.8
"""A place at least so like the query's patch is the point; positions are then its patch's."""

SEEN, SEEN_RECENT = 0.5, 0.6
"""Below these likenesses to the query's and the recent patch a point is no longer seen."""

FOUND = 0.8
"""A hidden point is found again where a place is at least so like the query's patch."""

FOUND_ALONE = 0.85
"""The same where nothing but its own speed says where it should be."""

TRUSTED = 0.8
"""Frames at least so like the query's patch are where a lost point's motion is taken from."""

REFRESH = 6
"""Frames between renewals of the recent patch, to which a changing surface is compared."""

MASKED = 4
"""The longest stride of flow by which new patches are masked."""

LEAP = 3.0
"""Pixels that registration may move a point from where flow puts it; fewer if it is weak."""

SIDEWAYS = 5.0
"""Pixels: flow is also taken from around a point, for those at the edge of what they are on."""

DOUBT, NOISE = 0.03, 5.0
"""A place other than where it should be has to be so much more alike: likeness, grey levels^2."""

SETTLED = 0.5
"""Pixels a frame: points that miss the dominant motion by less are expected to follow it."""

WEAK = 5.0
"""Contrast in grey levels below which many places are alike, and only that is believed."""


class FlowPass:
    """Follows queries from their frames on to the end.

    Every point carries the patch that was around it where it was asked for. Each frame, dense flow
    of several strides proposes where the point is now; the proposal most like the patch is brought
    into register with it, to a fraction of a pixel, with affine deformation and change of light: so
    nothing drifts. Where the surface has changed too much for that, a patch renewed every few
    frames takes its place, if forward and backward flow agree. What is like neither is hidden; it
    is carried on by its companions, the camera or its own speed, and searched for.
    """

    def __init__(
        self,
        queries: Float32[np.ndarray, "points 3"],
        frames: int,
        size: tuple[int, int],
        flow: GreyFlow,
        strides: tuple[int, ...],
    ) -> None:
        count = len(queries)
        self._flow, self._strides, self._size = flow, strides, np.array(size, np.float32)
        self._queries, self._start = queries[:, 1:], queries[:, 0].astype(np.int64)
        self.points = np.zeros((count, frames, 2), np.float32)
        self.seen = np.zeros((count, frames), bool)
        self._like = np.zeros((count, frames), np.float32)
        self._cameras = np.tile(np.eye(2, 3), (frames, 1, 1))
        self._pose = Pose.at(self._queries.copy())
        self._asked, self._recent = Patches.none(count), Patches.none(count)
        self._age = np.zeros(count, np.int64)
        self._doubt = Doubt(count)
        self._contrast = np.zeros(count, np.float32)
        self._off_camera = np.ones(count, np.float32)
        self._companions = Companions(count, size)

    def run(self, frames: Iterator[Grey]) -> Iterator[int]:
        """Go through the frames; yields each frame's number when it is done."""
        past: deque[Grey] = deque(maxlen=max(self._strides))
        first = int(self._start.min())
        for frame, grey in enumerate(frames):
            if frame >= first:
                look = Look.of(grey)
                if frame > first:
                    self._advance(self._step(frame, look, grey, past))
                self._begin(frame, look)
                self._look = look
                past.append(grey)
            yield frame

    def _step(self, frame: int, look: Look, grey: Grey, past: deque[Grey]) -> Step:
        forward, backward = self._flow(past[-1], grey), self._flow(grey, past[-1])
        start, end = consistent(forward, backward)
        last = self._cameras[frame - 1]
        camera = dominant_motion(start, end, self._look, look, last)
        light = change_of_light(self._look.at(start), look.at(end))
        self._cameras[frame] = camera
        leaps = {n: self._flow(past[-n], grey) for n in self._strides if 1 < n <= len(past)}
        return Step(frame, look, forward, backward, leaps, camera, light)

    def _begin(self, frame: int, look: Look) -> None:
        new = np.flatnonzero(self._start == frame)
        self.points[new, frame], self.seen[new, frame] = self._queries[new], True
        self._like[new, frame] = 1
        patches = Patches.take(look, self._pose[new])
        self._asked.put(new, patches)
        self._contrast[new] = contrast(patches)
        self._recent.put(new, patches)
        self._companions.start(new, self._queries[new])

    def _advance(self, step: Step) -> None:
        active = np.flatnonzero(self._start < step.frame)
        seen = self.seen[active, step.frame - 1]
        self._companions.ride(active, step.forward, step.backward)
        self._pose.relight(*step.light)
        self._doubt.pose.relight(*step.light)
        self._doubt.advance(step.camera, self._companions)
        if seen.any():
            self._follow(step, active[seen])
        if not seen.all():
            self._search(step, active[~seen])
        self.points[active, step.frame] = self._pose.point[active]

    # points that were seen at the frame before

    def _follow(self, step: Step, which: Int64[np.ndarray, " points"]) -> None:
        before = self._pose[which]
        self._mask(step, which)
        pose = self._proposed(step, which)
        asked, recent = self._asked[which], self._recent[which]
        by_asked, like = _registered(step.look, asked, pose, bend=True)
        changed = like < LIKE
        if changed.any():
            rest = np.flatnonzero(changed)
            other, like_recent = _registered(step.look, recent[rest], pose[rest], bend=False)
            by_asked.put(rest, other)
            like[rest] = compare(step.look, asked[rest], other)
        else:
            rest, like_recent = np.zeros(0, np.int64), np.zeros(0, np.float32)
        self._judge(step, which, before, by_asked, like, rest, like_recent)

    def _judge(
        self,
        step: Step,
        which: Int64[np.ndarray, " points"],
        before: Pose,
        pose: Pose,
        like: Float32[np.ndarray, " points"],
        rest: Int64[np.ndarray, " changed"],
        like_recent: Float32[np.ndarray, " changed"],
    ) -> None:
        """Decide which are still seen, and learn from those."""
        frame = step.frame
        self._enter_doubt(step, which[like < TRUSTED])
        self._doubt.leave(which[like >= TRUSTED])
        returned = pose.point + sample_field(step.backward, pose.point)
        length = np.linalg.norm(pose.point - before.point, axis=1)
        agrees = np.linalg.norm(returned - before.point, axis=1) < 1 + 0.05 * length
        expected = self._doubt.expects(which, pose.point, frame)
        seen = (like > LIKE) | ((like > SEEN) & expected)
        seen[rest] |= (like_recent > SEEN_RECENT) & agrees[rest] & expected[rest]
        seen &= self._inside(pose.point)
        self._enter_doubt(step, which[~seen])
        self._pose.put(which, pose)
        self._like[which, frame] = like
        self.seen[which, frame] = seen
        self._keep(step, which[seen], before[seen], like[seen])
        self._pose.put(which[~seen], self._doubt.pose[which[~seen]])

    def _mask(self, step: Step, which: Int64[np.ndarray, " points"]) -> None:
        """Of new patches, leave out samples that turn out to move otherwise than their middle."""
        for stride, flow in ((1, step.forward), *step.leaps.items()):
            new = which[self._start[which] == step.frame - stride]
            if stride <= MASKED and len(new):
                slack = np.float32(0.5 + 0.25 * stride)
                self._asked.inside[new] *= same_motion(flow, self._queries[new], slack)

    def _enter_doubt(self, step: Step, which: Int64[np.ndarray, " points"]) -> None:
        """Of points that are no longer surely themselves: keep how they were a frame ago."""
        new = which[~self._doubt.held[which]]
        self._doubt.enter(
            new,
            step.frame - 1,
            self._pose[new],
            self._companions.before[new],
            *motion_before(new, step.frame - 1, self.points, self._start, self._cameras),
        )
        self._doubt.advance(step.camera, self._companions, new)

    def _proposed(self, step: Step, which: Int64[np.ndarray, " points"]) -> Pose:
        """Of all places that flow, the camera and past motion propose, the one most alike."""
        base, frame = self._pose[which], step.frame
        trusted = self._like[which, frame - 1] > LIKE
        patches = choose(trusted, self._asked[which], self._recent[which])
        shape = carried_shape(step.forward, base)
        flown = base.moved(base.point + sample_field(step.forward, base.point), shape)
        with_camera = carried(step.camera, base)
        new = self._start[which] == frame - 1
        apart = np.linalg.norm(flown.point - with_camera.point, axis=1)
        bare = contrast(self._asked[which[new]], wide=True) < WEAK
        self._off_camera[which[new]] = np.where(bare, 0, apart[new])
        still = self._off_camera[which] < SETTLED
        best = choose(still, with_camera, flown)
        score = compare(step.look, patches, best) + self._margin(which)
        score = np.where(still & (self._contrast[which] < WEAK), np.inf, score)
        for place in self._alternatives(step, which, base.point, flown.point):
            other = base.moved(place, base.shape)
            alike = compare(step.look, patches, other)
            better = alike > score
            best, score = choose(better, other, best), np.where(better, alike, score)
        return best

    def _margin(self, which: Int64[np.ndarray, " points"]) -> Float32[np.ndarray, " points"]:
        """How much more alike another place has to be: more where noise may be all there is."""
        return DOUBT + NOISE / (self._contrast[which] ** 2 + FLOOR**2 / 2)

    def _alternatives(
        self, step: Step, which: Int64[np.ndarray, " points"], point: Xy, led: Xy
    ) -> Iterator[Xy]:
        yield led
        for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)):
            around = point + np.array([x * SIDEWAYS, y * SIDEWAYS], np.float32)
            yield point + sample_field(step.forward, around)
        yield mapped(step.camera, point)
        if step.frame > 1:
            earlier = step.frame - 2
            known = self.seen[which, earlier] & (self._start[which] <= earlier)
            yield np.where(known[:, None], 2 * point - self.points[which, earlier], led)
        for stride, leap in step.leaps.items():
            known = self.seen[which, step.frame - stride]
            old = self.points[which, step.frame - stride]
            yield np.where(known[:, None], old + sample_field(leap, old), led)

    def _keep(
        self,
        step: Step,
        which: Int64[np.ndarray, " points"],
        before: Pose,
        like: Float32[np.ndarray, " points"],
    ) -> None:
        """What is learnt from points that are seen: companions, and the recent patch."""
        now = self._pose[which]
        change = np.matmul(now.shape, np.linalg.inv(before.shape))
        off = np.linalg.norm(now.point - mapped(step.camera, before.point), axis=1)
        self._off_camera[which] += 0.2 * (np.minimum(off, 3) - self._off_camera[which])
        sure = like > LIKE
        self._companions.learn(which[sure], before.point[sure], now.point[sure], change[sure])
        self._age[which] += 1
        old = self._age[which] >= REFRESH
        self._recent.put(which[old], Patches.take(step.look, now[old]))
        self._age[which[old]] = 0

    # points that were not

    def _search(self, step: Step, which: Int64[np.ndarray, " points"]) -> None:
        """Carry hidden points on, and look whether they are back."""
        gap = step.frame - self._doubt.since[which]
        pose = self._doubt.pose[which]
        self._pose.put(which, pose)
        near = np.flatnonzero(((pose.point > -8) & (pose.point < self._size + 8)).all(1))
        which, pose, gap = which[near], pose[near], gap[near]
        steady = self._doubt.steady(which)
        radius = np.where(steady, np.minimum(3 + 0.1 * gap, 6), np.minimum(3 + 0.7 * gap, 14))
        radius = np.where(self._contrast[which] < WEAK, 0.5, radius)
        found, like = self._found(step, which, pose, radius.astype(np.float32), gap)
        self._like[which, step.frame] = like
        back = like > np.where(steady, FOUND, FOUND_ALONE)
        which, found = which[back], found[back]
        self._bridge(step.frame, which, found.point - pose.point[back])
        self._pose.put(which, found)
        self.seen[which, step.frame] = True
        self._recent.put(which, Patches.take(step.look, found))
        self._age[which] = 0
        self._companions.start(which, found.point)
        self._doubt.leave(which)

    def _bridge(self, frame: int, which: Int64[np.ndarray, " points"], missed: Xy) -> None:
        """Bend the guesses made while points were hidden, to end where they were found."""
        for point, miss in zip(which, missed, strict=True):
            since = int(self._doubt.since[point])
            share = (np.arange(since + 1, frame) - since) / np.float32(frame - since)
            share[self.seen[point, since + 1 : frame]] = 0
            self.points[point, since + 1 : frame] += share[:, None].astype(np.float32) * miss

    def _found(
        self,
        step: Step,
        which: Int64[np.ndarray, " points"],
        pose: Pose,
        radius: Float32[np.ndarray, " points"],
        gap: Int64[np.ndarray, " points"],
    ) -> tuple[Pose, Float32[np.ndarray, " points"]]:
        """The place around a prediction most like the query's patch, registered, and how alike."""
        asked = self._asked[which]
        slack = np.sqrt(np.clip(gap, 1, 25)).astype(np.float32)
        best, score = pose, np.full(len(which), -np.inf, np.float32)
        for place in self._around(step, which, pose.point, radius):
            alike = compare(step.look, asked, pose.moved(place, pose.shape), slack)
            alike -= 0.004 * np.linalg.norm(place - pose.point, axis=1)
            better = alike > score
            best = choose(better, pose.moved(place, pose.shape), best)
            score = np.where(better, alike, score)
        worth = np.flatnonzero(score > FOUND - 0.6)
        like = np.zeros(len(which), np.float32)
        found = register(step.look, asked[worth], best[worth], 4, bend=False, slack=slack[worth])
        found = register(step.look, asked[worth], found, 4, slack=slack[worth])
        alike = compare(step.look, asked[worth], found, slack[worth])
        away = np.linalg.norm(found.point - pose.point[worth], axis=1)
        fits = plausible(found.shape) & self._inside(found.point) & (away < radius[worth] + 4)
        like[worth] = np.where(fits, alike, 0)
        best.put(worth, found)
        return best, like

    def _around(
        self, step: Step, which: Int64[np.ndarray, " points"], point: Xy, radius: np.ndarray
    ) -> Iterator[Xy]:
        yield point
        for share, count in ((0.33, 8), (0.67, 12), (1.0, 16)):
            for angle in np.arange(count) * 2 * np.pi / count + share:
                direction = np.array([np.cos(angle), np.sin(angle)], np.float32)
                yield point + np.float32(share) * radius[:, None] * direction
        for stride, leap in step.leaps.items():
            known = self.seen[which, step.frame - stride]
            old = self.points[which, step.frame - stride]
            yield np.where(known[:, None], old + sample_field(leap, old), point)

    def _inside(self, point: Xy) -> Bool[np.ndarray, " points"]:
        return np.asarray(((point >= 0) & (point < self._size)).all(1))


def _registered(
    look: Look, patches: Patches, pose: Pose, *, bend: bool
) -> tuple[Pose, Float32[np.ndarray, " points"]]:
    """Poses brought into register, where that makes them more alike and they do not leap."""
    before = compare(look, patches, pose)
    wide = register(look, patches, pose, 4, bend=bend)
    after = compare(look, patches, wide)
    poor = np.flatnonzero(after < 0.93)  # something else is in view: look at the middle alone
    narrow = register(look, patches[poor], pose[poor], 3, bend=False, fine=True)
    alike = compare(look, patches[poor], narrow)
    better = alike > after[poor] + 0.02
    wide.put(poor[better], narrow[better])
    after[poor[better]] = alike[better]
    moved = np.linalg.norm(wide.point - pose.point, axis=1)
    strong = contrast(patches)
    leap = LEAP * np.clip(strong / WEAK, 0.1, 1)
    # where there is little to hold on to, noise must not make a point wander
    margin = np.where(strong < WEAK, NOISE / (strong**2 + FLOOR**2 / 2), -0.02)
    good = (moved < leap) & plausible(wide.shape) & (after >= before + margin)
    return choose(good, wide, pose), np.where(good, after, before)
