"""How often somebody may ask: a bucket of tokens for each, that fills as time goes on."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

MOST_KEPT = 20_000
"""Buckets that are remembered; the longest unused is forgotten first."""


@dataclass
class Limit:
    """At most `burst` at once and `rate` a second after that, for each key.

    Args:
        rate: a second.
        burst: at once.
        clock: seconds.
    """

    rate: float | int
    burst: float | int
    clock: Callable[[], float | int] = time.monotonic
    _held: OrderedDict[Hashable, tuple[float | int, float | int]] = field(
        default_factory=OrderedDict
    )

    def allows(self, key: Hashable) -> bool:
        """Whether this one more is allowed; it is then counted."""
        now = self.clock()
        left, at = self._held.pop(key, (self.burst, now))
        left = min(self.burst, left + (now - at) * self.rate)
        allowed = left >= 1
        self._held[key] = (left - allowed, now)
        if len(self._held) > MOST_KEPT:
            self._held.popitem(last=False)
        return allowed
