"""Which variables a command may set."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headrace_skills.shell._errors import refuse
from headrace_skills.shell._numbers import NAME
from headrace_skills.shell._rules import words_of

if TYPE_CHECKING:
    from headrace_skills.shell._errors import Place
    from headrace_skills.shell._words import Word

__all__ = ["check_exported", "check_name"]

_LOCALE = re.compile(r"C|POSIX|(?:C|[a-z]{2}_[A-Z]{2})\.(?:UTF-8|utf8)|")
_EXPORTED = {
    # A locale in which a backslash is the second half of a character would make bash read another
    # command than the one that was checked.
    **dict.fromkeys(
        words_of("LANG LC_ALL LC_COLLATE LC_CTYPE LC_MESSAGES LC_NUMERIC LC_TIME"), _LOCALE
    ),
    "TZ": re.compile(r"[A-Za-z0-9][A-Za-z0-9_+,:-]*(?:/[A-Za-z0-9_+-]+)*|"),
    "COLUMNS": re.compile(r"\d*"),
}
"""What a program may be given in its environment, and the values: whatever else may be a place to
load code from (``LD_PRELOAD``, ``PYTHONPATH``) or a command (``PAGER``, ``GIT_SSH_COMMAND``)."""

# What bash or the linker gives a meaning to, and what a sandbox sets. Names of variables that no
# program is given are otherwise free.
_MEANING = re.compile(
    r"(?:BASH|COMP|DYLD_|EPOCH|FUNC|GIT_|HIST|LC_|LD_|MAIL|OPT|PERL|PROMPT_|PS\d|PYTHON|READLINE_"
    r"|RUBY|NODE_|TEXTDOMAIN).*"
    r"|_|CDPATH|CHILD_MAX|COLUMNS|COPROC|DIRSTACK|EMACS|ENV|EUID|EXECIGNORE|FCEDIT|FIGNORE"
    r"|GLOBIGNORE|GLOBSORT|GROUPS|HOME|HOST(?:FILE|NAME|TYPE)|IFS|IGNOREEOF|INPUTRC|INSIDE_EMACS"
    r"|LANG(?:UAGE)?|LINENO|LINES|MACHTYPE|MAPFILE|OLDPWD|OSTYPE|PATH|PIPESTATUS|POSIXLY_CORRECT"
    r"|PPID|PWD|RANDOM|REPLY|SECONDS|SHELL(?:OPTS)?|SHLVL|SRANDOM|TERM(?:CAP|INFO)?|TIMEFORMAT"
    r"|TMOUT|TMPDIR|TZ|UID|USER|auto_resume|histchars|[a-z]*_?proxy|[A-Z]*_PROXY"
)


def check_name(name: str, at: Place) -> None:
    """Check that a variable may be set.

    Raises:
        ShellRefusedError: It is no name, or one with a meaning of its own.
    """
    if not NAME.fullmatch(name):
        raise refuse("assignment", f"{name[:80]!r} is not the name of a variable", at)
    if _MEANING.fullmatch(name):
        raise refuse(
            "assignment", f"the variable {name} has a meaning of its own", at, "use another name"
        )


def is_exported(name: str) -> bool:
    """Tell whether a variable may be given to programs."""
    return name in _EXPORTED


def check_exported(name: str, value: Word | None, at: Place) -> None:
    """Check that programs may be given a variable with a value.

    Raises:
        ShellRefusedError: They may not.
    """
    allowed = _EXPORTED.get(name)
    if allowed is None:
        raise refuse(
            "assignment",
            f"programs are not given the variable {name}",
            at,
            f"they may be given: {', '.join(sorted(_EXPORTED))}; give others as arguments",
        )
    text = "" if value is None else value.text
    if text is None or not allowed.fullmatch(text):
        raise refuse("assignment", f"this value of {name} is not allowed", at)
