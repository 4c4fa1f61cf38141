"""Kinds of SKILL.md that public repositories hold, each written anew; the folder is pdf-forms.

What is told of each is taken from the standard's text and the client guide, by hand.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["KINDS", "Kind"]


class Kind(NamedTuple):
    name: str
    data: bytes
    valid: bool
    loads: bool


def _kind(name: str, front: str, *, valid: bool = False, loads: bool = True) -> Kind:
    return Kind(name, f"---\n{front}\n---\n\n# Forms\n\nFill them.\n".encode(), valid, loads)


_D = "description: Fills PDF forms. Use when the user has a form to fill."
_ND = f"name: pdf-forms\n{_D}"

KINDS = (
    _kind("as it should be", _ND, valid=True),
    _kind(
        "every field",
        f"{_ND}\nlicense: Apache-2.0\ncompatibility: Needs qpdf\nallowed-tools: Read Bash(qpdf:*)\n"
        'metadata:\n  author: acme\n  version: "1.0"',
        valid=True,
    ),
    _kind(
        "a folded block", "name: pdf-forms\ndescription: >-\n  Fills forms.\n  In PDFs.", valid=True
    ),
    _kind("a comment", f"# from a template\n{_ND} # short", valid=True),
    _kind(
        "nested metadata",
        f"{_ND}\nmetadata:\n  acme:\n    emoji: x\n    needs:\n      - qpdf",
        valid=True,
    ),
    _kind("tools in a list", f"{_ND}\nallowed-tools:\n  - Read\n  - Write", valid=True),
    _kind("tools with commas", f"{_ND}\nallowed-tools: Read, Write", valid=True),
    _kind("version on top", f"{_ND}\nversion: 1.2.0"),
    _kind("author and tags on top", f"{_ND}\nauthor: me\ntags:\n  - pdf"),
    _kind("origin and package on top", f"{_ND}\norigin: acme\npackage: forms"),
    _kind("a client's own switches", f"{_ND}\ndisable-model-invocation: true\nargument-hint: FILE"),
    _kind("tools in brackets", f"{_ND}\nallowed-tools: [Read, Write]"),
    _kind("metadata in braces", f'{_ND}\nmetadata: {{"version": "1"}}'),
    _kind("triggers in brackets", f"{_ND}\ntriggers: [pdf, form]"),
    _kind("another name than the folder's", f"name: forms\n{_D}"),
    _kind("a name with capitals", f"name: PDF-Forms\n{_D}"),
    _kind("a name with spaces", f"name: PDF forms\n{_D}"),
    _kind("a name with an underscore", f"name: pdf_forms\n{_D}"),
    _kind(
        "a colon without quotes", "name: pdf-forms\ndescription: Use when: a form is to be filled"
    ),
    _kind("a placeholder in brackets", f"{_ND}\nargument-hint: [file] [out]"),
    _kind("no name", _D),
    _kind("no description", "name: pdf-forms", loads=False),
    _kind("a name twice", f"{_ND}\nname: pdf-forms", loads=False),
    _kind("an at sign", f"{_ND}\nauthor: @me"),
    Kind("no frontmatter", b"# Forms\n\nFill them.\n", valid=False, loads=False),
    Kind("a heading before", f"# Forms\n---\n{_ND}\n---\n".encode(), valid=False, loads=False),
    Kind("an open end", f"---\n{_ND}\n\n# Forms\n".encode(), valid=False, loads=False),
    Kind("a byte order mark", f"\ufeff---\n{_ND}\n---\n".encode(), valid=False, loads=True),
    Kind("blank lines before", f"\n\n---\n{_ND}\n---\n".encode(), valid=False, loads=True),
    Kind(
        "line ends of Windows", f"---\n{_ND}\n---\n# F\n".replace("\n", "\r\n").encode(), True, True
    ),
)
