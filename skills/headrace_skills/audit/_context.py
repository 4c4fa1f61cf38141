"""Whether a text says something, or shows it: quotations, warnings, bad examples.

What only seems to be quoted is reported all the same, one floor lower: an author who means harm
can write quotation marks too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace_skills.audit._model import Severity

if TYPE_CHECKING:
    from headrace_skills.audit._hits import Hit
    from headrace_skills.audit._sources import Source

__all__ = ["About", "lowered"]

_SECURITY = re.compile(
    r"(?i)\b(?:secur\w*|injections?|vulnerab\w*|malicious|malware|threats?|attack\w*|forensic\w*"
    r"|pen(?:etration)?[- ]?tests?\w*|incidents?|compromis\w*|hidden characters|exploit\w*"
    r"|red[- ]team\w*|detect\w* (?:rules?|danger)|dangerous calls|secrets? scan\w*"
    r"|scan\w* .{0,30}secrets|adversar\w*)\b"
)
_WARNING = re.compile(
    r"(?i)\b(?:never|do not|don[\u2019']t|must not|avoid|bad|wrong|dangerous|unsafe|insecure"
    r"|malicious|attackers?|suspicious|hostile|reverse shells?|such as|things like|for example"
    r"|looks? like|is a sign|indicators?|asks? you to|tr(?:y|ies) to|refuse|instead of|reject)\b"
)
_BAD_LINE = re.compile(
    r"(?i)#\s*(?:bad|wrong|don[\u2019']t|do not|never|dangerous|unsafe|malicious)|❌"
)
_INSTALLERS = re.compile(
    r"https://(?:sh\.rustup\.rs|astral\.sh/|get\.docker\.com|bun\.sh/install|deno\.land/|get\.pnpm\.io/"
    r"|install\.python-poetry\.org|fnm\.vercel\.app|cli\.github\.com/"
    r"|raw\.githubusercontent\.com/(?:Homebrew|nvm-sh|pyenv)/)"
)
_DOWNLOADS = ("shell/download-to-shell", "shell/download-in-shell", "powershell/download-and-run")
_NEAR = 90
_QUOTES = "\"\u201c\u201d\u201e«»'\u2018\u2019`"


@dataclass(frozen=True, slots=True)
class About:
    """What a skill says of itself."""

    text: str
    """Its name and its description."""

    @property
    def security(self) -> bool:
        """Whether it is about attacks, so that it will name them."""
        return _SECURITY.search(self.text) is not None


def lowered(source: Source, hit: Hit, about: About) -> str:
    """Why a hit is likely to be shown and not said; empty where nothing speaks for it."""
    if source.decoded or source.role in ("hidden", "name") or hit.severity <= Severity.MEDIUM:
        return ""
    documents = source.language in ("prose", "markup") or source.role in ("fence", "inline")
    if not documents:
        return ""
    line = _line(source.text, hit.start)
    if hit.rule in _DOWNLOADS and _INSTALLERS.search(
        source.text[max(0, hit.start - 60) : hit.end + 60]
    ):
        return "the usual installer of a well-known project"
    if source.role == "fence":
        if _BAD_LINE.search(_line(source.text, hit.end - 1)) or _BAD_LINE.search(line):
            return "shown as a bad example"
        if _WARNING.search(source.before):
            return "shown after a warning"
        return "shown in a skill about security" if about.security else ""
    if source.role == "inline":
        return "" if _TOLD.search(source.before) and not about.security else "named in a sentence"
    before = source.text[max(0, hit.start - _NEAR) : hit.start]
    clause = re.split(r"[.!?;:]\s|\n\s*\n", before)[-1]
    if _WARNING.search(clause):
        return "named in a warning"
    if _is_quoted(source.text, hit) and (about.security or _WARNING.search(before)):
        return "quoted"
    if about.security and line.lstrip().startswith((">", "|")):
        return "quoted in a skill about security"
    return ""


_TOLD = re.compile(
    r"(?i)\b(?:run|execute|paste|type|enter|use|start|with|then|call|invoke)\b[^.!?]{0,60}$|^\s*\d+\.\s*$"
)


def _line(text: str, offset: int) -> str:
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    return text[start : len(text) if end < 0 else end]


def _is_quoted(text: str, hit: Hit) -> bool:
    before, behind = text[max(0, hit.start - 2) : hit.start + 1], text[hit.end - 1 : hit.end + 60]
    line = _line(text, hit.start)
    opened = any(one in before for one in _QUOTES) or line.lstrip().startswith(">")
    closed = any(one in behind for one in _QUOTES) or line.lstrip().startswith(">")
    return opened and closed
