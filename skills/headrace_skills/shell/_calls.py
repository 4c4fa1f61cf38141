"""Judges statements: what is called, what is assigned, and where output goes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headrace_skills.shell._builtins import check_builtin
from headrace_skills.shell._errors import refuse
from headrace_skills.shell._numbers import NAME
from headrace_skills.shell._programs import check_arguments
from headrace_skills.shell._rules import UNREADABLE, is_builtin
from headrace_skills.shell._tree import place
from headrace_skills.shell._variables import check_exported, check_name, is_exported
from headrace_skills.shell._words import literal, read_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headrace_skills.shell._errors import Place
    from headrace_skills.shell._numbers import Numbers
    from headrace_skills.shell._rules import ShellRules
    from headrace_skills.shell._tree import Node, Visit
    from headrace_skills.shell._words import Word

__all__ = ["Calls"]

_COMMAND = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*|\[|:|\.")
_STREAMS = frozenset(("/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr"))
_WRITING = frozenset((">", ">>", ">|", "&>", "&>>"))
_MARK = re.compile(r"[A-Za-z0-9_.]+")
_QUOTED_MARK = re.compile(r"[A-Za-z0-9_. ]+")
_DECLARING = {
    "declare": "agrxlu", "typeset": "agrxlu", "local": "arlu", "readonly": "a", "export": "",
}  # fmt: skip


class Calls:
    """Judges the statements of one command."""

    def __init__(
        self, rules: ShellRules, numbers: Numbers, source: bytes, found: Iterable[Visit]
    ) -> None:
        self.programs: set[str] = set()
        self._rules = rules
        self._numbers = numbers
        self._source = source
        self._functions: dict[str, int] = {}
        for visit in found:
            if visit.kind == "Stmt" and _kind(visit.node) == "FuncDecl":
                self._function(visit)

    # ------------------------------------------------------------------ statements

    def check(self, visit: Visit) -> None:
        """Check a statement; other nodes are let by.

        Raises:
            ShellRefusedError: It is not allowed.
        """
        node = visit.node
        if visit.kind == "Stmt":
            for redirection in node.get("Redirs", ()):
                self._redirection(redirection)
        elif visit.kind == "BinaryCmd" and _kind(node["Y"]) == "TimeClause":
            if node["Op"] in ("|", "|&"):  # there it is no word of bash, but a program
                raise refuse("name", "the program time is not allowed", place(node["Y"]),
                             "write time before the whole pipe")  # fmt: skip
        elif visit.kind == "DeclClause":
            self._declaration(node)
        elif visit.kind == "CallExpr":
            words = [self._word(one) for one in node.get("Args", ())]
            for one in node.get("Assigns", ()):
                self._assignment(one, words)
            if words:
                self._call(words, functions=True)

    def _word(self, node: Node) -> Word:
        return read_word(node, self._numbers.is_number)

    def _call(self, words: Sequence[Word], *, functions: bool) -> None:
        name = self._name(words[0])
        at = words[0].at
        if functions and self._functions.get(name, at.offset + 1) <= at.offset:
            return  # its body is judged where it stands
        if name in self._functions:
            raise refuse(
                "function", f"the function {name} is not there yet, or not called by itself", at,
                "define it further up",
            )  # fmt: skip
        if is_builtin(name):
            check_builtin(name, at, words[1:], self)
            if name not in self._rules.builtins:
                raise refuse("builtin", f"{name} of bash is not allowed", at)
        else:
            self.program(words)

    def program(self, words: Sequence[Word]) -> None:
        """Judge a command that is started as a program; see the protocols."""
        name, at = self._name(words[0]), words[0].at
        if name in UNREADABLE:
            raise refuse("runs-text", f"{name} is not allowed: {UNREADABLE[name]}", at,
                         "write commands here, or a script of the skill")  # fmt: skip
        if name not in self._rules.commands:
            raise refuse(
                "name", f"the program {name} is not allowed", at,
                f"allowed are: {' '.join(sorted(self._rules.commands))}\n    a skill's author "
                f"declares more in its metadata (headrace-commands), and a project grants them",
            )  # fmt: skip
        self.programs.add(name)
        check_arguments(name, at, words[1:], self)

    def plain(self, words: Sequence[Word]) -> None:
        """Judge a command that no function takes the name of; see the protocols."""
        self._call(words, functions=False)

    def names(self, program: str) -> bool:
        """Tell whether a program may be run."""
        return program in self._rules.commands

    def has_function(self, name: str) -> bool:
        """Tell whether the text has a function of that name."""
        return name in self._functions

    def _name(self, word: Word) -> str:
        if word.text is None or word.splits or word.many:
            raise refuse(
                "computed", f"the command {word.shown} is only known when it is run", word.at,
                "write the name of the command",
            )  # fmt: skip
        if "/" in word.text:
            raise refuse(
                "path", f"the command {word.shown} is a path: commands are found by name", word.at,
                "write the name alone; a skill's script is run by run_skill_script",
            )  # fmt: skip
        if not word.text.isascii():
            raise refuse("name", f"the command {word.text!a} has letters that only look alike",
                         word.at)  # fmt: skip
        if not _COMMAND.fullmatch(word.text):
            raise refuse("name", f"{word.shown} is not the name of a command", word.at)
        return word.text

    # ------------------------------------------------------------------ functions

    def _function(self, visit: Visit) -> None:
        node = visit.node["Cmd"]
        name, at = node["Name"].get("Value", ""), place(visit.node)
        known = is_builtin(name) or name in self._rules.commands or name in UNREADABLE
        if known or not NAME.fullmatch(name):
            raise refuse("function", f"a function may not be called {name!r}", at,
                         "take a name that no command has")  # fmt: skip
        # Where a line fails, bash goes on with the next one: a function that was to be made on
        # the failed line is not there, and its name would be looked for among the programs.
        before = self._source[: at.offset]
        line = before.rpartition(b"\n")
        if not visit.top or line[2].strip() or line[0].endswith(b"\\"):
            raise refuse("function", f"the function {name} must begin a line, outside of all else",
                         at)  # fmt: skip
        end = node["Body"].get("End") or {}
        offset = end.get("Offset", len(self._source)) if isinstance(end, dict) else 0
        self._functions[name] = min(self._functions.get(name, offset), offset)

    # ------------------------------------------------------------------ variables

    def _assignment(self, node: Node, words: Sequence[Word]) -> None:
        name, at = node.get("Name", {}).get("Value", ""), place(node)
        value = self._word(node["Value"]) if "Value" in node else None
        if words and name == "IFS" and words[0].text == "read":
            return  # it holds for that one command
        if words or is_exported(name):
            check_exported(name, value, at)
        else:
            check_name(name, at)

    def _declaration(self, node: Node) -> None:
        variant, at = node["Variant"].get("Value", ""), place(node)
        if variant not in self._rules.builtins or variant not in _DECLARING:
            raise refuse("builtin", f"{variant} of bash is not allowed", at)
        exported = variant == "export"
        for one in node.get("Args", ()):
            if "Name" not in one:
                exported = self._declared_option(variant, one) or exported
        for one in node.get("Args", ()):
            if "Name" not in one:
                continue
            name = one["Name"].get("Value", "")
            if "Index" in one:
                raise refuse("assignment", f"{variant} may not set a place in a list", place(one))
            if exported:
                value = self._word(one["Value"]) if "Value" in one else None
                check_exported(name, value, place(one))
            else:
                check_name(name, place(one))

    def _declared_option(self, variant: str, node: Node) -> bool:
        text = self._word(node["Value"]).text if "Value" in node else None
        letters = text[1:] if text and text.startswith("-") else "?"
        refused = [letter for letter in letters if letter not in _DECLARING[variant]]
        if refused or not letters:
            raise refuse(
                "assignment", f"{variant} takes plain names and "
                f"{' '.join('-' + letter for letter in _DECLARING[variant]) or 'no options'} here",
                place(node), "others evaluate texts: use a list, or awk",
            )  # fmt: skip
        return "x" in letters

    # ------------------------------------------------------------------ redirections

    def _redirection(self, node: Node) -> None:
        operator, at = node["Op"], place(node)
        which = node.get("N", {}).get("Value", "")
        if which and not re.fullmatch(r"\d{1,2}", which):
            raise refuse("redirection", f"{which} is not the number of a stream", at)
        word = node["Word"]
        if operator in ("<<", "<<-"):
            mark = _check_mark(word, at)
            if mark in self._lines(node.get("Hdoc") or {}):
                raise refuse(
                    "redirection", "the here-document ends within an expansion", at,
                    "put a mark that does not stand in it",
                )  # fmt: skip
        elif operator in (">&", "<&"):
            text = literal(word)
            if text is None or not re.fullmatch(r"\d{1,2}|-", text):
                raise refuse("redirection", f"{operator} takes the number of a stream", at,
                             "write > FILE 2>&1")  # fmt: skip
        elif operator == "<" or operator in _WRITING:
            if [part["Type"] for part in word["Parts"]] == ["ProcSubst"]:
                return
            read = self._word(word)
            if read.text is None:
                raise refuse(
                    "redirection", f"where {operator} {read.shown} leads is not known", at,
                    'name the file in plain text, or use tee -- "$file" and cat -- "$file"',
                )  # fmt: skip
            self.check_path(read.text, at, write=operator in _WRITING)
        elif operator != "<<<":
            raise refuse("redirection", f"{operator} is not allowed", at)

    def _lines(self, body: Node) -> set[bytes]:
        """The lines of a here-document: bash ends it at its mark, whatever is open there."""
        begin, end = ((body.get(key) or {}).get("Offset", 0) for key in ("Pos", "End"))
        lines = self._source[begin:end].split(b"\n")[:-1]  # the last is the mark itself
        return {line.lstrip(b"\t") for line in lines}

    def check_path(self, path: str, at: Place, *, write: bool) -> None:
        """Check that a path leads to where redirections may go; see the protocols."""
        if path in _STREAMS:
            return
        folders = self._rules.writable if write else self._rules.readable + self._rules.writable
        parts = path.split("/")
        inside = not path.startswith("/") or any(
            (path + "/").startswith(folder.rstrip("/") + "/") for folder in folders
        )
        if not path or ".." in parts or not inside:
            raise refuse(
                "redirection", f"{path!r} leads out of the working folder", at,
                "use a path within it, without .., or /dev/null",
            )  # fmt: skip


def _kind(statement: Node) -> str:
    return str((statement.get("Cmd") or {}).get("Type", ""))


def _check_mark(word: Node, at: Place) -> bytes:
    """The mark of a here-document: one that all readers end it at."""
    parts = word["Parts"]
    plain = literal(word)
    if plain is not None and _MARK.fullmatch(plain):
        return plain.encode()
    if len(parts) == 1 and parts[0]["Type"] in ("SglQuoted", "DblQuoted"):
        inner = parts[0]
        if inner["Type"] == "SglQuoted" and not inner.get("Dollar"):
            text = str(inner.get("Value", ""))
        else:
            text = literal({"Parts": inner.get("Parts", ())}) or ""
        if _QUOTED_MARK.fullmatch(text):
            return text.encode()
    raise refuse("redirection", "the mark of this here-document is read in many ways", at,
                 "write << EOF or << 'EOF'")  # fmt: skip
