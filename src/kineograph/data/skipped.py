"""What was left out of training, and why: counted, listed, and stopped when it is too much."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from kineograph.core.errors import DataError

LIMIT = 100
"""How many clips and shards may be left out before a run stops, if nobody says."""


@dataclass(frozen=True)
class Skipped:
    """One clip or shard that was left out.

    Args:
        name: which.
        reason: why, in one line.
    """

    name: str
    reason: str

    def __str__(self) -> str:
        return self.reason if self.name in self.reason else f"{self.name}: {self.reason}"


@dataclass
class SkipReport:
    """All that was left out; each name is counted once, however often it came up.

    Args:
        limit: a run stops when more than so many have been left out; None never stops it.
    """

    limit: int | None = LIMIT
    reasons: dict[str, str] = field(default_factory=dict)
    """Why, by name, in the order in which they came up."""

    def __len__(self) -> int:
        return len(self.reasons)

    def add(self, items: Iterable[Skipped]) -> None:
        """Note what was left out.

        Raises:
            DataError: that makes more than the limit.
        """
        for item in items:
            self.reasons.setdefault(item.name, item.reason)
        if self.limit is not None and len(self) > self.limit:
            latest = Skipped(*list(self.reasons.items())[-1])
            raise DataError(
                f"{len(self)} clips or shards could not be used, more than the {self.limit} "
                f"allowed; the last: {latest}; mend the data, or allow more"
            )

    def lines(self) -> list[str]:
        """One line for each, in the order in which they came up."""
        return [str(Skipped(name, reason)) for name, reason in self.reasons.items()]
