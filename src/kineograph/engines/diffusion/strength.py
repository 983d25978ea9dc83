"""How strong something is over the steps of sampling: one number, or keys with lines between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from pydantic_core import CoreSchema, core_schema

from kineograph.core.errors import EngineError
from kineograph.gestures.writing.messages import shown

HOW = (
    "give a number, or keys [at, value] with at from 0 (first step) to 1, in order, or "
    '{"stages": [0.3, 0, 0.7]}'
)
"""What a schedule may be; messages end with it."""


@dataclass(frozen=True)
class Schedule:
    """A strength over the steps.

    Where a step stands is the share of the steps that are done when it begins: step i of n stands
    at i / n, so that 0 is the first step and 1 is after the last. Between two keys the value runs
    along a line; before the first and after the last it stays. Two keys at the same place are a
    jump, and the later one holds there.

    Args:
        keys: (at, value) pairs.

    Raises:
        EngineError: there is no key, a place is outside 0..1 or out of order, or a value is not
            finite.
    """

    keys: tuple[tuple[float | int, float | int], ...]

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "keys", _checked(self.keys))
        except ValueError as error:
            raise EngineError(f"a schedule {error}") from None

    @classmethod
    def parse(cls, given: Any, what: str = "a schedule") -> "Schedule":
        """A schedule from what a person writes.

        Args:
            given: a number; a list of [at, value]; {"stages": [full, decay, none]}, see `stages`;
                or text: "7.5", or keys as "0:9/1:5".
            what: what a message calls it.

        Raises:
            EngineError: it is none of these.
        """
        try:
            return cls.read(given)
        except ValueError as error:
            raise EngineError(f"{what} {error}") from None

    @classmethod
    def read(cls, given: Any) -> "Schedule":
        """As `parse`, for use inside pydantic models, which say where the mistake is.

        Raises:
            ValueError: it is no schedule.
        """
        if isinstance(given, Schedule):
            return given
        if isinstance(given, Mapping):
            return cls.stages(*_stages_of(given))
        keys = _keys_of_text(given) if isinstance(given, str) else _keys_of(given)
        return cls(_checked(keys))

    @classmethod
    def constant(cls, value: float | int) -> "Schedule":
        """The same value at every step."""
        return cls(((0.0, value),))

    @classmethod
    def stages(cls, full: float | int, decay: float | int, none: float | int) -> "Schedule":
        """GLIGEN's scheduled sampling (its alpha_type): 1, then a line down to 0, then 0.

        Its usual [0.3, 0, 0.7] is on for the first 30% of the steps.

        Args:
            full: share of the steps at 1.
            decay: share of the steps on the way down.
            none: share of the steps at 0.

        Raises:
            EngineError: they are not three shares that make up 1.
        """
        shares = (full, decay, none)
        if any(not 0 <= share <= 1 for share in shares) or abs(sum(shares) - 1) > 1e-6:
            raise EngineError(
                f"stages of {', '.join(f'{share:g}' for share in shares)} were given; "
                "give three shares that make up 1, such as 0.3, 0, 0.7"
            )
        end = min(full + decay, 1.0)
        return cls(((0.0, 1.0), (full, 1.0), (end, 0.0), (1.0, 0.0)))

    @property
    def is_constant(self) -> bool:
        """Whether every step has the same value."""
        return len({value for _, value in self.keys}) == 1

    def value(self, step: int, steps: int) -> float:
        """The strength at one step.

        Args:
            step: its number, counted from 0.
            steps: how many there are.

        Raises:
            EngineError: there is no such step.
        """
        if not 0 <= step < steps:
            raise EngineError(f"step {step} of {steps} was asked for; steps count from 0")
        return self.at(step / steps)

    def at(self, place: float | int) -> float:
        """The strength at a place from 0 to 1."""
        after = next((i for i, (at, _) in enumerate(self.keys) if at > place), len(self.keys))
        if after in (0, len(self.keys)):
            return self.keys[after - 1 if after else 0][1]
        (left, start), (right, end) = self.keys[after - 1 : after + 1]
        return start + (end - start) * (place - left) / (right - left)

    def plain(self) -> float | list[list[float | int]]:
        """The schedule as it stands in a JSON file; `parse` reads it."""
        return self.keys[0][1] if self.is_constant else [list(key) for key in self.keys]

    def __str__(self) -> str:
        if self.is_constant:
            return f"{self.keys[0][1]:g}"
        return "/".join(f"{at:g}:{value:g}" for at, value in self.keys)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.read,
            serialization=core_schema.plain_serializer_function_ser_schema(cls.plain),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        key = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
        return {
            "anyOf": [
                {"type": "number"},
                {"type": "string"},
                {"type": "array", "items": key, "minItems": 1},
                {
                    "type": "object",
                    "properties": {"stages": {**key, "minItems": 3, "maxItems": 3}},
                    "required": ["stages"],
                    "additionalProperties": False,
                },
            ]
        }


def _checked(keys: Any) -> tuple[tuple[float | int, float | int], ...]:
    """Keys as plain numbers.

    Raises:
        ValueError: naming the first that is wrong.
    """
    if not keys:
        raise ValueError(f"has no keys; {HOW}")
    before = 0.0
    for at, value in keys:
        if not 0 <= at <= 1:
            raise ValueError(f"has a key at {at:g}; {HOW}")
        if at < before:
            raise ValueError(f"has a key at {at:g} after one at {before:g}; {HOW}")
        if not isfinite(value):
            raise ValueError(f"has the value {value:g} at {at:g}; give a finite number")
        before = at
    return tuple((float(at), float(value)) for at, value in keys)


def _keys_of(given: Any) -> list[tuple[float | int, float | int]]:
    """Keys of a number or a list."""
    if _number(given):
        return [(0.0, given)]
    if not isinstance(given, Sequence):
        raise ValueError(f"is {shown(given)}; {HOW}")
    for key in given:
        if not (isinstance(key, Sequence) and len(key) == 2 and all(map(_number, key))):
            raise ValueError(f"has the key {shown(key)}; {HOW}")
    return [(key[0], key[1]) for key in given]


def _stages_of(given: Mapping[str, Any]) -> list[float | int]:
    """The three shares of {"stages": [full, decay, none]}."""
    shares: Any = given.get("stages")
    written = isinstance(shares, Sequence) and len(shares) == 3 and all(map(_number, shares))
    if not written or set(given) != {"stages"}:
        raise ValueError(f"is {shown(dict(given))}; {HOW}")
    if any(not 0 <= share <= 1 for share in shares) or abs(sum(shares) - 1) > 1e-6:
        raise ValueError(
            f"has stages of {', '.join(f'{share:g}' for share in shares)}; give three shares that "
            "make up 1, such as 0.3, 0, 0.7"
        )
    return list(shares)


def _keys_of_text(given: str) -> list[tuple[float | int, float | int]]:
    """Keys of "7.5" or "0:9/1:5"."""
    parts = [part.split(":") for part in given.split("/")]
    try:
        numbers = [[float(number) for number in part] for part in parts]
    except ValueError:
        raise ValueError(f"is {shown(given)}; {HOW}, written 7.5 or 0:9/1:5") from None
    if len(numbers) == 1 and len(numbers[0]) == 1:
        return [(0.0, numbers[0][0])]
    if any(len(part) != 2 for part in numbers):
        raise ValueError(f"is {shown(given)}; {HOW}, written 7.5 or 0:9/1:5")
    return [(part[0], part[1]) for part in numbers]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
