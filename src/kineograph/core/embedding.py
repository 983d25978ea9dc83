"""How a short text travels inside picture files that FFmpeg writes no metadata into.

GIF has comment extensions, WebP an XMP chunk, PNG a tEXt chunk, JPEG an XMP segment.
"""

import re
import shutil
import struct
from html import escape, unescape
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from PIL import Image, PngImagePlugin

PNG_KEY = "comment"

_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></dc:description>'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
    '<?xpacket end="w"?>'
)
_DESCRIPTION = re.compile(
    rb'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">(.*?)</rdf:li>', re.DOTALL
)
_ANIMATION_FLAG, _XMP_FLAG = 0x02, 0x04


_LIMIT = Lock()


def open_image(path: Path) -> Image.Image:
    """Open a picture file of any size with Pillow; only its header is read.

    Pillow's own guard against huge pictures knows nothing of `--max-pixels`; whoever goes on to
    decode the pixels checks their number first.
    """
    with _LIMIT:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(path)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def xmp(text: str) -> bytes:
    """An XMP packet whose description is `text`."""
    return _XMP.format(escape(text, quote=False)).encode()


def png_text(text: str | None) -> PngImagePlugin.PngInfo:
    """The tEXt chunks of a PNG: the program, and `text` (ASCII) where there is one."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", "kineograph")
    if text is not None:
        info.add_text(PNG_KEY, text)
    return info


def from_picture(image: Image.Image) -> str | bytes | None:
    """The text that an opened GIF, WebP, PNG or JPEG carries, whoever wrote it."""
    packet = image.info.get("xmp")
    if packet:
        found = _DESCRIPTION.search(packet if isinstance(packet, bytes) else packet.encode())
        return unescape(found.group(1).decode(errors="replace")) if found else None
    return image.info.get(PNG_KEY)


def add_to_gif(source: Path, target: Path, text: str) -> None:
    """Copy a GIF with `text` (ASCII) as a comment right behind its header.

    Source: GIF89a specification, sections 18 (screen descriptor) and 24 (comment extension).
    """
    payload = text.encode("ascii")
    blocks = (payload[start : start + 255] for start in range(0, len(payload), 255))
    comment = b"".join(bytes([len(block)]) + block for block in blocks)
    with source.open("rb") as old, target.open("wb") as new:
        screen = old.read(13)
        palette = old.read(3 << ((screen[10] & 7) + 1)) if screen[10] & 0x80 else b""
        new.write(screen + palette + b"\x21\xfe" + comment + b"\x00")
        shutil.copyfileobj(old, new)


def add_to_webp(path: Path, text: str) -> None:
    """Append `text` to an animated WebP as an XMP chunk, in place.

    Source: the WebP container specification, "Extended file format".
    """
    chunk = _chunk(b"XMP ", xmp(text))
    with path.open("r+b") as file:
        file.seek(20)
        flags = file.read(1)[0]
        file.seek(20)
        file.write(bytes([flags | _XMP_FLAG]))
        file.seek(0, 2)
        file.write(chunk)
        total = file.tell()
        file.seek(4)
        file.write(struct.pack("<I", total - 8))


def animate_webp(path: Path, size: tuple[int, int], milliseconds: int) -> None:
    """Turn a still WebP into an animation of one frame, in place.

    The encoder merges frames that are alike, and writes a still, which forgets how long it is to
    be shown, where all of them are.
    """
    still = path.read_bytes()
    if still[12:16] == b"VP8X":
        return
    canvas = b"".join((side - 1).to_bytes(3, "little") for side in size)
    frame = bytes(6) + canvas + milliseconds.to_bytes(3, "little") + b"\x00" + still[12:]
    body = (
        b"WEBP"
        + _chunk(b"VP8X", bytes([_ANIMATION_FLAG, 0, 0, 0]) + canvas)
        + _chunk(b"ANIM", bytes(6))
        + _chunk(b"ANMF", frame)
    )
    path.write_bytes(_chunk(b"RIFF", body))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\x00" * (len(content) % 2)


def webp_durations(path: Path) -> list[int]:
    """How long each frame of an animated WebP is shown, in milliseconds; empty for a still.

    Raises:
        ValueError: the file is no WebP, or ends before its chunks do.
    """
    durations = []
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WEBP":
            raise ValueError("it is no WebP file")
        end = 8 + struct.unpack("<I", head[4:8])[0]
        while file.tell() + 8 <= end:
            name, length = struct.unpack("<4sI", _exactly(file, 8))
            start = file.tell()
            if name == b"ANMF":
                durations.append(int.from_bytes(_exactly(file, 16)[12:15], "little"))
            file.seek(start + length + length % 2 - 1)
            _exactly(file, 1)
    return durations


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise ValueError("it ends too early")
    return data
