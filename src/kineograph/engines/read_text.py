"""How much of a text a small text encoder reads: its first words, as many as fit."""

from pathlib import Path

from kineograph.models.description import read_json

MARKS = 2
"""Tokens of a text's start and end."""


def read_part(text: str, model: Path) -> str:
    """The text, or its first words where there are more than the model's encoder reads.

    In training captions lose their ends the same way.

    Args:
        text: of a person.
        model: a model folder.

    Raises:
        ModelError: the folder is broken.
    """
    from tokenizers import Tokenizer

    said = read_json(model / "text_encoder" / "config.json", model)
    room = int(said.get("max_position_embeddings", 77)) - MARKS
    if len(text) <= room // 2:  # a token has a letter or more
        return text
    tokenizer = Tokenizer.from_file(str(model / "tokenizer" / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    words = text.split()
    while words and len(tokenizer.encode(" ".join(words), add_special_tokens=False)) > room:
        words.pop()
    return text if len(words) == len(text.split()) else " ".join(words).rstrip(",;:")
