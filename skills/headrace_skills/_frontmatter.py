"""The frontmatter of a SKILL.md: read leniently, and without trust in who wrote it.

Values are built from the parser's events and not by a YAML constructor: every scalar stays the
text that its author wrote (``1.10`` is no float, a date that cannot be is no error), nothing is
shared, and depth and count are bounded before anything is built.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from headrace_skills.errors import SkillFormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "MAX_DEPTH",
    "MAX_FRONTMATTER",
    "MAX_NODES",
    "Document",
    "events_of",
    "parse_document",
    "quoted",
]

MAX_FRONTMATTER = 64 * 1024
"""Characters; the longest seen among 5,202 skills is a tenth of it."""
MAX_DEPTH = 16
MAX_NODES = 5_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # C: ten times as quick
_SURROGATE = re.compile("[\ud800-\udfff]")
_TOP = re.compile(r"([A-Za-z_][\w.-]*):[ \t]+(\S.*)")


@dataclass(frozen=True, slots=True)
class Document:
    """A SKILL.md in its two parts."""

    fields: dict[str, Any]
    """The frontmatter: texts, lists and mappings of them."""
    body: str
    """All that follows, with line feeds only."""
    warnings: tuple[str, ...] = ()
    """What had to be read leniently."""


class _HostileError(SkillFormatError):
    """YAML that is refused for what it uses: it is not tried again."""


def parse_document(content: bytes) -> Document:
    """Take a SKILL.md apart.

    Raises:
        SkillFormatError: It has no frontmatter, or one that is not to be read.
    """
    text, first, body, warnings = _split(content)
    try:
        fields = _read(text, first)
    except yaml.YAMLError as error:
        mended = quoted(text)
        if mended == text or isinstance(error, yaml.reader.ReaderError):
            raise SkillFormatError(_what(error, first)) from None
        try:
            fields = _read(mended, first)
        except yaml.YAMLError:
            raise SkillFormatError(_what(error, first)) from None
        warnings.append(f"{_what(error, first)}; the value was read as if it stood in quotes")
    return Document(fields, body, tuple(warnings))


def _split(content: bytes) -> tuple[str, int, str, list[str]]:
    """The frontmatter, the line that it starts with, the body, and warnings."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SkillFormatError(f"it is not UTF-8 (byte {error.start})") from None
    warnings = []
    if text.startswith("\ufeff"):
        text = text[1:]
        warnings.append("it starts with a byte order mark")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    start = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if lines[start].rstrip() != "---":
        raise SkillFormatError("it has no frontmatter: its first line is not ---")
    if start:
        warnings.append("blank lines stand before its frontmatter")
    for number in range(start + 1, len(lines)):
        if lines[number].rstrip() == "---":
            front = "\n".join(lines[start + 1 : number])
            if len(front) > MAX_FRONTMATTER:
                raise SkillFormatError(
                    f"its frontmatter has {len(front):,} characters, more than {MAX_FRONTMATTER:,}"
                )
            body = "\n".join(lines[number + 1 :]).strip("\n")
            return front, start + 2, body, warnings
    raise SkillFormatError("its frontmatter is not closed: no second --- line")


def _read(text: str, first: int) -> dict[str, Any]:
    events = _checked(text, first)
    event = next(events, None)
    if event is None:
        return {}
    value = _value(event, events, first)
    for _ in events:
        pass  # what follows is looked at too, and refused
    if not isinstance(value, dict):
        raise SkillFormatError("its frontmatter is not made of NAME: VALUE lines")
    return value


def events_of(text: str) -> Iterator[yaml.Event]:
    """Give YAML's events.

    Raises:
        yaml.YAMLError: It is no YAML.
    """
    events: Iterator[yaml.Event] = yaml.parse(text, Loader=_LOADER)
    return events if _LOADER is not yaml.SafeLoader else _escapes_checked(events)


def _escapes_checked(events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    """Refuse escapes that are no characters, as the C loader does by itself."""
    try:
        for event in events:
            if isinstance(event, yaml.ScalarEvent) and _SURROGATE.search(event.value):
                raise yaml.YAMLError("found an escape that is no character")
            yield event
    except (ValueError, OverflowError) as error:  # "\\UFFFFFFFF"
        raise yaml.YAMLError(f"found an escape that is no character ({error})") from None


def _checked(text: str, first: int = 1) -> Iterator[yaml.Event]:
    """The events that make up the one document, each looked at before it is used."""
    depth = nodes = documents = 0
    for event in events_of(text):
        line = _line(event, first)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise _HostileError(f"line {line}: a second YAML document in the frontmatter")
            continue
        if isinstance(event, (yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentEndEvent)):
            continue
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _HostileError(f"line {line}: YAML anchors and aliases are not taken")
        # Quoting a text gives it no tag; only an explicit one is told here.
        if getattr(event, "tag", None):
            raise _HostileError(f"line {line}: YAML tags are not taken")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        nodes += 1
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            raise _HostileError(
                f"line {line}: more than {MAX_DEPTH} levels or {MAX_NODES:,} values"
            )
        yield event


def _value(event: yaml.Event, events: Iterator[yaml.Event], first: int) -> Any:
    if isinstance(event, yaml.ScalarEvent):
        return event.value
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(_value(event, events, first))
        return items
    mapping: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        line = _line(event, first)
        if not isinstance(event, yaml.ScalarEvent):
            raise _HostileError(f"line {line}: a name must be one text")
        if event.value in mapping:
            raise _HostileError(f"line {line}: {event.value!r} is given a second time")
        mapping[event.value] = _value(next(events), events, first)
    return mapping


def _line(event: yaml.Event, first: int) -> int:
    return event.start_mark.line + first if event.start_mark else first


def quoted(text: str) -> str:
    """Put quotes around the top-level values that are no YAML as they stand.

    ``description: Use when: the user asks`` is the common one. Lines that are indented below such
    a value go on with it, as they do in YAML.
    """
    lines = text.split("\n")
    mended: list[str] = []
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        match = _TOP.fullmatch(line)
        if match is None or match[2][0] in "\"'|>":
            mended.append(line)
            continue
        value = match[2].rstrip()
        end = number
        while end < len(lines) and lines[end][:1] in (" ", "\t") and lines[end].strip():
            end += 1
        if not _needs_quotes(value):
            mended.append(line)
            continue
        value = " ".join([value, *(more.strip() for more in lines[number:end])])
        mended.append(match[1] + ": '" + value.replace("'", "''") + "'")
        mended += [""] * (end - number)  # so that line numbers stay
        number = end
    return "\n".join(mended)


def _needs_quotes(value: str) -> bool:
    if ": " in value or value.endswith(":"):
        return not value.startswith(("[", "{")) or not _stands_alone(value)
    return not _stands_alone(value)


def _stands_alone(value: str) -> bool:
    try:
        for _ in _checked(value):
            pass
    except _HostileError:
        return True  # it is YAML, and is refused as such
    except yaml.YAMLError:
        return False
    return True


def _what(error: yaml.YAMLError, first: int) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    where = f"line {mark.line + first}: " if mark is not None else ""
    return f"{where}its frontmatter is not YAML: {problem}"
