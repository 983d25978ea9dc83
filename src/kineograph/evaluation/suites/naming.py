"""Names of cases: plain, short, each once, and the seeds that follow from them."""

import re
from collections.abc import Sequence
from hashlib import sha256

LONGEST = 80
"""Letters of a name; longer ones end in a digest of the whole."""


def plain_names(texts: Sequence[str]) -> list[str]:
    """A name for each text, of letters, digits, ".", "_" and "-" only, no two alike.

    The same texts give the same names; what is lost of one that is changed is made up for by a
    digest where two would be alike otherwise.
    """
    first = [_plain(text) for text in texts]
    folded = [name.lower() for name in first]  # some file systems do not tell cases apart
    twice = (
        {name for name in folded if folded.count(name) > 1}
        if len(set(folded)) < len(first)
        else set()
    )
    return [
        f"{name[: LONGEST - 9]}-{_digest(text)}" if name.lower() in twice else name
        for text, name in zip(texts, first, strict=True)
    ]


def seed_of(*parts: object) -> int:
    """A seed of what is named, the same on every machine."""
    return int.from_bytes(sha256("\0".join(map(str, parts)).encode()).digest()[:8], "big") >> 1


def _plain(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("_.") or "clip"
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 9]}-{_digest(text)}"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:8]
