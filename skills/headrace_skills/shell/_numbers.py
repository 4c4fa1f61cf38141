"""Which variables hold numbers and nothing else.

Bash evaluates the *text* of a variable that it reckons with, and a text such as ``a[$(command)]``
runs the command. So arithmetic may name only variables that hold a whole number wherever the
command sets them. What comes from a file, a program or an argument is no such number; what comes
from ``wc``, ``grep -c``, ``seq``, ``${#x}`` or arithmetic is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from headrace_skills.shell._errors import refuse
from headrace_skills.shell._rules import words_of
from headrace_skills.shell._tree import place
from headrace_skills.shell._words import literal

if TYPE_CHECKING:
    from headrace_skills.shell._tree import Node

__all__ = ["NAME", "Numbers", "assigned_in"]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Kind = Literal["number", "text"]
_CONSTANT = re.compile(r"\d+|0[xX][0-9a-fA-F]+|\d+#[0-9a-zA-Z]+")
_INTEGER = re.compile(r"[-+]?\d*")
_RANGE = re.compile(r"\{-?\d+\.\.-?\d+(\.\.-?\d+)?\}")
_SPECIAL = words_of("# ? $ ! RANDOM SRANDOM SECONDS LINENO BASHPID PPID EPOCHSECONDS")
"""Parameters that bash sets to numbers, and that no command may set here."""
_ASSIGNING = frozenset(("=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "**="))
_STAT = re.compile(r"%[sYXZWhiu]")
_WC = re.compile(r"-[lwcmL]+|--(?:lines|words|bytes|chars)")
_COUNT = re.compile(r"-[cEFivwx]*c[cEFivwx]*")


def assigned_in(expression: Node) -> list[Node]:
    """The names that an arithmetic expression itself sets: ``x = 1``, ``x++``."""
    kind = expression["Type"]
    target = expression.get("X")
    sets = (kind == "BinaryArithm" and expression["Op"] in _ASSIGNING) or (
        kind == "UnaryArithm" and expression["Op"] in ("++", "--")
    )
    while sets and target is not None and target["Type"] == "ParenArithm":
        target = target["X"]
    return [target] if sets and target is not None else []


class Numbers:
    """What is known of the variables of one command."""

    def __init__(self) -> None:
        self._given: dict[str, list[Node | Kind]] = {}
        self._text: set[str] | None = None

    def note(self, name: str, value: Node | Kind) -> None:
        """Take note of a place that sets a variable: to a word, to a number, or to any text."""
        self._given.setdefault(name, []).append(value)

    def settle(self) -> None:
        """Find out which variables may hold text, when all places are known."""
        self._text = set()
        changed = True
        while changed:  # a variable is a number until one of its values is not
            changed = False
            for name, values in self._given.items():
                if name not in self._text and not all(map(self.is_numeric, values)):
                    self._text.add(name)
                    changed = True

    def holds(self, name: str) -> bool:
        """Tell whether a variable holds whole numbers alone."""
        if name in _SPECIAL:
            return True
        return name in self._given and self._text is not None and name not in self._text

    def is_number(self, part: Node) -> bool:
        """Tell whether an expansion gives a whole number, or nothing."""
        kind = part["Type"]
        if kind == "ArithmExp":
            return True
        if kind == "CmdSubst":
            return _counts(part, self)
        return kind == "ParamExp" and self._parameter(part)

    def check(self, expression: Node) -> None:
        """Check an arithmetic expression.

        Raises:
            ShellRefusedError: It holds what may be text.
        """
        waiting: list[Any] = [expression]
        while waiting:
            node = waiting.pop()
            kind = node["Type"]
            if kind == "Word":
                self._word(node)
            else:
                waiting.extend(node[key] for key in ("X", "Y") if key in node)

    def _word(self, node: Node) -> None:
        for part in node["Parts"]:
            kind, value = part["Type"], part.get("Value", "")
            if kind == "Lit":
                alone = len(node["Parts"]) == 1
                known = _CONSTANT.fullmatch(value) or (
                    alone and NAME.fullmatch(value) and self.holds(value)
                )
            else:
                known = kind in ("ParamExp", "CmdSubst", "ArithmExp") and self.is_number(part)
            if not known:
                raise self._refused(part, value)

    def _refused(self, part: Node, value: str) -> Exception:
        named = part["Param"].get("Value", "") if part["Type"] == "ParamExp" else value
        what = f"{named} may hold text" if named else "this may be text"
        return refuse(
            "arithmetic",
            f"{what}, and bash runs commands that stand in a text which it reckons with",
            place(part),
            "reckon with numbers that the command sets itself, with ${#…}, wc, grep -c or seq; for "
            'other values use expr, awk -v or bc, and [ "$x" -gt 1 ] to compare',
        )

    def is_numeric(self, value: Node | Kind) -> bool:
        """Tell whether all words that a word becomes are whole numbers, or empty."""
        if isinstance(value, str):
            return value == "number"
        return all(self._is_numeric_part(part, top=True) for part in value["Parts"])

    def _is_numeric_part(self, part: Node, *, top: bool) -> bool:
        kind, value = part["Type"], part.get("Value", "")
        if kind == "Lit":
            return bool(_INTEGER.fullmatch(value) or (top and _RANGE.fullmatch(value)))
        if kind == "SglQuoted":
            return not part.get("Dollar") and _INTEGER.fullmatch(value) is not None
        if kind == "DblQuoted":
            return all(self._is_numeric_part(one, top=False) for one in part.get("Parts", ()))
        return self.is_number(part)

    def _parameter(self, part: Node) -> bool:
        if part.get("Length"):
            return True
        name = part["Param"].get("Value", "")
        if part.get("Excl"):  # ${!list[@]}: the places in a list
            return literal(part.get("Index")) in ("@", "*")
        more = part.get("Exp")
        if any(key in part for key in ("Slice", "Repl")) or not self.holds(name):
            return False
        if more is None:
            return True
        word = more.get("Word")
        return more["Op"] in (":-", "-", ":=", "=") and word is not None and self.is_numeric(word)


def _counts(part: Node, numbers: Numbers) -> bool:
    """Whether a substitution runs one program last, and that prints nothing but numbers."""
    statements = part.get("Stmts", ())
    if len(statements) != 1:
        return False
    last = statements[0]
    while last.get("Cmd", {}).get("Type") == "BinaryCmd" and last["Cmd"]["Op"] == "|":
        last = last["Cmd"]["Y"]
    call = last.get("Cmd", {})
    if call.get("Type") != "CallExpr" or "Assigns" in call or "Args" not in call:
        return False
    name, *arguments = (_plain(word) for word in call["Args"])
    if any(not _is_quiet(one) for one in last.get("Redirs", ())):
        return False
    if name == "wc":
        return all(one is not None and _WC.fullmatch(one) is not None for one in arguments)
    if name == "date":
        return len(arguments) == 1 and arguments[0] in ("+%s", "+%Y", "+%j")
    if name == "stat":
        return (
            arguments[:1] == ["-c"]
            and _STAT.fullmatch((arguments[1:2] or [""])[0] or "") is not None
        )
    if name == "grep":
        match arguments:
            case [str(options), str(pattern)]:  # a file would be named before its count
                counts = _COUNT.fullmatch(options) is not None
                return counts and pattern != "" and not pattern.startswith("-")
        return False
    if name == "seq":
        return all(numbers.is_numeric(word) for word in call["Args"][1:])
    return False


def _is_quiet(redirection: Node) -> bool:
    """Whether it leaves what is printed to the program alone: no message of an error joins it."""
    operator, which = redirection["Op"], redirection.get("N", {}).get("Value", "")
    return operator in ("<", "<<<") or (operator == ">" and which == "2")


def _plain(word: Node) -> str | None:
    parts = word["Parts"]
    if len(parts) == 1 and parts[0]["Type"] == "SglQuoted" and not parts[0].get("Dollar"):
        return str(parts[0].get("Value", ""))
    if len(parts) == 1 and parts[0]["Type"] == "DblQuoted":
        inner = parts[0].get("Parts", ())
        if len(inner) == 1 and inner[0]["Type"] == "Lit" and "\\" not in inner[0].get("Value", ""):
            return str(inner[0].get("Value", ""))
        return None
    return literal(word)
