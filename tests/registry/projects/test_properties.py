"""Any file, any edit: what is beside the edit keeps every byte, and can be had back."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement

from headrace_registry import projects
from headrace_registry.projects import edit
from headrace_registry.projects._scan import scan

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


@st.composite
def arrays(draw: st.DrawFn) -> str:
    names = draw(st.lists(NAMES, unique_by=str.lower, max_size=4))
    items = []
    for name in names:
        text, quote = name + draw(VERSIONS), draw(QUOTES)
        quote = '"' if "'" in text and quote.startswith("'") else quote
        items.append(f"{quote}{text}{quote}")
    if not draw(st.booleans()):
        trailing = "," if items and draw(st.booleans()) else ""
        pad = draw(st.sampled_from(["", " "]))
        return f"[{pad}{', '.join(items)}{trailing}{pad}]"
    indent = draw(st.sampled_from(["    ", "\t", "", "  "]))
    lines = ["[" + draw(COMMENTS)]
    for number, item in enumerate(items):
        if draw(st.integers(0, 3)) == 0:
            lines.append(f"{indent}# on the next")
        last = number + 1 == len(items)
        lines.append(indent + item + ("" if last and draw(st.booleans()) else ",") + draw(COMMENTS))
    return "\n".join([*lines, "]"])


@st.composite
def files(draw: st.DrawFn) -> str:
    before, after = draw(ELSEWHERE), draw(ELSEWHERE)
    after = [one for one in after if one not in before]
    head = '[project]\nname = "mine"\n'
    text = "".join([*before, head, "dependencies = ", draw(arrays()), draw(COMMENTS), "\n", *after])
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return text


def required(text: str) -> list[str]:
    return tomllib.loads(text)["project"]["dependencies"]


def without_line_ends(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


@settings(max_examples=150, deadline=None)
@given(files())
def test_what_was_added_and_is_removed_again_leaves_every_byte(text):
    after = edit(PATH, text, add=[Requirement("mu>=1"), Requirement("nu")])
    assert sorted(required(after)) == sorted([*required(text), "mu>=1", "nu"])
    assert edit(PATH, after, remove=["nu", "mu"]) == text


@settings(max_examples=150, deadline=None)
@given(files())
def test_an_addition_takes_nothing_away(text):
    """The bytes of the first text are all there, in their order."""
    after = edit(PATH, text, add=[Requirement("mu>=1")])
    rest = iter(after)
    assert all(one in rest for one in text)
    assert len(after) - len(text) < 40


@settings(max_examples=150, deadline=None)
@given(files(), st.data())
def test_a_replacement_changes_one_string_and_nothing_else(text, data):
    known = [one for one in required(text) if ";" not in one]
    if not known:
        return
    old = data.draw(st.sampled_from(known))
    name = Requirement(old).name
    after = edit(PATH, text, add=[Requirement(f"{name}>=77")])
    new = next(one for one in required(after) if ">=77" in one)
    assert after.replace(new, old) == text


@settings(max_examples=150, deadline=None)
@given(files(), st.data())
def test_a_removal_takes_one_requirement_and_adds_nothing(text, data):
    known = required(text)
    if not known:
        return
    old = data.draw(st.sampled_from(known))
    after = edit(PATH, text, remove=[Requirement(old).name])
    assert required(after) == [one for one in known if one != old]
    rest = iter(text)
    assert all(one in rest for one in after)
    lines = without_line_ends(text)
    assert all(line in lines for line in without_line_ends(after) if line.startswith("#"))


@settings(max_examples=100, deadline=None)
@given(files())
def test_registries_and_sources_come_and_go_without_a_trace(text):
    after = projects.set_registry(text, "main", "https://example.org", KEY)
    after = projects.set_source(after, "skill-a", "main")
    after = projects.set_source(after, "skill-b", "index")
    assert tomllib.loads(after)["project"] == tomllib.loads(text)["project"]
    after = projects.remove_registry(after, "main")
    after = projects.remove_source(after, "skill-b")
    assert projects.remove_source(after, "skill-a") == text


def value_of(data: dict[str, object], path: tuple[str, ...]) -> object:
    for name in path:
        data = data[name]  # type: ignore[assignment]
    return data


def check_places(text: str) -> int:
    """Each value's place holds that value, by the reading of another parser; count them."""
    data = tomllib.loads(text)
    layout = scan(text)
    seen = 0
    for one in layout.entries:
        if layout.find(*one.path) is one:
            written = text[one.start : one.end]
            assert tomllib.loads(f"it = {written}")["it"] == value_of(data, one.path), one
            seen += 1
    return seen


@settings(max_examples=150, deadline=None)
@given(files())
def test_every_value_is_found_where_it_stands(text):
    assert check_places(text) >= 2


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
