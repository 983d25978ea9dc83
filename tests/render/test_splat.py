"""Backward maps from forward fields, and completion of what nothing reached."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kineograph.render.splat import invert, push_pull
from kineograph.render.walker import Grid

GRID = Grid((320, 240), (80, 60))


def forward_of(field, points):
    at = points / GRID.pitch - 0.5
    return points + cv2.remap(
        field, at.astype(np.float32), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


@given(
    shift=st.tuples(st.floats(-60, 60), st.floats(-60, 60)),
    height=st.floats(0, 12),
    wide=st.floats(25, 60),
)
@settings(max_examples=25)
def test_going_back_and_forth_ends_where_it_began(shift, height, wide):
    c = GRID.centres
    bump = height * np.exp(-((c - (160, 120)) ** 2).sum(axis=2, keepdims=True) / wide**2)
    field = (np.array(shift, np.float32) + bump * (1, -0.5)).astype(np.float32)
    source = GRID.centres + invert(field, GRID)
    inside = ((source > 8) & (source < np.array(GRID.size) - 8)).all(axis=2)
    miss = np.linalg.norm(forward_of(field, source) - GRID.centres, axis=2)
    assert not inside.any() or miss[inside].max() < 0.06  # read in steps of 1/32 cell


@pytest.mark.parametrize("scale", [0.4, 0.8, 1.5, 3.0])
def test_growing_and_shrinking_are_undone_exactly(scale):
    centre = np.array([160, 120], np.float32)
    field = ((GRID.centres - centre) * np.float32(scale - 1)).astype(np.float32)
    source = GRID.centres + invert(field, GRID)
    exact = (GRID.centres - centre) / scale + centre
    inside = ((exact > 6) & (exact < np.array(GRID.size) - 6)).all(axis=2)
    assert np.abs(source - exact)[inside].max() < 0.05


def test_where_two_places_land_on_one_the_far_mover_is_in_front():
    field = np.zeros((60, 80, 2), np.float32)
    field[:, :20, 0] = 200  # the left quarter jumps over what stands still
    source = GRID.centres + invert(field, GRID)
    assert np.allclose(source[30, 60], GRID.centres[30, 60] - (200, 0), atol=0.5)
    assert np.allclose(source[30, 40], GRID.centres[30, 40], atol=0.5)


def test_a_folded_field_gives_finite_sources_inside_reason():
    rng = np.random.default_rng(0)
    field = rng.normal(0, 40, (60, 80, 2)).astype(np.float32)
    back = invert(field, GRID)
    assert np.isfinite(back).all()
    assert np.abs(back).max() < 400


def test_push_pull_keeps_what_is_known_and_stays_within_it():
    rng = np.random.default_rng(1)
    values = rng.uniform(10, 20, (37, 53, 2)).astype(np.float32)
    known = (rng.uniform(size=(37, 53)) < 0.1).astype(np.float32)
    filled = push_pull(values * known[..., None], known)
    assert np.allclose(filled[known > 0], values[known > 0], atol=1e-4)
    assert filled.min() > 9.9
    assert filled.max() < 20.1
