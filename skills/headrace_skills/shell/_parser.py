"""Reads a command as bash does, by ``shfmt`` (mvdan/sh), a program that comes as a wheel."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sysconfig
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from headrace_skills.shell._errors import Place, ShellRefusedError, refuse

__all__ = ["check_text", "parse", "parser_program"]

MAX_TREE = 16 * 1024 * 1024
"""Bytes of the tree that a command may have: 64 KiB of one-letter words would make 20 MB."""

# Other controls end a word in one parser and not in the other. What turns the direction of text
# round, or is not seen, would show a reader of the log another command than the one that is run.
# Joiners (U+200C and U+200D) stay: they are part of words of some scripts, and of emoji.
_CHARACTER = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
# Bash joins the lines first, and then sees what the two characters mean together.
_TORN = re.compile(r"[$<>({\[!#~]\\\n")
_COMPLAINT = re.compile(r"^(\d+|\?):(\d+|\?): (.*)", re.DOTALL)


@functools.cache
def parser_program() -> str:
    """The path of ``shfmt``, as the wheel installed it; no search path is asked.

    Raises:
        ShellRefusedError: It is not there.
    """
    name = "shfmt.exe" if os.name == "nt" else "shfmt"
    beside = Path(sysconfig.get_path("scripts")) / name
    if beside.is_file():
        return str(beside)
    from importlib import metadata  # where packages are not beside the interpreter

    with suppress(metadata.PackageNotFoundError):
        for file in metadata.files("shfmt-py") or ():
            found = Path(str(file.locate()))
            if file.name == name and found.is_file():
                return str(found.resolve())
    raise ShellRefusedError(
        "parser",
        "shfmt, which reads commands, is not installed",
        instead="install the package shfmt-py beside headrace-skills",
    )


def check_text(text: str, max_bytes: int) -> bytes:
    """Refuse what two parsers, or a parser and a reader, may take for different things.

    Raises:
        ShellRefusedError: It is empty, too long, or holds such a character.
    """
    found = _CHARACTER.search(text)
    if found is not None:
        code = f"U+{ord(found.group()):04X}"
        before = text[: found.start()]
        line = before.count("\n") + 1
        column = len(before.rpartition("\n")[2].encode("utf-8", "replace")) + 1
        instead = "end lines with a line feed alone" if found.group() == "\r" else ""
        raise ShellRefusedError(
            "character", f"the character {code} is not seen, or not the same to all", line, column,
            instead,
        )  # fmt: skip
    torn = _TORN.search(text)
    if torn is not None:
        line = text.count("\n", 0, torn.start()) + 1
        raise ShellRefusedError(
            "quoting", f"the line goes on in the middle of {torn.group()[0]}…", line, 0,
            "put a space before the backslash",
        )  # fmt: skip
    source = text.encode()
    if len(source) > max_bytes:
        raise ShellRefusedError(
            "size",
            f"the command has {len(source):,} bytes, over {max_bytes:,}",
            instead="put long input into stdin or a file",
        )
    if not text.strip():
        raise ShellRefusedError("syntax", "the command is empty")
    return source


def parse(source: bytes, seconds: float) -> dict[str, Any]:
    """Parse a command.

    Raises:
        ShellRefusedError: It is not bash, or took too long, or is too large to be judged.
    """
    # A file, and not a pipe: what is read back cannot hold up what is written.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as given:
        given.write(source)
        given.seek(0)
        try:
            done = subprocess.run(  # noqa: S603 - a program of our own, by its absolute path
                [parser_program(), "-ln=bash", "--to-json"],
                stdin=given,
                stdout=output,
                stderr=subprocess.PIPE,
                cwd="/",
                env={},
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise refuse(
                "parser",
                f"it took more than {seconds:g} seconds to read",
                Place(),
                "make it simpler",
            ) from None
        except OSError as error:
            raise refuse("parser", f"shfmt cannot be run: {error.strerror}", Place()) from None
        if done.returncode != 0:
            raise _complaint(done.stderr.decode("utf-8", "replace"))
        output.seek(0)
        data = output.read(MAX_TREE + 1)
    if len(data) > MAX_TREE:
        raise refuse("size", "it has too many parts to be judged", Place(), "make it shorter")
    return decoded(data)


def decoded(data: bytes) -> dict[str, Any]:
    """Read the tree.

    Raises:
        ShellRefusedError: It is no tree.
    """
    try:
        tree = json.loads(data)
    except RecursionError:
        raise refuse("size", "it is nested too deeply", Place(), "make it simpler") from None
    except ValueError:
        tree = None
    if not isinstance(tree, dict):
        raise refuse("parser", "shfmt gave no tree", Place())
    return tree


def _complaint(said: str) -> ShellRefusedError:
    said = said.removeprefix("<standard input>:").strip()
    if "exceeded max depth" in said:
        return refuse("size", "it is nested too deeply", Place(), "make it simpler")
    match = _COMPLAINT.match(said)
    if match is None:
        return refuse("syntax", f"it is not bash: {said[:200]}", Place())
    line, column = (int(one) if one != "?" else 0 for one in match.groups()[:2])
    return ShellRefusedError("syntax", f"it is not bash: {match[3][:200]}", line or 1, column)
