"""Model cards: README.md in a model's folder, facts as lines that a program can read again."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

NAME = "README.md"

_FACT = re.compile(r"\s*[-*]\s+\*{0,2}([\w /()-]{2,40}?)\*{0,2}:\*{0,2}\s+(\S.*)")
_FRONT = re.compile(r"(\w[\w -]{1,30}):\s+(\S.*)")


def write_card(title: str, facts: Mapping[str, str], text: Sequence[str] = ()) -> str:
    """A model card in Markdown: a title, facts a line each, and paragraphs."""
    lines = [f"# {title}", "", *(f"- {name}: {value}" for name, value in facts.items())]
    for paragraph in text:
        lines += ["", paragraph]
    return "\n".join(lines) + "\n"


def read_card(folder: Path) -> dict[str, str]:
    """The facts of a folder's model card: its front matter and its `- name: value` lines.

    Nothing if there is no card, or it cannot be read.
    """
    try:
        lines = (folder / NAME).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    facts: dict[str, str] = {}
    front = 0
    if lines[:1] == ["---"] and "---" in lines[1:]:
        front = lines.index("---", 1)
    for number, line in enumerate(lines):
        found = (_FRONT if 0 < number < front else _FACT).fullmatch(line.rstrip())
        if found:
            facts.setdefault(found[1].strip(), found[2].strip())
    return facts
