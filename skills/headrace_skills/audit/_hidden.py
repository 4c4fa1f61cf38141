"""Characters that are not seen, or that are not what they look like."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from headrace_skills.audit._hits import Hit, Seen
from headrace_skills.audit._model import Severity
from headrace_skills.audit._table import made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace_skills.audit._sources import Source

__all__ = ["plain", "read_hidden"]

_TAGS = re.compile("[\U000e0000-\U000e007f]+")
_FLAG = re.compile("[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}")
_NO_WIDTH = (
    "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\u180e\ufeff"
    "\u00ad\u034f\u3164\u115f\u1160\uffa0"
)
_NO_WIDTHS = re.compile(f"[{_NO_WIDTH}]+")
_JOINERS = "\u200c\u200d"
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_MARKS = re.compile("[\u200e\u200f\u061c]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]+")
_SPACE = re.compile(r"\s{60,}")
_ASIDE, _BELOW = 150, 60  # blanks before a text, lines above it
_HOST = re.compile(r"https?://([^\s/\"'<>)\]`]+)", re.IGNORECASE)
_ANY_HIDDEN = re.compile(
    f"[{_NO_WIDTH}\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufe00-\ufe0f\U000e0000-\U000e01ef]+"
)

# Letters of other scripts that look like Latin ones, each beside what it looks like.
_LOOKS = (
    "аaеeоoрpсcуyхxіiјjѕsԁdһhӏlԛqԝwАAВBЕEКKМMНHОOРPСCТTХXІIЈJЅSοoΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXνv"  # noqa: RUF001
)
_LIKE = dict(zip(_LOOKS[::2], _LOOKS[1::2], strict=True))
_LATIN = {ord(other): latin for other, latin in _LIKE.items()} | {0x2019: "'", 0x00A0: " "}
_MIXED = re.compile(rf"\b(?=\w*[A-Za-z])(?=\w*[{''.join(_LIKE)}])[^\W\d_]{{3,}}\b")

_CODE = ("python", "shell", "js", "powershell")
_BYTE = 8
_SHOWN = 60
_KINDS = 3  # zero, one, and what parts them
_CARRIES = 4  # bytes that say something
_MESSAGE = 12  # invisible characters in a row: no script of the world needs so many


def plain(text: str) -> tuple[str, list[int] | None]:
    """Give a text as it looks: without what is not seen, look-alikes as Latin letters.

    Returns:
        The text, and for each character where it stood; ``None`` where all stand as they did.
    """
    if text.isascii():
        return text, None
    seen = text.translate(_LATIN)
    pieces: list[str] = []
    kept: list[int] = []
    end = 0
    for match in _ANY_HIDDEN.finditer(seen):
        pieces.append(seen[end : match.start()])
        kept += range(end, match.start())
        end = match.end()
    if not pieces:
        return seen, None
    return "".join((*pieces, seen[end:])), [*kept, *range(end, len(seen))]


def read_hidden(source: Source) -> Iterator[Hit | Seen | Source]:
    """Find what a text hides in its characters."""
    text = source.text
    if text.isascii() and text.isprintable():
        return
    yield from _controls(source)
    for match in _SPACE.finditer(text):
        aside = len(match[0]) - match[0].rfind("\n") - 1
        if match.end() < len(text) and (aside >= _ASIDE or match[0].count("\n") >= _BELOW):
            yield made("hidden/pushed-aside", match.end(), match.end() + 1)
    if text.isascii():
        return
    yield from _tags(source)
    yield from _selectors(source)
    yield from _widths(source)
    yield from _directions(source)
    yield from _look_alikes(source)


def _message(source: Source, start: int, text: str, code: str) -> Iterator[Seen | Source]:
    yield Seen("hides", code, start)
    if text.strip():
        yield replace(source.within("prose", text, start, code), role="hidden")


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _tags(source: Source) -> Iterator[Hit | Seen | Source]:
    for match in _TAGS.finditer(source.text):
        before = source.text[match.start() - 1 : match.start()]
        if before == "\U0001f3f4" and _FLAG.fullmatch(match[0]):
            continue  # the flag of England, Scotland or Wales
        said = "".join(said for one in match[0] if (said := chr(ord(one) - 0xE0000)).isprintable())
        yield made("hidden/tag-characters", match.start(), match.end(), _short(said))
        yield from _message(source, match.start(), said, "tag characters")


def _selectors(source: Source) -> Iterator[Hit | Seen | Source]:
    for match in _SELECTORS.finditer(source.text):
        data = bytes(ord(one) - (0xFE00 if one <= "\ufe0f" else 0xE00F0) for one in match[0])
        said = data.decode("utf-8", "replace")
        severity = None if len(data) >= _CARRIES else Severity.MEDIUM
        span = match.span()
        yield made("hidden/variation-selectors", *span, _short(said), severity=severity)
        if len(data) >= _CARRIES:
            yield from _message(source, match.start(), said, "variation selectors")


def _widths(source: Source) -> Iterator[Hit | Seen | Source]:
    text = source.text
    scattered = 0
    for match in _NO_WIDTHS.finditer(text):
        start, end = match.span()
        if start == 0 and match[0] == "\ufeff":
            continue  # a byte order mark
        if len(match[0]) >= _MESSAGE:
            said = _from_bits(match[0])
            yield made("hidden/message", start, end, _short(said or "?"))
            yield from _message(source, start, said, "characters without width")
            continue
        if match[0][-1] in _JOINERS and _joins(text[start - 1 : start], text[end : end + 1]):
            continue
        inside = text[start - 1 : start].isalnum() and text[end : end + 1].isalnum()
        if not inside or (match[0] == "\u00ad" and source.language not in _CODE):
            continue
        scattered += 1
        if scattered == 1:
            severity = Severity.HIGH if source.language in _CODE else None
            yield made("hidden/no-width", start, end, severity=severity)
            yield Seen("hides", "characters without width", start)


def _joins(before: str, after: str) -> bool:
    """Whether a joiner has something to join: emoji, or letters of a script that needs it."""

    def needs(one: str) -> bool:
        return bool(one) and (
            unicodedata.category(one) in ("So", "Sk", "Mn", "Mc")
            or (one.isalpha() and one >= "\u0590")
        )

    return needs(before) or needs(after)


def _from_bits(text: str) -> str:
    kinds = sorted(set(text), key=text.index)
    if len(kinds) > _KINDS:
        return ""
    for zero in kinds[:2]:
        bits = "".join("0" if one == zero else "1" for one in text)
        data = bytes(int(bits[n : n + _BYTE], 2) for n in range(0, len(bits) - _BYTE + 1, _BYTE))
        said = data.decode("utf-8", "replace")
        if said and sum(one.isprintable() for one in said) > 0.9 * len(said) and said.isascii():
            return said
    return ""


def _directions(source: Source) -> Iterator[Hit | Seen]:
    text = source.text
    right = _RIGHT_TO_LEFT.search(text) is not None
    code = source.language in _CODE
    reported = False
    for match in _BIDI.finditer(text):
        forced = match[0] in "\u202d\u202e"
        if reported or (right and not code and not forced):
            continue  # what such scripts need in mixed lines
        severity = None if code else Severity.HIGH if forced else Severity.MEDIUM
        yield made("hidden/order", *match.span(), severity=severity)
        yield Seen("hides", "characters that turn the order of the text", match.start())
        reported = True
    if not right and not reported and (mark := _MARKS.search(text)):
        yield made("hidden/order-mark", *mark.span())


def _controls(source: Source) -> Iterator[Hit]:
    match = _CONTROL.search(source.text)
    if match and source.language != "data":
        yield made("hidden/control", *match.span())


def _look_alikes(source: Source) -> Iterator[Hit]:
    text = source.text
    hosts: list[tuple[int, int]] = []
    for match in _HOST.finditer(text):
        if any(one in _LIKE for one in match[1]):
            hosts.append(match.span())
            yield made("hidden/host", *match.span())
    for match in _MIXED.finditer(text):
        if any(start <= match.start() < end for start, end in hosts):
            continue
        severity = Severity.HIGH if source.language in _CODE else None
        yield made("hidden/mixed-scripts", *match.span(), severity=severity)
