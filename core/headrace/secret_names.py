"""Names that tell of a secret, and texts that are one by their look. Imports nothing of ours."""

from __future__ import annotations

import re

__all__ = ["REDACTED", "secret_name", "without_secrets"]

REDACTED = "[redacted]"
"""What stands where a secret was."""

_SECRET = re.compile(
    r"(?:^|[-_.])(?:password|passwd|passphrase|secret|token|apikey|authorization|cookie|dsn"
    r"|credentials?|(?:api|access|private|secret)[-_.]?key)(?:$|[-_.])"
)
_ELSEWHERE = re.compile(r"[-_.](?:env|file|path|folder|url|uri|name)$")  # where it is, not what
_SECRETS = re.compile(
    r"(?i:\b(bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
    r"|\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bAKIA[0-9A-Z]{16}\b"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)


def secret_name(name: str) -> bool:
    """Whether a name tells of a secret, which does not belong into a plan."""
    plain = name.lower()
    return _SECRET.search(plain) is not None and _ELSEWHERE.search(plain) is None


def without_secrets(text: str) -> tuple[str, int]:
    """A text without what looks like a secret, and how often there was something.

    That are keys with the marks of well-known services, bearer tokens, passwords in addresses,
    private keys and JSON web tokens.
    """
    return _SECRETS.subn(lambda found: f"{found[1]} {REDACTED}" if found[1] else REDACTED, text)
