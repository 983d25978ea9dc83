"""What the words of every kind of line have in common: numbers and time spans."""

import re
from collections.abc import Callable
from typing import NoReturn

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
"""A number as people write it, as a regular expression."""

_SPAN = re.compile(r"@(\d+\.?\d*|\.\d+)(?:-(\d+\.?\d*|\.\d+))?")


def time_span(word: str, fail: Callable[[str, str], NoReturn]) -> dict[str, float]:
    """The fields `start` and, where it is told, `end` of a word such as `@0.5-2`, in seconds.

    Args:
        word: the word, from its @ on.
        fail: is told what is wrong and what to do; it raises.
    """
    found = _SPAN.fullmatch(word)
    if found is None:
        fail(f"has the time span {word!r}", "write it in seconds, as @0.5-2 or @0.5")
    start, end = found.groups()
    return {"start": float(start)} | ({} if end is None else {"end": float(end)})
