"""What stands in a code is decoded, within bounds, and read again."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace_skills.audit._files import Language
    from headrace_skills.audit._sources import Source

__all__ = ["MAX_DEPTH", "decoded_text", "inflate", "read_coded"]

MAX_DEPTH = 4
"""Codes within codes."""
MAX_DECODED = 128 * 1024
"""Bytes of what one code holds."""
MAX_PIECES = 64
"""Coded pieces of one text that are looked at."""

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
_HEX = re.compile(r"[0-9a-fA-F]{32,}")
_ESCAPED = re.compile(
    r"(?:\\x[0-9a-fA-F]{2}|\\u00[0-9a-fA-F]{2}|\\[0-3][0-7]{2}|%[0-9a-fA-F]{2}){6,}"
)
_NUMBERS = re.compile(r"\d{2,3}(?:\s*,\s*\d{2,3}){11,}")
_ESCAPE = re.compile(r"(?:\\x|\\u00|%)([0-9a-fA-F]{2})|\\([0-3][0-7]{2})")
_IMAGE = ("data:image/", "data:font/", "data:application/font", "data:audio/", "data:video/")
_WORDS = re.compile(r"[a-z]+(?:[/_-][a-z]+)+|[a-zA-Z]*[a-z_]+|[A-Z_]+|-+|_+|/+")
_COMPRESSED = ((15, b"\x78"), (31, b"\x1f\x8b"), (-15, b""))  # zlib, gzip, bare
_MIN_COMPRESSED = 12
_WORDY = re.compile(r"[A-Za-z]{3,20}[^A-Za-z]{1,8}[A-Za-z]{2}")
_MAX_NAME = 200


def read_coded(source: Source) -> Iterator[Source]:
    """Find coded pieces of a text, and give what they say where it is text."""
    if len(source.decoded) >= MAX_DEPTH:
        return
    pieces = 0
    for pattern, code in (
        (_BASE64, "base64"),
        (_HEX, "hex"),
        (_ESCAPED, "escapes"),
        (_NUMBERS, "numbers"),
    ):
        for match in pattern.finditer(source.text):
            pieces += 1
            if pieces > MAX_PIECES:
                return
            # A path or a long name is made of the same characters, and says nothing decoded.
            if code == "base64" and len(match[0]) < _MAX_NAME and _WORDS.fullmatch(match[0]):
                continue
            before = source.text[max(0, match.start() - 60) : match.start()]
            if any(kind in before for kind in _IMAGE):
                continue
            codes, said = _undone(match[0], code)
            if said:
                yield source.within(_guess(said), said, match.start(), *codes)


def _undone(piece: str, code: str) -> tuple[tuple[str, ...], str]:
    data = _bytes(piece, code)
    if data is None:
        return (), ""
    if code == "base64" and (packed := inflate(data)):
        return (code, "compression"), decoded_text(packed)
    if said := decoded_text(data):
        return (code,), said
    if code == "base64":  # written backwards, which is a common second veil
        back = _bytes(piece.rstrip("=")[::-1], code)
        if back and (said := decoded_text(inflate(back) or back)):
            return ("reversal", code), said
    return (), ""


def _bytes(piece: str, code: str) -> bytes | None:
    try:
        if code == "base64":
            padded = piece.rstrip("=")
            padded += "=" * (-len(padded) % 4)
            return base64.b64decode(padded, b"-_" if "-" in piece or "_" in piece else None)
        if code == "hex":
            return bytes.fromhex(piece)
        if code == "numbers":
            return bytes(int(one) for one in piece.split(","))
        return bytes(int(a, 16) if a else int(b, 8) for a, b in _ESCAPE.findall(piece))
    except (binascii.Error, ValueError):
        return None


def inflate(data: bytes) -> bytes | None:
    """What compressed bytes hold, to a bound; ``None`` where they are not compressed."""
    for bits, begins in _COMPRESSED:
        if not data.startswith(begins) or len(data) < _MIN_COMPRESSED:
            continue
        try:
            found = zlib.decompressobj(bits).decompress(data, MAX_DECODED)
        except zlib.error:
            continue
        if found:
            return found
    return None


def decoded_text(data: bytes) -> str:
    """Give bytes as text; empty where they are not text that says something."""
    data = data[:MAX_DECODED]
    for encoding in ("utf-16-le", "utf-8") if data[1:2] == b"\0" else ("utf-8",):
        try:
            said = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        fine = sum(one.isprintable() or one in "\n\r\t" for one in said)
        if fine >= 0.97 * len(said) and _WORDY.search(said):
            return said
    return ""


def _guess(said: str) -> Language:
    if re.search(r"\bIEX\b|New-Object|Invoke-|\bpowershell\b", said):
        return "powershell"
    if re.search(
        r"(?m)^\s*(?:import |from \w+ import|def |__import__)|\bexec\(|\bos\.system\(|\.urlopen\(",
        said,
    ):
        return "python"
    if re.search(r"\brequire\(|\bfetch\(|=>|\bconst |\bfunction\b", said):
        return "js"
    if re.search(r"\b(?:curl|wget|bash|sh|chmod|rm|nc|base64|eval|crontab)\b.*[\s|/-]", said):
        return "shell"
    return "prose"
