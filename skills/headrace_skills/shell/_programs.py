"""Programs whose arguments can start other programs: what they may be given.

A program that is not named here may be given any arguments.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from headrace_skills.shell._awk import check_awk
from headrace_skills.shell._errors import refuse
from headrace_skills.shell._options import Options, read_options
from headrace_skills.shell._rules import words_of
from headrace_skills.shell._sed import check_sed
from headrace_skills.shell._wrappers import WRAPPERS, check_wrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace_skills.shell._errors import Place
    from headrace_skills.shell._words import Word
    from headrace_skills.shell._wrappers import Calls

__all__ = ["check_arguments"]


_SED = Options(
    "its scripts can run commands and write files",
    flags="nErsuz",
    values="el",
    attached="i",
    long=words_of(
        "quiet silent regexp-extended separate unbuffered null-data in-place posix debug sandbox"
    ),
    long_values=words_of("expression line-length"),
)
_AWK = Options("its programs can run commands", values="Fv", mixed=False)
_SORT = Options(
    "--compress-program runs a program",
    flags="bdfgiMhnRrVcCmsuz",
    values="kSotT",
    long=words_of(
        "ignore-leading-blanks dictionary-order ignore-case general-numeric-sort "
        "ignore-nonprinting month-sort human-numeric-sort numeric-sort random-sort "
        "reverse version-sort check merge "
        "stable unique zero-terminated debug help version"
    ),
    long_values=words_of(
        "key buffer-size output field-separator temporary-directory sort batch-size parallel"
    ),
)
_SPLIT = Options(
    "--filter runs a command",
    flags="deuxz",
    values="abClnt",
    long=words_of("elide-empty-files verbose numeric-suffixes hex-suffixes unbuffered"),
    long_values=words_of("suffix-length additional-suffix bytes line-bytes lines number separator"),
    digits=True,
)
_TAR = Options(
    "its options can run programs, and a name with a colon is another machine",
    flags="ctxrujJzavkpOhmSU",
    values="fCX",
    long=words_of(
        "create list extract get append update gzip bzip2 xz auto-compress verbose keep-old-files "
        "preserve-permissions to-stdout dereference touch no-same-owner no-same-permissions "
        "wildcards no-wildcards anchored no-anchored exclude-vcs numeric-owner totals sparse "
        "overwrite skip-old-files one-file-system no-recursion sort owner group mode mtime format"
    ),
    long_values=words_of("file directory exclude exclude-from strip-components transform xform"),
)
_RG = Options(
    "--pre runs a program",
    flags="acFHhiIlLnNopPqsSuUvwx0",
    values="ABCdeEfgjmMrtT",
    long=words_of(
        "count count-matches files files-with-matches files-without-match fixed-strings heading "
        "hidden ignore-case invert-match json line-number line-regexp multiline no-filename "
        "no-heading no-ignore no-line-number null only-matching pcre2 quiet smart-case sort stats "
        "text trim type-list unrestricted vimgrep with-filename word-regexp color"
    ),
    long_values=words_of(
        "after-context before-context context glob iglob max-columns max-count max-depth regexp "
        "replace type type-not file encoding threads"
    ),
)
_GIT = Options("git starts programs that options and configuration name", mixed=False)
_GIT_SUBCOMMANDS = words_of(
    "blame branch cat-file describe diff diff-tree grep log ls-files ls-tree merge-base name-rev "
    "rev-list rev-parse shortlog show show-ref status"
)
_GIT_REFUSED = re.compile(r"--(?:ext|textc|out|op|pag|edit|show-s)|-O")


def _sort(words: Sequence[Word], _calls: Calls) -> None:
    read_options("sort", _SORT, words)


def _split(words: Sequence[Word], _calls: Calls) -> None:
    read_options("split", _SPLIT, words)


def _rg(words: Sequence[Word], _calls: Calls) -> None:
    read_options("rg", _RG, words)


def _sed(words: Sequence[Word], _calls: Calls) -> None:
    read = read_options("sed", _SED, words)
    scripts = [word for key, word in read.options if key in ("e", "expression") and word]
    if not scripts and read.operands:
        scripts = read.operands[:1]
    check_sed(scripts)


def _awk(words: Sequence[Word], _calls: Calls) -> None:
    read = read_options("awk", _AWK, words)
    for key, value in read.options:
        # The name comes first, so that no value is taken for another variable.
        if key == "v" and value and not re.match(r"[A-Za-z_]\w*=", value.start):
            raise refuse("option", "awk -v needs a plain name: -v name=…", value.at)
    if read.operands:
        check_awk(read.operands[0])


def _tar(words: Sequence[Word], _calls: Calls) -> None:
    first = words[0] if words else None
    if first is not None and first.text and not first.text.startswith("-"):
        # The old form, tar czf FILE: values come in the following words.
        if any(letter not in _TAR.flags + "fC" for letter in first.text):
            raise refuse(
                "option", f"these letters of tar are not all allowed: {_TAR.why}", first.at
            )
        if "f" not in first.text or first.text.count("f") + first.text.count("C") > 1:
            raise refuse("option", "tar needs exactly one f here", first.at, "write tar -c -z -f")
        words = [_dashed(first, letter) for letter in first.text if letter != "f"] + [
            _dashed(first, "f"),
            *words[1:],
        ]
    for key, value in read_options("tar", _TAR, words).options:
        if value is None:
            continue
        archive = key in ("f", "file")
        if archive and (value.text is None or ":" in value.text):
            raise refuse(
                "option", "the archive of tar must be named in plain text, without a colon",
                value.at,
            )  # fmt: skip


def _dashed(word: Word, letter: str) -> Word:
    return replace(word, text=f"-{letter}", start=f"-{letter}")


def _git(words: Sequence[Word], _calls: Calls) -> None:
    operands = read_options("git", _GIT, words).operands
    if not operands:
        return
    name = operands[0]
    if name.text not in _GIT_SUBCOMMANDS:
        raise refuse(
            "option", f"git {name.shown} is not allowed: it may change or start something", name.at,
            f"allowed are: {' '.join(sorted(_GIT_SUBCOMMANDS))}",
        )  # fmt: skip
    for word in operands[1:]:
        if word.text == "--":
            return
        if word.splits or (word.text is None and not word.start and not word.number):
            raise refuse("option", f"{word.shown} may turn out to be an option of git", word.at,
                         "put -- before it")  # fmt: skip
        if _GIT_REFUSED.match(word.start):
            raise refuse("option", f"{word.shown} of git is not allowed: {_GIT.why}", word.at)


_RULES: dict[str, Callable[[Sequence[Word], Calls], None]] = {
    "sort": _sort,
    "split": _split,
    "sed": _sed,
    "awk": _awk,
    "gawk": _awk,
    "mawk": _awk,
    "nawk": _awk,
    "tar": _tar,
    "git": _git,
    "rg": _rg,
}


def check_arguments(name: str, at: Place, words: Sequence[Word], calls: Calls) -> None:
    """Check what a program is given.

    Raises:
        ShellRefusedError: It could start another program by it that is not allowed.
    """
    rule = _RULES.get(name)
    if rule is not None:
        rule(words, calls)
    elif name in WRAPPERS:
        check_wrapper(name, at, words, calls)
