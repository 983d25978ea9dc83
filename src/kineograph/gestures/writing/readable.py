"""JSON that people can read and edit: short lists stay on one line."""

import json
from typing import Any

WIDTH = 88
"""Lists of numbers up to this many characters stay on one line."""


def to_json(value: Any) -> str:
    """JSON text, indented, with a newline at its end; the same value gives the same text."""
    return _text(value, "") + "\n"


def _text(value: Any, indent: str) -> str:
    deeper = indent + "  "
    if isinstance(value, dict) and value:
        return _block("{}", [f"{_plain(k)}: {_text(v, deeper)}" for k, v in value.items()], indent)
    if isinstance(value, list) and value:
        line = _line(value)
        if line is not None and len(indent) + len(line) <= WIDTH:
            return line
        return _block("[]", [_text(item, deeper) for item in value], indent)
    return _plain(value)


def _block(brackets: str, lines: list[str], indent: str) -> str:
    """One entry a line."""
    inner = f",\n{indent}  ".join(lines)
    return f"{brackets[0]}\n{indent}  {inner}\n{indent}{brackets[1]}"


def _line(value: list[Any]) -> str | None:
    """A list of plain values, or of such lists, on one line; None for anything else."""
    parts = [_line(item) if isinstance(item, list) else _plain(item) for item in value]
    if any(part is None or isinstance(item, dict) for part, item in zip(parts, value, strict=True)):
        return None
    return f"[{', '.join(part for part in parts if part is not None)}]"


def _plain(value: Any) -> str:
    """One value; numbers without a fraction are written without one."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
