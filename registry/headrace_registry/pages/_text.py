"""Texts that other people wrote, made fit to be shown: whole, visible and bounded."""

from __future__ import annotations

import re

__all__ = ["cut", "day", "kind_label", "size", "slug", "visible"]

# What is not seen, or moves what is: controls, bidi marks and overrides, zero widths, fillers,
# tags, private use, surrogates. Written out and not asked of unicodedata, whose tables differ
# between Pythons: the same catalogue must give the same pages. The joiners U+200C and U+200D stay:
# Persian, Indic scripts and emoji are written with them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b"
    "\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ue000-\uf8ff\ufeff\uffa0"
    "\ufff0-\ufffb\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_NOT_IN_SLUGS = re.compile(r"[^\w\- ]+")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")

_KINDS = {
    "": "Package",
    "skills": "Skills",
    "tools": "Tools",
    "chat_models": "Chat models",
    "embedding_models": "Embedding models",
    "vector_stores": "Vector stores",
    "memory": "Memory",
    "action_stores": "Action stores",
    "sandboxes": "Sandboxes",
    "sources": "Sources",
    "sinks": "Sinks",
    "hooks": "Hooks",
    "prompts": "Prompts",
}


def visible(text: str) -> str:
    """Writes out each character that is not seen, such as ``⟨U+202E⟩``."""
    return _UNSEEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)


def cut(text: str, most: int) -> str:
    """The text in at most so many characters, with an ellipsis where there was more."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def size(count: int) -> str:
    """Bytes in a unit that is read easily."""
    if count < 1000:  # noqa: PLR2004 - the unit
        return f"{count} bytes" if count != 1 else "1 byte"
    amount, units = float(count), iter(("kB", "MB", "GB", "TB"))
    unit = ""
    while amount >= 999.5 and (following := next(units, "")):  # noqa: PLR2004 - rounds to 1000
        amount, unit = amount / 1000, following
    return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:.0f} {unit}"  # noqa: PLR2004


def day(moment: str) -> str:
    """The day of a time as the catalogue has it; nothing where it is none."""
    found = _DAY.match(moment)
    return found[0] if found else ""


def kind_label(kind: str) -> str:
    """What people call a kind of plugin."""
    return _KINDS.get(kind) or visible(cut(kind.replace("_", " "), 40)).capitalize()


def slug(text: str) -> str:
    """What a heading is linked to by, as the great hosts of Markdown make it."""
    return _NOT_IN_SLUGS.sub("", text.strip().lower()).replace(" ", "-")[:80]
