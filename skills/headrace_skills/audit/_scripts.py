"""Scripts in other languages: what can be told without reading them as their interpreter does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headrace_skills.audit._hits import Seen
from headrace_skills.audit._rules import phrase
from headrace_skills.audit._table import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace_skills.audit._sources import Source

__all__ = ["read_script"]

_URL = re.compile(r"(?:https?|wss?)://([^\s/\"'`<>)\]${}|;]+)")
_SENDS = re.compile(
    r"\b(?:fetch\s*\(|https?\.request\b|axios\b|XMLHttpRequest\b|net\.connect\b|WebSocket\s*\(|got\s*[.(]"
    r"|Invoke-WebRequest\b|Invoke-RestMethod\b|UploadString\b|UploadFile\b)"
)
_MODULE = re.compile(
    r"(?:\brequire\(\s*|\bfrom\s+|^\s*import\s+)[\"']([^\"'./][^\"']*)[\"']", re.MULTILINE
)
_OF_NODE = names("node-modules")
_VARIABLE = re.compile(r"\bprocess\.env\.([A-Za-z_]\w*)|\$env:([A-Za-z_]\w*)")


def read_script(source: Source) -> Iterator[Seen]:
    """Find what a script in JavaScript or PowerShell reaches, takes in and reads."""
    if source.language not in ("js", "powershell"):
        return
    text = source.text
    for match in _URL.finditer(text):
        yield Seen("reaches", match[1].rpartition("@")[2], match.start())
    for match in _VARIABLE.finditer(text):
        yield Seen("reads", f"${match[1] or match[2]}", match.start())
    if sends := _SENDS.search(text):
        yield Seen("sends", sends[0].strip("( "), sends.start())
    if source.language == "js":
        for match in _MODULE.finditer(text):
            name = match[1].removeprefix("node:")
            package = "/".join(name.split("/")[: 2 if name.startswith("@") else 1])
            if package not in _OF_NODE and not match[1].startswith("node:"):
                yield Seen("installs", package, match.start())
    if taken := phrase("secret-file").search(text):
        yield Seen("takes", taken[0], taken.start())
