"""Any file, any edit: what is beside the list keeps every byte, and can be had back."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from tomlkit.items import AoT

from headrace_registry import projects
from headrace_registry.projects import edit
from headrace_registry.projects._places import Tree

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[3]
OURS = [
    path
    for pattern in ("pyproject.toml", "*/pyproject.toml", "plugins/*/pyproject.toml")
    for path in sorted(ROOT.glob(pattern))
]
OURS += sorted(ROOT.glob("examples/*/pyproject.toml"))
PATH = Path("pyproject.toml")
KEY = "sha256:" + "0" * 64

NAMES = st.sampled_from(["alpha", "Beta.x", "gamma_2", "delta", "omega", "zeta"])
VERSIONS = st.sampled_from(["", ">=1", "==2.0", "[http]>=3,<4", "; python_version < '3.11'"])
COMMENTS = st.sampled_from(["", "  # why", " # a, 'b' ]", '\t#"}'])
QUOTES = st.sampled_from(['"', "'", '"""', "'''"])
ELSEWHERE = st.lists(
    st.sampled_from(
        [
            '[tool.x]\nweird = """a = [\n"b", # no\n]"""\n',
            "[tool.y]\nz = '''[project]\ndependencies = []'''  # not this\n",
            '# dependencies = ["c"]\n\n\n',
            '[[tool.many]]\ndependencies = ["c"]\n[[tool.many]]\nname = "d"\n',
            "[project.urls]\n'home page' = 'https://example.org/#top'\n",
            "[tool.dates]\nat = 1979-05-27 07:32:00Z\nday = 1979-05-27\nn = [1, 2.5e3, inf]\n",
            '[tool.a."b.c".d]\ne = { f = ["g", { h = 1 }], i.j = "k}" }\n\t\n',
            "[dependency-groups]\ntest = ['omega', {include-group = 'x'}]\nx = []\n",
        ]
    ),
    unique=True,
    max_size=4,
)


@dataclass(frozen=True)
class File:
    """A file in three parts."""

    before: str
    array: str
    after: str
    common: bool

    @property
    def text(self) -> str:
        return self.before + self.array + self.after

    def array_of(self, text: str) -> str:
        """The array of an edited text; what is beside it must have kept every byte."""
        assert text.startswith(self.before)
        assert text.endswith(self.after)
        return text[len(self.before) : len(text) - len(self.after)]


@st.composite
def arrays(draw: st.DrawFn) -> tuple[str, bool]:
    """An array, and whether it is in one of the two common styles."""
    names = draw(st.lists(NAMES, unique_by=str.lower, max_size=4))
    items = []
    for name in names:
        text, quote = name + draw(VERSIONS), draw(QUOTES)
        quote = '"' if "'" in text and quote.startswith("'") else quote
        items.append(f"{quote}{text}{quote}")
    trailing = bool(items) and draw(st.booleans())
    if not draw(st.booleans()):
        pad = draw(st.sampled_from(["", " "]))
        comma = "," if trailing else ""
        return f"[{pad}{', '.join(items)}{comma}{pad}]", not trailing and not pad
    indent = draw(st.sampled_from(["    ", "\t", "", "  "]))
    lines = ["[" + draw(COMMENTS)]
    for number, item in enumerate(items):
        if draw(st.integers(0, 3)) == 0:
            lines.append(f"{indent}# on the next")
        comma = "," if trailing or number + 1 < len(items) else ""
        lines.append(indent + item + comma + draw(COMMENTS))
    return "\n".join([*lines, "]"]), trailing or lines == ["["]


@st.composite
def files(draw: st.DrawFn) -> File:
    first, rest = draw(ELSEWHERE), draw(ELSEWHERE)
    rest = [one for one in rest if one not in first]
    array, common = draw(arrays())
    head = '[project]\nname = "mine"\n'
    before = "".join([*first, head, "dependencies = "])
    after = draw(COMMENTS) + "\n" + "".join(rest)
    if draw(st.booleans()):
        after = after.removesuffix("\n")
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return File(*(one.replace("\n", end) for one in (before, array, after)), common)


def required(text: str) -> list[str]:
    return tomllib.loads(text)["project"]["dependencies"]


