"""Commands as scripts that a shell runs word for word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Beside", "script"]

_VARIABLE = re.compile(r"\{(here|session)\}")


@dataclass(frozen=True, slots=True)
class Beside:
    """A word in which ``{here}`` is the script's folder, and ``{session}`` its first argument."""

    text: str
    """The word: its other parts hold nothing that a shell reads."""


def script(purpose: Sequence[str], check: str, words: Sequence[str | Beside]) -> str:
    """A script that starts one program.

    Args:
        purpose: What it does and why so, a comment line each.
        check: Lines that see to it that what it needs is there.
        words: The program's arguments; the program itself is Flink's own command.
    """
    comments = "".join(f"# {line}".rstrip() + "\n" for line in purpose)
    command = " \\\n    ".join(['exec "$FLINK_HOME/bin/flink"', *map(_word, words)])
    return f"#!/usr/bin/env bash\n{comments}set -euo pipefail\n\n{check.strip()}\n\n{command}\n"


def _word(word: str | Beside) -> str:
    if isinstance(word, str):
        return quote(word)
    return '"' + _VARIABLE.sub(r"$\1", word.text) + '"'
