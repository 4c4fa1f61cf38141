"""A new skill, as one should look."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from headrace_skills.checking._names import name_faults, nearest_name
from headrace_skills.errors import SkillError, SkillPathError

__all__ = ["SkillNameError", "files_of_new", "write_new"]

_SKILL = """\
---
name: {name}
description: {description}
metadata:
  version: "0.1.0"
---

# {title}

State in one sentence what the result looks like when the work is done well.

## Steps

1. Say what to look at first, and where to find it.
{step}
3. Say how to check the result, and what to do when it is not right.

## Examples

Show one request and the answer to it, in the form that you want.

## More

Read [references/details.md](references/details.md) only when the request needs it.
"""
_PLAIN_STEP = "2. Say what to do, one action a line, with the commands to use."
_SCRIPT_STEP = """\
2. Count what a text holds: run `scripts/count.py` with the text on its standard input. It prints
   JSON, with `lines`, `words` and `characters`. (`scripts/count.py --help` tells its options.)"""
_DETAILS = """\
# Details

What is long and seldom needed stands here: tables, formats, special cases. A model reads this
file only when SKILL.md sends it here, so it costs nothing until then.
"""
_SCRIPT = '''\
#!/usr/bin/env python3
# /// script
# requires-python = ">=3.10"
# dependencies = []
# ///
"""Counts the lines, words and characters of a text, and prints them as JSON."""

import argparse
import json
import sys


def count(text: str) -> dict[str, int]:
    """Count what a text holds."""
    return {
        "lines": len(text.splitlines()),
        "words": len(text.split()),
        "characters": len(text),
    }


def main() -> None:
    """Read a file, or standard input, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", help="the file to read (standard input if left out)")
    given = parser.parse_args()
    if given.file:
        with open(given.file, encoding="utf-8") as opened:
            text = opened.read()
    else:
        text = sys.stdin.read()
    print(json.dumps(count(text)))


if __name__ == "__main__":
    main()
'''


class SkillNameError(SkillError):
    """A name that no skill can have.

    Attributes:
        nearest: One that is right and looks like it.
    """

    def __init__(self, name: str, why: str = "") -> None:
        super().__init__(name, why)  # it is pickled by these
        self.nearest = nearest_name(name)

    def __str__(self) -> str:
        name, why = self.args
        return f"{name!r} cannot be the name of a skill: {why}"


def files_of_new(
    name: str, description: str | None = None, *, script: bool = False
) -> dict[str, str]:
    """Give the files of a new skill, by path.

    Args:
        name: Its name.
        description: What it does and when to use it; one to be rewritten if None.
        script: Whether it has a script.

    Raises:
        SkillNameError: The name is none.
    """
    for _, message in name_faults(name):
        raise SkillNameError(name, message)
    if not name.strip():
        raise SkillNameError(name, "it is empty")
    words = name.replace("-", " ")
    text = description or f"Handles {words}. Use when the user asks for {words}."
    text = " ".join(text.split())
    # Three hyphens end the frontmatter for some readers, in quotes as well.
    quoted = json.dumps(text, ensure_ascii=False).replace("---", "\\u002d--")
    files = {
        "SKILL.md": _SKILL.format(
            name=name,
            description=quoted,
            title=words.capitalize(),
            step=_SCRIPT_STEP if script else _PLAIN_STEP,
        ),
        "references/details.md": _DETAILS,
    }
    if script:
        files["scripts/count.py"] = _SCRIPT
    return files


def write_new(into: Path, name: str, files: dict[str, str]) -> Path:
    """Write a new skill, whole or not at all, and give its folder.

    Raises:
        SkillPathError: The folder is there already.
        OSError: It cannot be written.
    """
    folder = into / name
    if os.path.lexists(folder):
        raise SkillPathError(f"{str(folder)!r} is there already")
    into.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=into))
    try:
        for path, text in files.items():
            file = unfinished / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
            if text.startswith("#!"):
                file.chmod(0o755)
        umask = os.umask(0)
        os.umask(umask)
        unfinished.chmod(0o777 & ~umask)
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return folder
