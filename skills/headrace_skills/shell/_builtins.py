"""What bash does itself: which of it is allowed, and with which arguments.

Several builtins evaluate a name that they are given: ``read 'a[$(command)]'`` runs the command. So
names must be plain, and no word that is only known at run time may come where a name or an
option that takes one may stand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from headrace_skills.shell._errors import refuse
from headrace_skills.shell._numbers import NAME
from headrace_skills.shell._options import Options, read_options
from headrace_skills.shell._rules import DEFAULT_BUILTINS, words_of
from headrace_skills.shell._variables import check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace_skills.shell._errors import Place
    from headrace_skills.shell._words import Word

__all__ = ["Shell", "check_builtin", "check_folder", "names_set"]


class Shell(Protocol):
    """What the rules of builtins ask of the rest."""

    def plain(self, words: Sequence[Word]) -> None:
        """Judge a command that no function takes the name of."""

    def has_function(self, name: str) -> bool:
        """Tell whether the text has a function of that name."""

    def check_path(self, path: str, at: Place, *, write: bool) -> None:
        """Check that a path leads to where redirections may go."""


_RUNS_TEXT = "it reads a text as commands"
_REFUSED = {
    "eval": ("runs-text", _RUNS_TEXT, "write the command itself"),
    "source": ("runs-text", _RUNS_TEXT, "write the commands themselves"),
    ".": ("runs-text", _RUNS_TEXT, "write the commands themselves"),
    "trap": ("runs-text", _RUNS_TEXT, "what is left over is removed anyway"),
    "alias": ("runs-text", "it gives a name another meaning", "write a function"),
    "exec": ("builtin", "it replaces bash", "write the command, or put the redirection behind it"),
    "enable": ("builtin", "it can load code", ""),
    "hash": ("builtin", "it gives a name another program", ""),
    "builtin": ("builtin", "it goes round functions", "write the command itself"),
    "let": ("arithmetic", "it is read as arithmetic and as words", "write (( … ))"),
    **dict.fromkeys(
        ("declare", "local", "typeset", "export", "readonly"),
        ("assignment", "it is hidden by quotes, or stands behind something", "write it plainly"),
    ),
    **dict.fromkeys(
        ("bg", "disown", "fg", "jobs", "kill", "suspend", "wait"),
        ("background", "nothing goes on in the background", ""),
    ),
    **dict.fromkeys(("pushd", "popd", "dirs"), ("builtin", "it is not known here", "use cd")),
}
_READ = Options(
    "it sets the variables that it is given", flags="rs", values="adnNptu",
)  # fmt: skip
_MAPFILE = Options("it can run a command", flags="t", values="dnOsu")
_CD = Options("it may lead out", flags="LP")
_UNSET = Options("names are evaluated", flags="v")
_SHOPT = Options("it changes how commands are read", flags="squ")
_SHOPT_NAMES = frozenset(
    ("dotglob", "failglob", "globstar", "nocaseglob", "nocasematch", "nullglob")
)
_SET_LETTERS = frozenset("efuvxC")
_SET_NAMES = frozenset(
    ("errexit", "noclobber", "noglob", "nounset", "pipefail", "verbose", "xtrace")
)
_SETS = re.compile(r"%[^A-Za-z%]*(?:[hjlLtz]+)?n")
_UNARY = frozenset(f"-{letter}" for letter in "abcdefghkprstuwxzGLNOSon") | {"!"}
_BINARY = words_of("= == != < > -eq -ne -lt -le -gt -ge -nt -ot -ef -a -o")


def check_builtin(name: str, at: Place, words: Sequence[Word], shell: Shell) -> None:
    """Check a builtin, and what it is given.

    Raises:
        ShellRefusedError: It is not allowed, or not with that.
    """
    if name in _REFUSED or name not in DEFAULT_BUILTINS:
        rule, why, instead = _REFUSED.get(name, ("builtin", "it is not among the allowed ones", ""))
        raise refuse(rule, f"{name} of bash is not allowed: {why}", at, instead)
    check = _RULES.get(name)
    if check is not None:
        check(name, at, words, shell)


def names_set(name: str | None, words: Sequence[str | None]) -> set[str]:
    """The names that a command may set to any text, by what is known of its words."""
    if not {name, *words} & {"read", "mapfile", "readarray", "printf"}:
        return set()
    found = set()
    for word in words:
        for begin in range(min(len(word or ""), 80)):
            if NAME.fullmatch((word or "")[begin:]):
                found.add((word or "")[begin:])
    return found


def _names(name: str, words: Sequence[Word], shell: Shell, *, unset: bool = False) -> None:
    for word in words:
        if word.text is None:
            raise refuse(
                "computed",
                f"{name} needs plain names: bash evaluates what {word.shown} is",
                word.at,
            )
        check_name(word.text, word.at)
        if unset and shell.has_function(word.text):
            raise refuse("function", f"{word.text} is a function: it stays", word.at)


def _read(name: str, _at: Place, words: Sequence[Word], shell: Shell) -> None:
    read = read_options(name, _READ, words)
    lists = [value for key, value in read.options if key == "a" and value is not None]
    _names(name, [*lists, *read.operands], shell)


def _mapfile(name: str, _at: Place, words: Sequence[Word], shell: Shell) -> None:
    _names(name, read_options(name, _MAPFILE, words).operands, shell)


def _unset(name: str, _at: Place, words: Sequence[Word], shell: Shell) -> None:
    _names(name, read_options(name, _UNSET, words).operands, shell, unset=True)


def _cd(name: str, at: Place, words: Sequence[Word], shell: Shell) -> None:
    operands = read_options(name, _CD, words).operands
    check_folder(operands, at, shell)


def check_folder(operands: Sequence[Word], at: Place, shell: Shell) -> None:
    """Check where ``cd`` goes: redirections are held against where it may be.

    Raises:
        ShellRefusedError: It may lead out, or is not known.
    """
    if len(operands) > 1:
        raise refuse("redirection", "cd takes one folder", at)
    for word in operands:
        if word.text is None or word.text == "-":
            raise refuse(
                "redirection", f"where cd {word.shown} leads is not known", word.at,
                "name the folder in plain text, or give programs the path",
            )  # fmt: skip
        shell.check_path(word.text, word.at, write=False)


def _printf(name: str, _at: Place, words: Sequence[Word], shell: Shell) -> None:
    left = list(words)
    while left:
        word = left.pop(0)
        if word.text == "-v":
            _names(name, left[:1], shell)
            left = left[1:]
            continue
        if word.text == "--":
            return
        if word.vanishes or word.start.startswith("-") or (word.text is None and not word.start):
            raise refuse(
                "option",
                f"{word.shown} may be an option of printf, by which it evaluates a name",
                word.at,
                "write printf '%s\\n' \"$value\"",
            )
        # %n sets a variable: to the count of what was printed, and PATH too.
        if left and (word.text is None or _SETS.search(word.text.replace("%%", ""))):
            raise refuse(
                "option", f"the format {word.shown} of printf may hold %n, which sets a variable",
                word.at, "write printf '%s\\n' \"$value\"",
            )  # fmt: skip
        return


def _test(name: str, at: Place, words: Sequence[Word], _shell: Shell) -> None:
    given = list(words)
    if name == "[":
        if not given or given[-1].text != "]":
            raise refuse("test", "there is no ] at its end", at)
        given.pop()
    for word in given:
        if word.splits or word.many:
            raise refuse(
                "test",
                f"{word.shown} may become several words, and an operator that evaluates a name",
                word.at,
                'put double quotes round it: [ "$x" = y ]',
            )
    if not _is_known_test([word.text for word in given]):
        raise refuse(
            "test",
            "a test must have its operator in plain text, and -v evaluates the name that it tests",
            at,
            'write one test in each pair of brackets: [ -f "$x" ] && [ "$y" -gt 1 ]',
        )


def _is_known_test(given: Sequence[str | None]) -> bool:
    """Whether it is a test that POSIX settles by the number of its words."""
    match given:
        case [] | [_]:
            return True
        case [operator, _]:
            return operator in _UNARY
        case [first, operator, _]:
            return operator in _BINARY or (first == "!" and operator in _UNARY)
        case ["!", _, operator, _]:
            return operator in _BINARY
    return False


def _set(_name: str, _at: Place, words: Sequence[Word], _shell: Shell) -> None:
    left = list(words)
    while left:
        word = left.pop(0)
        text = word.text
        if text is None or word.splits:
            raise refuse(
                "option", f"{word.shown} may become an option of set", word.at, "write set -- …"
            )
        if text == "--" or text[:1] not in ("-", "+"):
            return
        for letter in text[1:]:
            if letter == "o":
                chosen = left.pop(0) if left else None
                if chosen is not None and chosen.text in _SET_NAMES:
                    continue
            elif letter in _SET_LETTERS:
                continue
            raise refuse(
                "builtin", f"set {text} is not allowed: it may change how commands are read",
                word.at, "allowed are: set -e -f -u -v -x -C -o pipefail",
            )  # fmt: skip


def _shopt(name: str, _at: Place, words: Sequence[Word], _shell: Shell) -> None:
    for word in read_options(name, _SHOPT, words).operands:
        if word.text not in _SHOPT_NAMES:
            raise refuse(
                "builtin", f"shopt {word.shown} is not allowed: it may change what is read",
                word.at, f"allowed are: {' '.join(sorted(_SHOPT_NAMES))}",
            )  # fmt: skip


def _command(_name: str, at: Place, words: Sequence[Word], shell: Shell) -> None:
    if words and words[0].text in ("-v", "-V"):
        return
    if words and words[0].text == "--":
        words = words[1:]
    if words and words[0].text is not None and words[0].text.startswith("-"):
        raise refuse("option", "command takes only -v here", at, "write the command itself")
    if words:
        shell.plain(words)


_RULES: dict[str, Callable[[str, Place, Sequence[Word], Shell], None]] = {
    "read": _read,
    "mapfile": _mapfile,
    "readarray": _mapfile,
    "unset": _unset,
    "cd": _cd,
    "printf": _printf,
    "test": _test,
    "[": _test,
    "set": _set,
    "shopt": _shopt,
    "command": _command,
}
