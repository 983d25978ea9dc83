"""Guidance with named terms: which predictions a step needs, and how they are put together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float
from pydantic_core import CoreSchema, core_schema
from torch import Tensor

from kineograph.core.errors import EngineError
from kineograph.engines.diffusion.terms import EVERYTHING, Branch, Term, weights_of_text
from kineograph.gestures.writing.messages import shown

Combine = Literal["joint", "nested"]

OPTIONS = ("combine", "rescale")
"""What stands beside the terms where guidance is written down."""


@dataclass(frozen=True)
class Guidance:
    """How the predictions with and without the conditions are combined at each step.

    With v(all) the prediction that is told everything, w_i a term's weight and v(-i) the
    prediction without what the term drops:

    - "joint" (MotionStream, arXiv:2511.01266): v_base + sum_i w_i (v(all) - v(-i)) with
      v_base = sum_i a_i v(-i), a_i = w_i / sum w. One term is classifier-free guidance
      (arXiv:2207.12598); text and tracks take three predictions.
    - "nested" (InstructPix2Pix, arXiv:2211.09800; camera-free guidance of Image Conductor,
      arXiv:2406.15339): v(none) + w_1 (v(1st) - v(none)) + w_2 (v(1st, 2nd) - v(1st)) + ...,
      the terms in the order given. A condition without a term is always told.

    Either way a step is a weighted sum of branches whose coefficients add up to 1, and a branch
    whose coefficient is 0 is not run: weight 1 alone costs one prediction.

    Args:
        terms: what is guided by; none is the model by itself.
        how: "joint" or "nested".
        rescale: phi of Lin et al. 2023 (arXiv:2305.08891, 3.4), 0..1: how far the spread of the
            result is brought back to that of v(all).

    Raises:
        EngineError: two terms are the same, nested terms overlap, or a value is not allowed.
    """

    terms: tuple[Term, ...] = ()
    how: Combine = "joint"
    rescale: float | int = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.rescale <= 1:
            raise EngineError(f"a guidance rescale of {self.rescale:g} was given; give 0 to 1")
        for index, term in enumerate(self.terms):
            for other in self.terms[:index]:
                self._check_two(term, other)

    def _check_two(self, term: Term, other: Term) -> None:
        if term.drops == other.drops:
            raise EngineError(f"guidance {term.name} is given twice; give it once")
        if self.how == "nested" and term.drops & other.drops:
            raise EngineError(
                f"nested guidance {other.name} and {term.name} share a condition, but each is told "
                "once; leave it in one of them"
            )

    @classmethod
    def parse(cls, given: Any, what: str = "guidance") -> "Guidance":
        """Guidance from what a person writes.

        Args:
            given: a number or schedule for text alone; a mapping of terms to weights, such as
                {"text": 7.5, "tracks": 1.5}, with "combine" and "rescale" beside them; or the same
                as text: "text=7.5,tracks=1.5,combine=nested".
            what: what a message calls it.

        Raises:
            EngineError: it is none of these.
        """
        try:
            return cls.read(given)
        except ValueError as error:
            raise EngineError(f"{what} {error}") from None

    @classmethod
    def read(cls, given: Any) -> "Guidance":
        """As `parse`, for use inside pydantic models, which say where the mistake is.

        Raises:
            ValueError: it is no guidance.
        """
        if isinstance(given, Guidance):
            return given
        if isinstance(given, str):
            given = weights_of_text(given)
        elif not isinstance(given, Mapping):
            given = {"text": given}
        weights = {name: value for name, value in given.items() if name not in OPTIONS}
        try:
            return cls(
                tuple(Term.of(str(name), value) for name, value in weights.items()),
                _known(given.get("combine", "joint")),
                _float(given.get("rescale", 0.0)),
            )
        except EngineError as error:
            raise ValueError(f"cannot be read: {error}") from None

    def among(self, given: Iterable[str]) -> "Guidance":
        """The same where only some conditions are there to be dropped.

        What is not given is in no prediction, so a term keeps the rest of what it drops, and goes
        when nothing is left. Text, even empty, is always there.
        """
        there = {"text", *given}
        kept: dict[Branch, Term] = {}
        for term in self.terms:
            drops = term.drops & there
            if drops:
                kept.setdefault(drops, replace(term, drops=drops))
        return replace(self, terms=tuple(kept.values()))

    @property
    def names(self) -> frozenset[str]:
        """Every condition that a term drops."""
        return EVERYTHING.union(*(term.drops for term in self.terms))

    def branches(self) -> tuple[Branch, ...]:
        """Every prediction that a step may need, the one that is told everything first."""
        if self.how == "joint":
            return (EVERYTHING, *(term.drops for term in self.terms))
        return tuple(
            EVERYTHING.union(*(term.drops for term in self.terms[count:]))
            for count in range(len(self.terms), -1, -1)
        )

    def coefficients(self, step: int, steps: int) -> dict[Branch, float]:
        """The branches of one step with the numbers they are multiplied with before the sum.

        Branches of coefficient 0 are left out; only v(all) stays where `rescale` looks at it.

        Args:
            step: its number, counted from 0.
            steps: how many there are.

        Raises:
            EngineError: there is no such step.
        """
        weights = [term.weight.value(step, steps) for term in self.terms]
        found = dict(zip(self.branches(), getattr(self, f"_{self.how}")(weights), strict=True))
        needed = {branch: number for branch, number in found.items() if number != 0}
        if self.rescale and len(needed | {EVERYTHING: 0.0}) > 1:
            needed = {EVERYTHING: 0.0} | needed
        return needed

    def _joint(self, weights: list[float]) -> list[float]:
        total = sum(weights)
        shares = [w / total if total else 1 / len(weights) for w in weights]
        return [total if weights else 1.0, *(a - w for a, w in zip(shares, weights, strict=True))]

    def _nested(self, weights: list[float]) -> list[float]:
        steps = [1.0, *weights]
        inner = [before - after for before, after in pairwise(steps)]
        return [steps[-1], *reversed(inner)]

    def combine(
        self,
        predictions: Mapping[Branch, Float[Tensor, "batch channels frames height width"]],
        step: int,
        steps: int,
    ) -> Float[Tensor, "batch channels frames height width"]:
        """The guided prediction, summed in float32 or better and given back in its own type.

        Args:
            predictions: the model's, of at least the branches of `coefficients`; whatever it
                predicts (noise, v or sample), as the sum is linear.
            step: its number, counted from 0.
            steps: how many there are.

        Raises:
            EngineError: a branch is missing.
        """
        wanted = self.coefficients(step, steps)
        for branch in wanted:
            if branch not in predictions:
                raise EngineError(f"the prediction {_told(branch)} is missing; run it at this step")
        if len(wanted) == 1:
            return predictions[next(iter(wanted))]
        like = next(iter(predictions.values()))
        exact = torch.promote_types(like.dtype, torch.float32)
        guided = torch.zeros_like(like, dtype=exact)
        for branch, number in wanted.items():
            guided += number * predictions[branch].to(exact)
        if self.rescale:
            guided = rescaled(guided, predictions[EVERYTHING].to(exact), self.rescale)
        return guided.to(like.dtype)

    def plain(self) -> dict[str, Any]:
        """The guidance as it stands in a JSON file; `parse` reads it."""
        terms: dict[str, Any] = {term.name: term.weight.plain() for term in self.terms}
        if self.how != "joint":
            terms["combine"] = self.how
        return terms | ({"rescale": float(self.rescale)} if self.rescale else {})

    def __str__(self) -> str:
        named = {term.name: str(term.weight) for term in self.terms}
        rest = {name: value for name, value in self.plain().items() if name in OPTIONS}
        return ",".join(f"{name}={value}" for name, value in (named | rest).items())

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.read,
            serialization=core_schema.plain_serializer_function_ser_schema(cls.plain),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "object"}]}


def rescaled(
    guided: Float[Tensor, "batch channels frames height width"],
    told: Float[Tensor, "batch channels frames height width"],
    phi: float | int,
) -> Float[Tensor, "batch channels frames height width"]:
    """Guidance rescale: the guided prediction with its spread brought back (arXiv:2305.08891, 3.4).

    Args:
        guided: the sum of the branches.
        told: the prediction that is told everything; the spread is its standard deviation over all
            but the batch.
        phi: 0 leaves `guided`, 1 gives it the whole of that spread.
    """
    over = tuple(range(1, guided.ndim))
    ratio = told.std(dim=over, keepdim=True) / guided.std(dim=over, keepdim=True)
    return guided * (phi * ratio + (1 - phi))


def _known(how: Any) -> Any:
    if how not in get_args(Combine):
        raise ValueError(f"is to be combined by {shown(how)}; give combine=joint or combine=nested")
    return how


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"has the rescale {shown(value)}; give a number from 0 to 1") from None


def _told(branch: Branch) -> str:
    """A branch in words."""
    return f"without {' and '.join(sorted(branch))}" if branch else "that is told everything"
