"""What secrets look like: the forms that providers give them, and literals of telling names."""

from __future__ import annotations

import re

__all__ = ["ASSIGNED", "SECRET"]

SECRET = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"AKIA[0-9A-Z]{16}"
    r"|gh[pousr]_\w{20,}|github_pat_\w{20,}"
    r"|xox[abprs]-[\w-]{10,}"
    r"|sk-[\w-]{20,}"
    r"|AIza[\w-]{30,}"
    r"|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{5,})"
    r"|(?<=PRIVATE KEY-----)[\sA-Za-z0-9+/=]{16,}"
)
"""Keys and tokens of known providers, and private keys."""
ASSIGNED = re.compile(
    r"(?i)((?:password|passwd|secret|token|api_?key)\s*[=:]\s*[\"'])([^\"'$<{\s]{8,})([\"'])"
)
"""A literal that is given to a name such as ``password``: before it, itself, after it."""
