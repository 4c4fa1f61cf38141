"""The shape of a parsed command, and one walk over all of it.

The walk knows each kind of node and each of its parts. A node or a part that it does not know, of
a newer parser or another shell, is refused: what is not read is not run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from headrace_skills.shell._errors import Place, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Node", "Visit", "place", "visits"]

Node = dict[str, Any]
Quotes = Literal["none", "double", "document"]

_COMMANDS = (
    "CallExpr", "IfClause", "WhileClause", "ForClause", "CaseClause", "Block", "Subshell",
    "BinaryCmd", "FuncDecl", "ArithmCmd", "TestClause", "DeclClause", "TimeClause",
)  # fmt: skip
_PARTS = ("Lit", "SglQuoted", "DblQuoted", "ParamExp", "CmdSubst", "ArithmExp", "ProcSubst")
_UNIONS = {
    "Command": _COMMANDS,
    "Part": _PARTS,
    "Arithm": ("BinaryArithm", "UnaryArithm", "ParenArithm", "Word"),
    "Test": ("BinaryTest", "UnaryTest", "ParenTest", "Word"),
    "Loop": ("WordIter", "CStyleLoop"),
}
# Of each node its parts and what they are: a kind of node, "str" or "bool". With "*" it is a list
# of them, with "!" it must be there. Places are left out.
_SHAPES: dict[str, dict[str, str]] = {
    "File": {"Stmts": "Stmt*", "Last": "Comment*"},
    "Comment": {"Text": "str"},
    "Stmt": {
        "Comments": "Comment*", "Cmd": "Command", "Negated": "bool", "Background": "bool",
        "Redirs": "Redirect*",
    },
    "Assign": {
        "Append": "bool", "Naked": "bool", "Name": "Lit", "Index": "Arithm", "Value": "Word",
        "Array": "ArrayExpr",
    },
    "ArrayExpr": {"Elems": "ArrayElem*", "Last": "Comment*"},
    "ArrayElem": {"Index": "Arithm", "Value": "Word", "Comments": "Comment*"},
    "Redirect": {"Op": "str!", "N": "Lit", "Word": "Word!", "Hdoc": "Word"},
    "CallExpr": {"Assigns": "Assign*", "Args": "Word*"},
    "Subshell": {"Stmts": "Stmt*", "Last": "Comment*"},
    "Block": {"Stmts": "Stmt*", "Last": "Comment*"},
    "IfClause": {
        "Cond": "Stmt*", "CondLast": "Comment*", "Then": "Stmt*", "ThenLast": "Comment*",
        "Else": "IfClause", "Last": "Comment*",
    },
    "WhileClause": {
        "Until": "bool", "Cond": "Stmt*", "CondLast": "Comment*", "Do": "Stmt*",
        "DoLast": "Comment*",
    },
    "ForClause": {"Loop": "Loop!", "Do": "Stmt*", "DoLast": "Comment*"},
    "WordIter": {"Name": "Lit!", "Items": "Word*"},
    "CStyleLoop": {"Init": "Arithm", "Cond": "Arithm", "Post": "Arithm"},
    "BinaryCmd": {"Op": "str!", "X": "Stmt!", "Y": "Stmt!"},
    "FuncDecl": {"RsrvWord": "bool", "Parens": "bool", "Name": "Lit!", "Body": "Stmt!"},
    "Word": {"Parts": "Part*!"},
    "Lit": {"Value": "str"},
    "SglQuoted": {"Dollar": "bool", "Value": "str"},
    "DblQuoted": {"Parts": "Part*"},
    "CmdSubst": {"Stmts": "Stmt*", "Last": "Comment*"},
    "ProcSubst": {"Op": "str!", "Stmts": "Stmt*", "Last": "Comment*"},
    "ParamExp": {
        "Short": "bool", "Excl": "bool", "Length": "bool", "Param": "Lit!", "Index": "Arithm",
        "Slice": "Slice", "Repl": "Replace", "Exp": "Expansion",
    },
    "Slice": {"Offset": "Arithm", "Length": "Arithm"},
    "Replace": {"All": "bool", "Orig": "Word", "With": "Word"},
    "Expansion": {"Op": "str!", "Word": "Word"},
    "ArithmExp": {"X": "Arithm!"},
    "ArithmCmd": {"X": "Arithm!"},
    "BinaryArithm": {"Op": "str!", "X": "Arithm!", "Y": "Arithm!"},
    "UnaryArithm": {"Op": "str!", "Post": "bool", "X": "Arithm!"},
    "ParenArithm": {"X": "Arithm!"},
    "CaseClause": {"Word": "Word!", "Items": "CaseItem*", "Last": "Comment*"},
    "CaseItem": {
        "Op": "str!", "Comments": "Comment*", "Patterns": "Word*!", "Stmts": "Stmt*",
        "Last": "Comment*",
    },
    "TestClause": {"X": "Test!"},
    "BinaryTest": {"Op": "str!", "X": "Test!", "Y": "Test!"},
    "UnaryTest": {"Op": "str!", "X": "Test!"},
    "ParenTest": {"X": "Test!"},
    "DeclClause": {"Variant": "Lit!", "Args": "Assign*"},
    "TimeClause": {"PosixFormat": "bool", "Stmt": "Stmt"},
}  # fmt: skip
_POSITION = frozenset(("Offset", "Line", "Col"))

# What is known and not allowed is told by name.
_KINDS_REFUSED = {
    "CoprocClause": ("background", "a coprocess outlives its command", "use a pipe"),
    "LetClause": ("arithmetic", "let is read as arithmetic and as words", "write (( … ))"),
    "ExtGlob": ("syntax", "extended patterns such as !(…) are off", "use grep -v or a loop"),
    "BraceExp": ("syntax", "these braces are not known here", ""),
    "TestDecl": ("syntax", "this is not bash", ""),
}
_PARTS_REFUSED = {
    ("CmdSubst", "Backquotes"): ("quoting", "backquotes are read in many ways", "write $(…)"),
    ("DblQuoted", "Dollar"): ("quoting", '$"…" is translated before it is read', 'write "…"'),
    ("ArithmExp", "Bracket"): ("arithmetic", "$[…] is out of use", "write $((…))"),
    ("ForClause", "Select"): ("syntax", "select waits for a person", "use for"),
    ("ParamExp", "Names"): ("computed", "names by their beginning are not allowed", ""),
}

# What bash would expand: a plain text that still holds it was misread. Process substitution is one
# within ${…} as well, where the parser takes it for text.
_EXPANDED = r"`|\$[A-Za-z0-9_{(\[@*#?$!-]"
_NEVER_QUOTED = re.compile(rf"\\.|(?P<seen>{_EXPANDED})", re.DOTALL)
_NEVER_PLAIN = re.compile(rf"\\.|(?P<seen>{_EXPANDED}|[<>]\()", re.DOTALL)
_BEFORE_COMMENT = b" \t\n;&|()"
_NESTS = frozenset((
    "Block", "Subshell", "CmdSubst", "ProcSubst", "IfClause", "WhileClause", "ForClause",
    "CaseClause", "FuncDecl", "ParamExp", "ArithmExp", "ParenArithm", "ParenTest",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Visit:
    """A node on the walk."""

    kind: str
    """What it is."""
    node: Node
    """It."""
    quotes: Quotes
    """What it stands in: quotes mean other things there."""
    depth: int
    """In how many it stands, of those that nest."""
    top: bool
    """Whether it is a command of the text itself, that nothing decides about."""
    expanding: bool = False
    """Whether it stands in ``${…}``."""
    literal: bool = False
    """Whether its text is taken as it is: the body of a quoted here-document, a name."""


def place(node: Node) -> Place:
    """Tell where a node stands."""
    at = node.get("Pos")
    if not isinstance(at, dict):
        return Place()
    offset, line, column = (at.get(key, 0) for key in ("Offset", "Line", "Col"))
    return Place(offset, line or 1, column)


def visits(tree: Node, source: bytes, max_depth: int) -> Iterator[Visit]:
    """Walk over all nodes, each before its parts, in the order of the text.

    Raises:
        ShellRefusedError: There is a node that is not known, or never allowed.
    """
    waiting = [Visit("File", tree, "none", 0, top=True)]
    while waiting:
        visit = waiting.pop()
        if visit.depth > max_depth:
            raise refuse("size", "it is nested too deeply", place(visit.node), "make it simpler")
        parts = _parts(visit)
        _check_itself(visit, source)
        yield visit
        waiting.extend(reversed(parts))


def _parts(visit: Visit) -> list[Visit]:
    node, kind = visit.node, visit.kind
    shape = _SHAPES[kind]
    for key in node.keys() - shape.keys() - {"Type"}:
        if not _is_place(node[key]):
            rule, what, instead = _PARTS_REFUSED.get(
                (kind, key), ("syntax", f"this is not known here ({kind} with {key})", "")
            )
            raise refuse(rule, what, place(node), instead)
    found: list[Visit] = []
    for key, meant in shape.items():
        if key not in node:
            if meant.endswith("!"):
                raise _unread(visit, f"a {kind} without {key}")
            continue
        value = node[key]
        wanted = meant.rstrip("!")
        if wanted in ("str", "bool"):
            if type(value).__name__ != wanted:
                raise _unread(visit, f"{kind}.{key}")
            continue
        many = wanted.endswith("*")
        if many != isinstance(value, list) or value == []:
            raise _unread(visit, f"{kind}.{key}")
        for one in value if many else [value]:
            if not isinstance(one, dict):
                raise _unread(visit, f"{kind}.{key}")
            found.append(_below(visit, key, wanted.rstrip("*"), one))
    return found


def _below(visit: Visit, key: str, wanted: str, node: Node) -> Visit:
    kind = wanted
    if wanted in _UNIONS:
        kind = str(node.get("Type"))
        if kind not in _UNIONS[wanted]:
            rule, what, instead = _KINDS_REFUSED.get(kind, ("syntax", f"{kind} is not known", ""))
            raise refuse(rule, what, place(node) if "Pos" in node else place(visit.node), instead)
    quotes, expanding, literal = visit.quotes, visit.expanding, visit.literal
    if kind == "Stmt":
        quotes, expanding, literal = "none", False, False  # a command begins anew
    elif kind == "DblQuoted":
        quotes = "double" if quotes == "none" else quotes
    elif key == "Hdoc":
        quotes, literal = "document", is_quoted(visit.node["Word"])
    elif visit.kind == "ParamExp":
        expanding = True
    if kind == "Lit" and visit.kind not in ("Word", "DblQuoted"):
        literal = True
    top = visit.top and (visit.kind == "File" or (visit.kind == "Stmt" and key == "Cmd"))
    return Visit(kind, node, quotes, visit.depth + (kind in _NESTS), top, expanding, literal)


def _check_itself(visit: Visit, source: bytes) -> None:
    node, at = visit.node, place(visit.node)
    if visit.kind == "Stmt" and node.get("Background"):
        raise refuse("background", "nothing goes on in the background (&)", at, "leave out the &")
    if visit.kind == "Comment":
        # Where the parsers differ on what begins a comment, what one skips the other runs.
        before = _offset(node, "Hash") - 1
        if before >= 0 and source[before : before + 1] not in _BEFORE_COMMENT:
            raise refuse("quoting", "it is not clear that a comment begins here", at, "quote the #")
        # The parser takes the next line for a part of this one; bash does not.
        if "\n" in node.get("Text", "") or node.get("Text", "").endswith("\\"):
            raise refuse("quoting", "a comment ends with a backslash", at, "leave it out")
    if visit.kind == "SglQuoted" and visit.expanding and visit.quotes != "none":
        # Bash takes them for plain characters there, and expands what is between them.
        raise refuse(
            "quoting", "single quotes in ${…} within double quotes do not quote", at,
            'put the text in a variable first, or write \\"',
        )  # fmt: skip
    if visit.kind == "DblQuoted" and visit.quotes == "document":
        raise refuse(
            "quoting", "double quotes in ${…} of a here-document are read in many ways", at
        )
    if visit.kind in ("Word", "DblQuoted") and not visit.literal:
        quotes = "double" if visit.kind == "DblQuoted" else visit.quotes
        never = _NEVER_PLAIN if visit.expanding or quotes == "none" else _NEVER_QUOTED
        for run in _plain_runs(node.get("Parts", ())):
            residue = next((one for one in never.finditer(run) if one["seen"]), None)
            if residue is not None:
                raise refuse(
                    "parser", f"{residue['seen']!r} stands where it is read in many ways", at,
                    "take it out of ${…}, or quote it",
                )  # fmt: skip


def _plain_runs(parts: Sequence[Node]) -> list[str]:
    """The plain texts of a word: pieces that stand side by side belong together."""
    runs = [""]
    for part in parts:
        if part["Type"] == "Lit":
            runs[-1] += str(part.get("Value", ""))
        else:
            runs.append("")
    return runs


def is_quoted(word: Node) -> bool:
    """Tell whether the mark of a here-document is quoted."""
    parts = word.get("Parts")
    if not isinstance(parts, list):
        return False
    return any(isinstance(part, dict) and part.get("Type") != "Lit" for part in parts)


def _offset(node: Node, key: str) -> int:
    at = node.get(key)
    offset = at.get("Offset", 0) if isinstance(at, dict) else 0
    return offset if isinstance(offset, int) else 0


def _is_place(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() <= _POSITION
        and all(isinstance(one, int) for one in value.values())
    )


def _unread(visit: Visit, what: str) -> Exception:
    return refuse("parser", f"the parser's tree cannot be read ({what})", place(visit.node))
