"""Requirements edited: in the list's own style, and nothing beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from headrace_registry.errors import ProjectFileError
from headrace_registry.projects import edit, requirements

PATH = Path("pyproject.toml")


def added(text: str, *wanted: str) -> str:
    return edit(PATH, text, add=[Requirement(one) for one in wanted])


def removed(text: str, *names: str) -> str:
    return edit(PATH, text, remove=names)


def project(dependencies: str) -> str:
    return f'[project]\nname = "mine"\ndependencies = {dependencies}\n\n[tool.x]\ny = 1\n'


class TestTheStyleOfTheListIsKept:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("[]", '["new>=1"]'),
            ("[\n]", '[\n    "new>=1",\n]'),
            ("[\n  # none yet\n]", '[\n  # none yet\n  "new>=1",\n]'),
            ('["a"]', '["a", "new>=1"]'),
            ('["z"]', '["z", "new>=1"]'),
            ('["a",]', '["a", "new>=1"]'),
            ("['a']", "['a', 'new>=1']"),
            ("['a', \"b\"]", '[\'a\', "b", "new>=1"]'),
            ('[\n  "a",\n]', '[\n  "a",\n  "new>=1",\n]'),
            ('[\n\t"a"\n]', '[\n\t"a",\n\t"new>=1"\n]'),
            ('[\n  "a" # why\n]', '[\n  "a", # why\n  "new>=1"\n]'),
            ('[\n  "a"\n  # "b"\n]', '[\n  "a",\n  # "b"\n  "new>=1",\n]'),
            ('[ "a"  # why\n]', '[ "a",  # why\n    "new>=1",\n]'),
            ('[\n  "a",\n  "z"]', '[\n  "a",\n  "new>=1",\n  "z"]'),
            ('[\n  "z",\n  "a"]', '[\n  "z",\n  "a",\n  "new>=1"]'),
            ('[\n    "z"\n  , "a"\n]', '[\n    "z"\n  , "a", "new>=1"\n]'),
            ('[\n  "z", "a",\n]', '[\n  "z", "a", "new>=1",\n]'),
        ],
    )
    def test_a_new_requirement_is_written_as_the_others_are(self, before, after):
        assert added(project(before), "new>=1") == project(after)

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ('["a", "z"]', '["a", "m", "z"]'),
            ('["n", "z"]', '["m", "n", "z"]'),
            ('["b", "a"]', '["b", "a", "m"]'),
            ('[\n  "a",\n  "z",\n]', '[\n  "a",\n  "m",\n  "z",\n]'),
            ('[\n  "n",  # first\n  "z"\n]', '[\n  "m",\n  "n",  # first\n  "z"\n]'),
            ('[ # all\n  "n",\n  "z",\n]', '[ # all\n  "m",\n  "n",\n  "z",\n]'),
            ('["A.b>=1", "z"]', '["A.b>=1", "m", "z"]'),
        ],
    )
    def test_a_list_that_is_in_order_stays_so(self, before, after):
        assert added(project(before), "m") == project(after)

    def test_windows_line_ends_stay(self):
        before = project('[\n  "a",\n]').replace("\n", "\r\n")
        after = project('[\n  "a",\n  "b",\n]').replace("\n", "\r\n")
        assert added(before, "b") == after

    def test_a_byte_order_mark_stays(self):
        assert added("\ufeff" + project("[]"), "b") == "\ufeff" + project('["b"]')

    def test_a_marker_needs_no_escapes(self):
        after = added(project('["a"]'), 'tomli>=2; python_version < "3.11"')
        assert after == project("""["a", "tomli>=2; python_version < '3.11'"]""")

    def test_a_marker_in_a_list_of_single_quotes(self):
        after = added(project("['a']"), 'tomli; python_version < "3.11"')
        assert after == project("""['a', "tomli; python_version < '3.11'"]""")

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (
                '[project]\nname = "a"\n\n[project.urls]\nx = "y"\n',
                '[project]\nname = "a"\ndependencies = ["b"]\n\n[project.urls]\nx = "y"\n',
            ),
            ('project.name = "a"\n', 'project.name = "a"\nproject.dependencies = ["b"]\n'),
            ('project = { name = "a" }', 'project = { name = "a", dependencies = ["b"] }'),
            (
                'project.name = "a"\nproject.dependencies = []\n',
                'project.name = "a"\nproject.dependencies = ["b"]\n',
            ),
            ('[project]\nname = "a"', '[project]\nname = "a"\ndependencies = ["b"]'),
            (
                '[tool.x]\ny = 1\n[ "project" ]\n"dependencies" = []\n',
                '[tool.x]\ny = 1\n[ "project" ]\n"dependencies" = ["b"]\n',
            ),
        ],
    )
    def test_the_list_is_found_wherever_it_is_written(self, before, after):
        assert added(before, "b") == after

    @pytest.mark.parametrize("tool", ["[tool.poetry]\n", "[tool.pdm]\n", "[tool.hatch.envs.a]\n"])
    def test_projects_of_every_tool_that_use_the_standards_list(self, tool):
        assert added(project("[]") + tool, "b") == project('["b"]') + tool


class TestARequirementThatIsThere:
    def test_is_replaced_in_its_place_with_its_comment(self):
        before = project('[\n  "b>=1",  # for the weather\n  "a",\n]')
        assert added(before, "b>=2,<3") == before.replace("b>=1", "b>=2,<3")

    def test_keeps_its_quotes(self):
        assert added(project("['b', \"a\"]"), "b>=2") == project("['b>=2', \"a\"]")

    def test_is_known_by_its_normal_name(self):
        assert added(project('["My.Pack>=1"]'), "my_pack>=2") == project('["my_pack>=2"]')

    def test_keeps_its_extras(self):
        assert added(project('["a[x]>=1"]'), "a[y]>=2") == project('["a[x,y]>=2"]')

    def test_leaves_the_file_as_it_is_where_nothing_is_new(self):
        before = project('["a  >=1,  <2"]')
        assert added(before, "a<2,>=1") == before

    def test_is_told_apart_by_its_marker(self):
        before = project("""["a>=1; python_version < '3.11'", "a>=3; python_version >= '3.11'"]""")
        after = added(before, 'a>=4; python_version >= "3.11"')
        assert after == before.replace("a>=3;", "a>=4;")

    @pytest.mark.parametrize(
        ("before", "wanted"),
        [
            ("""["a>=1; python_version < '3.11'", "a>=3; python_version >= '3.11'"]""", "a>=4"),
            ("""["a>=1; python_version < '3.11'"]""", "a>=4"),
            ('["a>=1"]', "a>=4; python_version < '3.11'"),
            ('["a>=1", "a<3"]', "a>=2"),
        ],
    )
    def test_is_refused_where_it_is_not_clear_which_is_meant(self, before, wanted):
        with pytest.raises(
            ProjectFileError, match=r"(?s)in line 3 already.* by hand; asked for was a>=\d"
        ):
            added(project(before), wanted)

    def test_an_address_is_not_replaced_by_a_version(self):
        with pytest.raises(ProjectFileError, match="required from an address"):
            added(project('["a @ https://example.org/a.whl"]'), "a>=1")

    def test_an_address_can_be_added(self):
        wanted = "a @ git+https://example.org/a@v1"
        assert added(project("[]"), wanted) == project(f'["{wanted}"]')


class TestRemoving:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ('["b"]', "[]"),
            ('["b",]', "[]"),
            ('["a", "b"]', '["a"]'),
            ('["a", "b",]', '["a"]'),
            ('["b", "a"]', '["a"]'),
            ('["a", "b", "c"]', '["a", "c"]'),
            ('[\n  "b",  # why\n  "a",\n]', '[\n  "a",\n]'),
            ('[\n  "a",  # kept\n  "b"  # gone\n]', '[\n  "a",  # kept\n]'),
            ('[\n  "b",\n]', "[\n]"),
            ('[\n  # on a\n  "a", "b",\n  "c"\n]', '[\n  # on a\n  "a",\n  "c"\n]'),
            ('[\n  "a",\n  "b"]', '[\n  "a"]'),
            ('["b", "a", "B>=2"]', '["a"]'),
            ('[\n  "a", # x\n  "b", "c"\n]', '[\n  "a", # x\n  "c"\n]'),
        ],
    )
    def test_takes_the_requirement_and_nothing_else(self, before, after):
        assert removed(project(before), "b") == project(after)

    def test_what_is_not_there_is_told_with_its_like(self):
        with pytest.raises(ProjectFileError, match=r"(?s)not among.*did you mean httpx"):
            removed(project('["httpx"]'), "htpx")

    def test_what_stands_in_a_group_is_told_with_the_group(self):
        text = project("[]") + '[dependency-groups]\ntest = ["b", {include-group = "x"}]\nx = []\n'
        with pytest.raises(ProjectFileError, match=r"dependency-groups\.test"):
            removed(text, "b")


class TestReading:
    def test_gives_the_requirements_and_the_pythons(self):
        text = project('["b>=1", "a[x]; extra == \'y\'"]') + "\n"
        text = text.replace("[tool.x]", 'requires-python = ">=3.10"\n[tool.x]')
        found, python = requirements(PATH, text)
        assert [one.name for one in found] == ["b", "a"]
        assert python == ">=3.10"

    def test_a_file_of_settings_only_requires_nothing(self):
        assert requirements(PATH, "[tool.agents]\n") == ((), "")

    def test_one_that_cannot_be_read_is_told_with_its_line(self):
        with pytest.raises(ProjectFileError, match=r"'b c' is no requirement\n  where: .*line 5"):
            requirements(PATH, project('[\n  "a",\n  "b c",\n]'))
