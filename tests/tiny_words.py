"""Plain sentences, and a tokenizer that knows their words."""

from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer

CORPUS = (
    "a red ball rolls slowly to the left over a wooden table",
    "a yellow boat drifts on a calm lake while small waves move under it",
    "the camera turns around a stone tower in the evening light",
    "two dogs run across the grass and jump over a low fence",
    "a woman in a blue coat looks up and smiles at the sky",
    "smoke rises from the roof of a house behind the trees",
    "a black cat sits on a chair and its tail swings from side to side",
    "rain falls on the street and cars with bright lamps pass by",
    "leaves of an old tree tremble in the wind, some of them fall",
    "a child throws a paper plane that glides through the room",
    "blurry, distorted, low quality, still picture, text, watermark",
)
"""Plain sentences the tokenizer knows the words of; good prompts for tests too."""


def tiny_tokenizer(length: int = 77) -> CLIPTokenizer:
    """A CLIP tokenizer that knows the words of `CORPUS`; any other text falls into its letters.

    As in CLIP's own, the end of the text has the highest id.
    """
    letters = sorted(ByteLevel.alphabet())
    pieces = letters + [letter + "</w>" for letter in letters]
    merges: list[tuple[str, str]] = []
    for word in sorted({word for line in CORPUS for word in line.replace(",", "").split()}):
        left = word[0]
        for letter in [*word[1:-1], word[-1] + "</w>"] if word[1:] else []:
            if left + letter not in pieces:
                merges.append((left, letter))
                pieces.append(left + letter)
            left += letter
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=length)
