"""What the programs of shell scripts do with their input, files and words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headrace_skills.audit._table import names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from headrace_skills.audit._files import Language
    from headrace_skills.audit._shell_words import Word

__all__ = [
    "DOWNLOADERS",
    "SHELLS",
    "decodes",
    "given",
    "interprets",
    "language_of",
    "runs_input",
    "sends",
]

DOWNLOADERS = names("shell-downloaders")
SHELLS = frozenset(("sh", "bash", "zsh", "dash", "ksh", "ash", "fish"))
_SENDERS = names("shell-senders")
_INTERPRETERS = re.compile(r"(?:python|perl|ruby|node|php|deno|bun)[\d.]*")
_COPIES = frozenset(("cp", "sync", "copy", "create", "put-object"))


def language_of(name: str) -> Language | None:
    """The language of what a program runs; ``None`` where it runs none that is read here."""
    if name in SHELLS:
        return "shell"
    if name.startswith("python"):
        return "python"
    return "js" if name in ("node", "deno", "bun") else None


def interprets(name: str) -> bool:
    """Whether a program runs a script that is named to it."""
    return name in SHELLS or _INTERPRETERS.fullmatch(name) is not None


def runs_input(name: str, words: list[Word]) -> bool:
    """Whether a command runs what comes in by its standard input."""
    if not interprets(name):
        return False
    said = [word.plain for word in words]
    if "-s" in said or "/dev/stdin" in said or "-" in said:
        return True
    return not any(
        one in ("-c", "-e", "-m", "--version") or not one.startswith("-") for one in said
    )


def decodes(name: str, words: list[Word]) -> bool:
    """Whether a command undoes a code."""
    said = [word.plain for word in words]
    flags = "".join(one for one in said if one.startswith("-"))
    if name in ("base64", "base32", "basenc"):
        return bool(re.search(r"-\w*[dD]|--decode", flags))
    if name == "xxd":
        return "r" in flags
    if name == "openssl":
        return "-d" in said
    if name == "tr":
        return "n-za-m" in " ".join(said).lower() or "[n-z" in " ".join(said).lower()
    return name in ("rev", "uudecode", "zcat", "gunzip", "gzip") and (
        name != "gzip" or "d" in flags
    )


def given(words: list[Word], login: Collection[str] = ()) -> Iterator[str]:
    """The words of a command, without those that say what to leave out, or what to log in with."""
    leave = False
    for word in words:
        if leave or word.plain.startswith("--exclude"):
            leave = word.plain in ("--exclude", "--exclude-from")
        elif word.plain in ("-x", "--ignore") or word.plain in login:
            leave = True
        else:
            yield word.plain


def sends(name: str, words: list[Word]) -> bool:
    """Whether a command sends something to another machine."""
    if name == "git":
        return "push" in [word.plain for word in words[:2]]
    if name in ("aws", "gsutil", "rclone", "gh"):
        return any(word.plain in _COPIES for word in words)
    return name in _SENDERS
