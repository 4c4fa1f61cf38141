"""Where our verdict is not the reference validator's, on purpose, and why.

A difference is told by a feature of the input: where verdicts differ, one of these must apply.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["DIFFERENCES", "Difference"]


class Difference(NamedTuple):
    name: str
    why: str
    applies: Callable[[bytes], bool]
    example: bytes
    valid: bool
    """Our verdict on the example."""
    reference: bool | str
    """The reference's: valid or not, or the name of the error that it crashes with."""


def _text(data: bytes) -> str | None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _front(data: bytes) -> str:
    """What the reference takes for the frontmatter."""
    parts = (_text(data) or "").split("---", 2)
    return parts[1] if len(parts) == 3 else ""


def _cut_elsewhere(data: bytes) -> bool:
    text = _text(data) or ""
    at = text.find("---", 3)
    if not text.startswith("---") or at < 0:
        return False
    line = text[text.rfind("\n", 0, at) + 1 :].partition("\n")[0]
    return text.partition("\n")[0].rstrip() != "---" or line.rstrip() != "---"


def _has(pattern: str) -> Callable[[bytes], bool]:
    return lambda data: re.search(pattern, _front(data)) is not None


def _large(data: bytes) -> bool:
    import strictyaml

    if len(data) > 64 * 1024:
        return True
    try:
        return _depth(strictyaml.load(_front(data)).data) > 16
    except RecursionError:
        return True
    except Exception:  # noqa: BLE001 - it crashes on much, which is not this feature
        return False


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


def _skill(more: str = "", description: str = "Does things.") -> bytes:
    return f"---\nname: pdf-forms\ndescription: {description}\n{more}---\nDo it.\n".encode()


DIFFERENCES = (
    Difference(
        "not UTF-8",
        "the reference crashes; the standard's files are UTF-8 text",
        lambda data: _text(data) is None,
        _skill() + b"\xff",
        valid=False,
        reference="UnicodeDecodeError",
    ),
    Difference(
        "control characters",
        "the reference crashes; YAML allows none but tab and line ends",
        _has("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"),
        _skill(description="a\x07b"),
        valid=False,
        reference="AttributeError",
    ),
    Difference(
        "--- that is no line",
        "the reference ends the frontmatter at any three hyphens and drops the fields after them; "
        "the standard shows them on lines of their own",
        _cut_elsewhere,
        _skill("version: 1\n", description="fast --- safe"),
        valid=False,
        reference=True,
    ),
    Difference(
        "line separators",
        "YAML 1.1 ends lines at U+0085, U+2028, U+2029 and skips U+FEFF, YAML 1.2 does not, and "
        "the reference mixes both: no verdict would hold for other readers",
        _has("[\x85\u2028\u2029\ufeff]"),
        _skill("license: a\u2028b\n"),
        valid=False,
        reference=True,
    ),
    Difference(
        "a value without a name",
        "libyaml and most others refuse it; the standard maps names to values",
        _has(r"(?m)^[ \t-]*:(?:\s|$)"),
        _skill("metadata:\n  : a\n"),
        valid=False,
        reference=True,
    ),
    Difference(
        "a tab at the start of a block's line",
        "libyaml takes it for indentation, which YAML forbids; readers do not agree",
        _has(r"[|>][^\n]*\n(?:[^\n]*\n)*?[ ]*\t"),
        _skill("license: |\n \ta\n  b\n"),
        valid=False,
        reference=True,
    ),
    Difference(
        "bounds",
        "the reference reads without bounds, takes seconds or fails by recursion; ours are 64 KiB, "
        "16 levels and 5,000 values",
        _large,
        _skill("metadata:\n" + "".join(f"{' ' * n}k:\n" for n in range(1, 20)) + " " * 20 + "v\n"),
        valid=False,
        reference=True,
    ),
    Difference(
        "merges",
        "YAML 1.2 has no <<; the reference refuses it before a text, and before a mapping takes "
        "the fields in without looking at them",
        _has(r"(?m)^[ -]*<<[ ]*:"),
        _skill("<<:\n  version: a\n"),
        valid=False,
        reference=True,
    ),
    Difference(
        "a list as a name",
        "the reference crashes; names of fields are texts",
        _has(r"(?m)^\s*\?\s"),
        _skill("? - a\n"),
        valid=False,
        reference="AssertionError",
    ),
    Difference(
        "a comment between a name and its value",
        "the reference crashes over two comments in one place; YAML allows them",
        _has(r"(?:[:-]|[|>][-+1-9]*)\s+#"),
        _skill("license: # c\n  x\n  y\n\ncompatibility: z\n"),
        valid=True,
        reference="NotImplementedError",
    ),
)
