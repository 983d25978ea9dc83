"""Bending a part as rigidly as possible (Sorkine & Alexa, 2007), for all frames of a clip."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Complex128, Float64
from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu

from kineograph.gestures.parts.mesh import Mesh, Points

GRASP = 1e5
"""How firmly a point that is held is kept in its place, against a mesh of firmness 1."""

STEP = 0.04
"""The farthest a held point may go in one step, as a share of the part's extent; what goes farther
in a frame goes in several."""

TURNS = 12
"""How often the coarsest mesh goes back and forth between turning and placing, at each step."""

REST = 100
"""How often the coarsest mesh does so for all frames at once in the end."""

REFINE = 8
"""How often the finer ones do."""

HURRY = 0.99
"""What the error is taken to shrink by in each round, with which the rounds are sped up: each goes
farther than it was told to (Wang, 2015, "A Chebyshev semi-iterative approach")."""

SLOW = 2
"""The first rounds go no farther than they have to."""

CHUNK = 5
"""Frames that are solved for together."""

COARSE = 160
"""The coarsest mesh has about this many squares."""

Ways = Complex128[np.ndarray, "points frames"]


@dataclass(frozen=True, eq=False)
class Body:
    """A mesh that bends: how firm each square is, and the system to be solved.

    The energy is sum over squares c, and edges (i, j) of each, of
    w_c |(p_i - p_j) - R_c (r_i - r_j)|^2, with a rotation R_c for each square: equation 3 of
    Sorkine & Alexa (2007) with squares in place of the fans around corners. In the plane a rotation
    is a complex number of length 1, and the best one (their equation 6) needs no decomposition:
    R_c = S_c / |S_c| with S_c = sum w (p_i - p_j) conj(r_i - r_j).

    Args:
        mesh: the mesh.
        firmness: of each square.
    """

    mesh: Mesh
    firmness: Float64[np.ndarray, " squares"]
    _systems: dict[bytes, SuperLU] = field(default_factory=dict, repr=False)

    @cached_property
    def _matrices(self) -> tuple[sparse.csr_matrix, sparse.csr_matrix, sparse.csc_matrix]:
        """What gives S of all squares from the corners, its adjoint, and the Laplacian."""
        edges, weight, owner = self.mesh.links(self.firmness)
        count, number = len(self.mesh.rest), np.arange(len(edges))
        ends = (np.repeat(number, 2), edges.ravel())
        difference = sparse.csr_matrix(
            (np.tile([1.0, -1.0], len(edges)), ends), (len(edges), count)
        )
        rest = difference @ self.mesh.rest
        gather = sparse.csr_matrix((weight * rest.conj(), (owner, number)))
        turning = (gather @ difference).tocsr()
        laplacian = (difference.T @ sparse.diags(weight) @ difference).tocsc()
        return turning, turning.conj().T.tocsr(), laplacian

    def settle(
        self,
        start: Complex128[np.ndarray, "corners frames"],
        hold: sparse.csr_matrix,
        targets: Ways,
        rounds: int,
    ) -> Complex128[np.ndarray, "corners frames"]:
        """The corners when the points that `hold` reads are at `targets`, from a first guess on.

        All frames at once; the guess only has to be turned the right way.
        """
        turning, back, _ = self._matrices
        system = self._system(hold)
        pull = GRASP * (hold.T @ targets)
        corners = before = start
        hurry = 1.0
        for number in range(rounds):
            stretch = turning @ corners
            turn = stretch / np.maximum(np.abs(stretch), 1e-12)
            placed = _solve(system, back @ turn + pull)
            hurry = 1.0 if number < SLOW else 4 / (4 - HURRY**2 * (hurry if hurry > 1 else 2.0))
            corners, before = before + hurry * (placed - before), corners
        return corners

    def _system(self, hold: sparse.csr_matrix) -> SuperLU:
        """The factorised system; made once for each set of held points."""
        key = hold.indices.tobytes() + hold.data.tobytes()
        if key not in self._systems:
            floor = sparse.diags(np.full(len(self.mesh.rest), 1e-9))
            matrix = (self._matrices[2] + GRASP * (hold.T @ hold) + floor).tocsc()
            options = {"SymmetricMode": True}
            self._systems[key] = splu(matrix, permc_spec="MMD_AT_PLUS_A", options=options)
        return self._systems[key]


def _solve(
    system: SuperLU, wanted: Complex128[np.ndarray, "corners frames"]
) -> Complex128[np.ndarray, "corners frames"]:
    """The system solved for complex values, a few frames at a time: it is fastest so."""
    solved = np.empty_like(wanted)
    for first in range(0, wanted.shape[1], CHUNK):
        some = wanted[:, first : first + CHUNK]
        pair = system.solve(np.concatenate([some.real, some.imag], axis=1))
        solved[:, first : first + CHUNK] = pair[:, : some.shape[1]] + 1j * pair[:, some.shape[1] :]
    return solved


@dataclass(frozen=True, eq=False)
class Bender:
    """The same part as meshes from coarse to fine.

    The coarsest is moved frame by frame, in small steps, so that turns of more than half a circle
    come out right; each finer one then starts from the coarser, all frames at once.

    Args:
        bodies: from coarse to fine, each of half the pitch of the one before.
    """

    bodies: tuple[Body, ...]

    @staticmethod
    def over(
        mask: Bool[np.ndarray, "height width"],
        squares: int,
        stiff: Sequence[tuple[complex, float]] = (),
        joints: Sequence[tuple[complex, float]] = (),
    ) -> "Bender":
        """Meshes over a mask, the finest with about so many squares.

        Args:
            mask: the part.
            squares: about how many of them the finest mesh is to have.
            stiff: discs (centre, radius) that hardly bend: where it is held.
            joints: discs (centre, radius) in which it bends easily.
        """
        pitch = max(1.0, float(np.sqrt(mask.sum() / squares)))
        pitches = [pitch]
        while mask.sum() / pitches[-1] ** 2 > 2 * COARSE:
            pitches.append(2 * pitches[-1])
        meshes = [Mesh.over(mask, pitch) for pitch in reversed(pitches)]
        return Bender(tuple(Body(mesh, _firmness(mesh, stiff, joints)) for mesh in meshes))

    @property
    def mesh(self) -> Mesh:
        """The finest mesh."""
        return self.bodies[-1].mesh

    def bend(
        self, points: Points, ways: Ways, held: Bool[np.ndarray, "points frames"]
    ) -> Complex128[np.ndarray, "corners frames"]:
        """Where the corners of the finest mesh are when points of the part go their ways.

        Args:
            points: points of the part, where they are in the picture.
            ways: where each is at each frame.
            held: when each is held there; at other times it is free.
        """
        coarse, *finer = self.bodies
        corners = self._walk(coarse, points, ways, held)
        corners = _settle(coarse, corners, (points, ways, held), REST)
        before = coarse
        for body in finer:
            lift = before.mesh.sampler(body.mesh.rest)
            shift = lift @ (corners - before.mesh.rest[:, None])
            corners = body.mesh.rest[:, None] + shift
            corners = _settle(body, corners, (points, ways, held), REFINE)
            before = body
        return corners

    def coarsely(
        self, points: Points, ways: Ways, held: Bool[np.ndarray, "points frames"]
    ) -> Complex128[np.ndarray, "corners frames"]:
        """As `bend`, by the coarsest mesh alone: its corners."""
        return self._walk(self.bodies[0], points, ways, held)

    def _walk(
        self, body: Body, points: Points, ways: Ways, held: Bool[np.ndarray, "points frames"]
    ) -> Complex128[np.ndarray, "corners frames"]:
        """Frame after frame, each starting from the one before, in small steps."""
        rest = body.mesh.rest
        step = STEP * float(np.abs(rest - rest.mean()).max()) * 2
        now, last, found = rest[:, None], points.copy(), []
        for frame in range(ways.shape[1]):
            at = held[:, frame]
            if at.any():
                hold = body.mesh.sampler(points[at])
                here = np.where(at, ways[:, frame], last)
                steps = max(1, int(np.ceil(np.abs(here - last)[at].max() / step)))
                for share in np.arange(1, steps + 1) / steps:
                    target = (last + (here - last) * share)[at]
                    now = body.settle(now, hold, target[:, None], TURNS if share == 1 else 4)
                last = here
            found.append(now[:, 0])
        return np.stack(found, axis=1)


def _settle(
    body: Body,
    corners: Complex128[np.ndarray, "corners frames"],
    asked: tuple[Points, Ways, Bool[np.ndarray, "points frames"]],
    rounds: int,
) -> Complex128[np.ndarray, "corners frames"]:
    """All frames in which the same points are held, together; others stay as they are."""
    points, ways, held = asked
    corners = corners.copy()
    sets, number = np.unique(held, axis=1, return_inverse=True)
    for index, at in enumerate(sets.T):
        frames = np.flatnonzero(number.ravel() == index)
        if at.any():
            hold = body.mesh.sampler(points[at])
            targets = ways[at][:, frames]
            corners[:, frames] = body.settle(corners[:, frames], hold, targets, rounds)
    return corners


STIFF = 20.0
"""How much firmer the part is where it is held, so that it does not come to a point there."""

SUPPLE = 0.02
"""How firm it is at a joint."""

CORE = 0.3
"""The share of a joint's radius that stays firm: the two sides hang together there."""


def _firmness(
    mesh: Mesh,
    stiff: Sequence[tuple[complex, float]],
    joints: Sequence[tuple[complex, float]],
) -> Float64[np.ndarray, " squares"]:
    """How firm each square is; a joint is a supple ring around a firm core."""
    firmness = mesh.cover.copy()
    for centre, radius in joints:
        away = np.abs(mesh.middles - centre)
        core = max(CORE * radius, 0.75 * mesh.pitch)
        firmness[(away < radius) & (away > core)] *= SUPPLE
    for centre, radius in stiff:
        firmness[np.abs(mesh.middles - centre) < radius] *= STIFF
    return firmness
