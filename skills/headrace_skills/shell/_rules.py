"""What a command may use: data, with the reasons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DEFAULT_BUILTINS", "DEFAULT_COMMANDS", "UNREADABLE", "ShellRules"]


def words_of(text: str) -> frozenset[str]:
    """The words of a table."""
    return frozenset(text.split())


_GROUPS = {
    "print files, or parts of them": (
        "cat head tail tac nl rev fold fmt expand unexpand pr strings od xxd hexdump base64 base32"
    ),
    "choose, change and count lines": (
        "grep egrep fgrep cut paste join comm uniq tr wc column shuf tsort numfmt iconv"
    ),
    "compare": "cmp diff",
    "tell what is there": (
        "ls stat file du tree basename dirname realpath readlink pwd md5sum sha1sum sha224sum "
        "sha256sum sha384sum sha512sum b2sum cksum sum"
    ),
    "make, copy, move and remove files": "mkdir rmdir touch cp mv rm mktemp truncate tee csplit",
    "compress": "gzip gunzip zcat bzip2 bunzip2 bzcat xz unxz xzcat unzip",
    "reckon, print, wait": "echo printf test [ true false expr bc seq date sleep jq",
    # These can start programs or hold programs of their own: their arguments are read as well.
    "run other programs": "find xargs env timeout nice nohup stdbuf setsid",
    "have a language of their own": "sed awk",
    "start a program when an option says so": "sort split tar",
}

DEFAULT_COMMANDS: frozenset[str] = frozenset(
    name for names in _GROUPS.values() for name in names.split()
)
"""Programs that a command may name when the project says nothing: what reads and changes text and
files. ``ln`` is not one, for a link would give a place outside a name inside."""

DEFAULT_BUILTINS: frozenset[str] = words_of(
    ": true false echo printf test [ read mapfile readarray cd pwd set shopt unset shift exit "
    "return break continue local declare typeset export readonly command type"
)
"""What bash does itself and a command may use; each is read by a rule of its own."""

_ALL_BUILTINS = words_of(
    ": . [ alias bg bind break builtin caller cd command compgen complete compopt continue declare "
    "dirs disown echo enable eval exec exit export false fc fg getopts hash help history jobs kill "
    "let local logout mapfile popd printf pushd pwd read readarray readonly return set shift shopt "
    "source suspend test times trap true type typeset ulimit umask unalias unset wait"
)

_SHELLS = "a shell reads a text as commands"
_OTHERS = "it runs what its arguments say, in ways that are not read"
UNREADABLE: dict[str, str] = {
    **dict.fromkeys(words_of("sh bash dash ash rbash ksh mksh zsh fish csh tcsh busybox"), _SHELLS),
    **dict.fromkeys(
        words_of(
            "sudo su doas runuser setpriv chroot unshare nsenter parallel watch script expect "
            "strace ltrace gdb flock taskset chrt ionice ssh at batch crontab entr socat screen "
            "tmux dc ed ex vi vim view less more man"
        ),
        _OTHERS,
    ),
}
"""Programs that no grant lets in, with the reason."""


@dataclass(frozen=True, slots=True)
class ShellRules:
    """What commands are held against."""

    commands: frozenset[str] = DEFAULT_COMMANDS
    """Names of programs."""
    builtins: frozenset[str] = DEFAULT_BUILTINS
    """Names of what bash does itself; more than ``DEFAULT_BUILTINS`` are not known here."""
    readable: tuple[str, ...] = ()
    """Absolute folders, beside the working folder, that redirections may read and ``cd`` enter."""
    writable: tuple[str, ...] = ()
    """Absolute folders, beside the working folder, that redirections may write as well."""
    max_bytes: int = 64 * 1024
    """The longest command, in UTF-8."""
    max_depth: int = 32
    """How deep commands may stand in commands."""
    seconds: float = 10.0
    """How long the parser may take."""

    def granting(self, commands: Iterable[str]) -> ShellRules:
        """The same rules, with more programs: those that a project grants a skill.

        A program that is granted may be given any arguments, unless there is a rule for it. A
        grant of an interpreter is therefore a grant of all that it can be told to do.
        """
        return replace(self, commands=self.commands | frozenset(commands))


def is_builtin(name: str) -> bool:
    """Tell whether bash does it itself, and looks for no program of that name."""
    return name in _ALL_BUILTINS