def comments(array: str) -> list[str]:
    """The comments of an array as ``arrays`` writes them."""
    return sorted(one.strip() for one in re.findall(r"# on the next|# why|# a, 'b' ]|#\"}", array))


def one_quote(array: str) -> str:
    return array.replace('"""', '"').replace("'''", "'")


@settings(max_examples=60, deadline=None)
@given(files())
def test_what_was_added_and_is_removed_again_leaves_the_list(file):
    """In the common styles every byte of it, in others what it says and its comments."""
    after = edit(PATH, file.text, add=[Requirement("mu>=1"), Requirement("nu")])
    assert sorted(required(after)) == sorted([*required(file.text), "mu>=1", "nu"])
    again = edit(PATH, after, remove=["nu", "mu"])
    assert required(again) == required(file.text)
    array = file.array_of(again)
    assert comments(array) == comments(file.array)
    if file.common:
        assert array == file.array


@settings(max_examples=60, deadline=None)
@given(files())
def test_an_addition_takes_nothing_away(file):
    """The bytes of the first array are all there, in their order."""
    after = file.array_of(edit(PATH, file.text, add=[Requirement("mu>=1")]))
    rest = iter(after)
    assert all(one in rest for one in file.array)
    assert len(after) - len(file.array) < 40


@settings(max_examples=60, deadline=None)
@given(files(), st.data())
def test_a_replacement_changes_one_string_and_nothing_else(file, data):
    known = [one for one in required(file.text) if ";" not in one]
    assume(known)
    old = data.draw(st.sampled_from(known))
    name = Requirement(old).name
    after = edit(PATH, file.text, add=[Requirement(f"{name}>=77")])
    new = next(one for one in required(after) if ">=77" in one)
    assert one_quote(file.array_of(after)).replace(new, old) == one_quote(file.array)


@settings(max_examples=60, deadline=None)
@given(files(), st.data())
def test_a_removal_takes_one_requirement_and_the_comment_on_its_line(file, data):
    known = required(file.text)
    assume(known)
    old = data.draw(st.sampled_from(known))
    after = edit(PATH, file.text, remove=[Requirement(old).name])
    assert required(after) == [one for one in known if one != old]
    lines = file.array.splitlines()
    others = "\n".join(one for one in lines if old not in one)
    kept = comments(others) if len(lines) > 1 else []
    assert comments(file.array_of(after)) == kept


@settings(max_examples=60, deadline=None)
@given(files())
def test_registries_and_sources_come_and_go_without_a_trace(file):
    after = projects.set_registry(file.text, "main", "https://example.org", KEY)
    after = projects.set_source(after, "skill-a", "main")
    after = projects.set_source(after, "skill-b", "index")
    assert tomllib.loads(after)["project"] == tomllib.loads(file.text)["project"]
    after = projects.remove_registry(after, "main")
    after = projects.remove_source(after, "skill-b")
    assert projects.remove_source(after, "skill-a") == file.text


def check_places(text: str) -> int:
    """Each value's place holds that value, by the reading of another parser; count them."""
    tree, seen = Tree(text), 0
    waiting: list[tuple[tuple[str, ...], Any]] = [((), tomllib.loads(text))]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [((*path, name), one) for name, one in value.items()]
            continue
        for place in tree.find(path):
            if not isinstance(place.item, AoT):
                before, after = tree.around_value(place)
                written = text[len(before) : len(text) - len(after)]
                assert tomllib.loads(f"it = {written}")["it"] == value, path
                seen += 1
    return seen


@settings(max_examples=60, deadline=None)
@given(files())
def test_every_value_is_found_where_it_stands(file):
    assert check_places(file.text) >= 2


@pytest.mark.parametrize("path", OURS, ids=lambda one: str(one.relative_to(ROOT)))
def test_files_as_people_write_them(path):
    """Those of this repository, with all that a pyproject.toml may have."""
    text = path.read_bytes().decode()
    assert check_places(text) > 3
    if "project" in tomllib.loads(text):
        after = edit(PATH, text, add=[Requirement("mu>=1")])
        assert edit(PATH, after, remove=["mu"]) == text
    after = projects.set_registry(text, "main", "https://example.org", KEY)
    assert projects.remove_registry(after, "main") == text
