"""The motion that a text says, in videos that do it, do the opposite, or rest."""

from dataclasses import replace

import numpy as np
import pytest
from moving_disc import disc_clip, look_at, still

from kineograph.data.clip import Fact
from kineograph.evaluation.metrics.direction import METRICS

BY_NAME = {metric.name: metric for metric in METRICS}


@pytest.mark.parametrize("pictured", [True, False])
def test_what_is_said_is_seen_or_not(pictured: bool) -> None:
    right, left = disc_clip((6, 0), (40, 48)), disc_clip((-6, 0), (40, 48))
    share, cosine = BY_NAME["text-direction"], BY_NAME["text-direction-cosine"]
    seen = look_at(right.video, right, pictured=pictured)
    other = look_at(left.video, right, pictured=pictured)
    rest = look_at(still(right), right, pictured=pictured)
    assert (share.measure(seen), share.measure(other), share.measure(rest)) == (1, 0, 0)
    assert cosine.measure(seen) > 0.95 and cosine.measure(other) < -0.95
    assert cosine.measure(rest) == 0


def test_the_share_is_of_all_facts_that_can_be_measured() -> None:
    clip = disc_clip((6, 0))
    wrong = Fact("red disc", "moves", "up", group=0)
    vague = Fact("red disc", "wobbles", None, group=0)
    look = look_at(clip.video, replace(clip, facts=(*clip.facts, wrong, vague)))
    assert BY_NAME["text-direction"].measure(look) == 0.5
    none = look_at(clip.video, replace(clip, facts=(vague,)))
    assert np.isnan(BY_NAME["text-direction"].measure(none))
    assert np.isnan(BY_NAME["text-direction-cosine"].measure(none))
    assert BY_NAME["text-direction"].needs == {"facts", "text"}
