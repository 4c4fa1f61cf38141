"""Projects whose requirements stand elsewhere: not edited, and told what to do by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from headrace_registry.errors import ProjectFileError
from headrace_registry.projects import edit, requirements, set_registry, set_targets
from headrace_registry.projects._edit import _changed
from headrace_registry.projects._places import Tree
from headrace_registry.projects._styles import read_document
from headrace_registry.settings import Target

PATH = Path("pyproject.toml")
WANTED = [Requirement('tide>=1,<2; python_version < "3.12"')]

OTHERS = {
    "Poetry's own": (
        '[tool.poetry]\nname = "a"\n\n[tool.poetry.dependencies]\npython = "^3.10"\nb = "~1"\n',
        "line 4",
        """poetry add 'tide>=1,<2; python_version < "3.12"'""",
    ),
    "Poetry's own beside a project": (
        '[project]\nname = "a"\n[tool.poetry.dependencies]\nb = "^1"\n',
        "line 3",
        "poetry add",
    ),
    "Poetry's own, said to be dynamic": (
        '[project]\nname = "a"\ndynamic = ["dependencies"]\n[tool.poetry]\nx = 1\n',
        "line 4",
        "poetry add",
    ),
    "a file that setuptools reads": (
        '[project]\nname = "a"\ndynamic = ["version", "dependencies"]\n'
        '[tool.setuptools.dynamic]\ndependencies = { file = ["needs/base.txt"] }\n',
        "line 3",
        "add to needs/base.txt:\n         tide>=1,<2; python_version < '3.12'",
    ),
    "made by the build": (
        '[project]\nname = "a"\ndynamic = ["dependencies"]\n',
        "line 3",
        "where they come from:\n         tide>=1,<2",
    ),
    "a workspace's root": (
        '[tool.uv.workspace]\nmembers = ["agents/*"]\n',
        "line 1",
        r"its members are agents/*",
    ),
    "flit's old form": (
        '[tool.flit.metadata]\nmodule = "a"\n',
        "line 1",
        "add to [tool.flit.metadata] requires:\n         \"tide>=1,<2; python_version < '3.12'\"",
    ),
    "hatch's environments": (
        '[tool.hatch.envs.default]\ndependencies = ["b"]\n',
        "line 1",
        "an environment's own",
    ),
    "no project": (
        "[tool.ruff]\nline-length = 100\n",
        "line 1",
        "dependencies = [\"tide>=1,<2; python_version < '3.12'\"]",
    ),
    "a project that is no table": ("project = 3\n", "line 1", "no table"),
    "no list": ('[project]\nname = "a"\ndependencies = "b"\n', "line 3", "no list"),
}


@pytest.mark.parametrize(("text", "line", "told"), OTHERS.values(), ids=OTHERS)
def test_is_refused_with_the_place_and_what_to_do(text, line, told):
    with pytest.raises(ProjectFileError) as caught:
        edit(PATH, text, add=WANTED)
    assert f"pyproject.toml, {line}" in str(caught.value)
    assert told in str(caught.value)


@pytest.mark.parametrize("kind", ["Poetry's own", "a file that setuptools reads"])
def test_requirements_that_stand_elsewhere_are_not_taken_for_none(kind):
    with pytest.raises(ProjectFileError, match="dependencies are"):
        requirements(PATH, OTHERS[kind][0])


@pytest.mark.parametrize("text", ["= 3", "[project\n", 'a = "', "a = 1\na = 2\n", "[" * 5000])
def test_what_is_no_toml_is_told(text):
    with pytest.raises(ProjectFileError, match="not TOML"):
        edit(PATH, text, add=WANTED)


@pytest.mark.parametrize(
    "text",
    [
        "tool = 3\n",
        "[tool]\nagents = 1\n",
        "[[tool.agents]]\nx = 1\n",
        "[tool.agents]\nregistries = 1\n",
    ],
)
def test_settings_in_a_form_that_is_not_edited_are_told_with_the_line_to_write(text):
    with pytest.raises(ProjectFileError, match=r"write tool.agents.registries.main = \{ url = "):
        set_registry(text, "main", "https://example.org", None)


@pytest.mark.parametrize("wrong", ["", "x = [", "[project]\nname = 'b'\ndependencies = ['a']\n"])
def test_an_edit_that_came_out_wrong_is_not_given(wrong):
    """Whatever the cause: the text must say what it said, and the change, and no more."""
    document = read_document(PATH, "[project]\nname = 'a'\n")
    with pytest.raises(ProjectFileError, match="cannot be changed"):
        _changed(document, ("project", "dependencies"), ["a"], lambda _: wrong)


@pytest.mark.parametrize(
    ("dependencies", "to_write"),
    [
        # Whose comment is it? The library takes it away with the comma.
        ('[\n  "b"\n  ,  # of May\n  "a"\n]', r'\["a"\]'),
        ('[\n  "a"\n  ,  # of May\n  "b"\n  ,  # of June\n]', r'\["a"\]'),
    ],
)
def test_an_edit_that_would_cost_a_comment_is_not_given(dependencies, to_write):
    text = f'[project]\nname = "a"\ndependencies = {dependencies}\n'
    with pytest.raises(
        ProjectFileError, match=rf"line 3\n(?s:.)*write .*dependencies = {to_write}"
    ):
        edit(PATH, text, remove=["b"])


def test_a_list_is_not_replaced_with_the_comments_in_it():
    text = "[tool.agents]\ntargets = [\n  # Ours.\n  { python = '3.11', platform = 'any' },\n]\n"
    with pytest.raises(ProjectFileError, match=r"line 2\n(?s:.)*write tool.agents.targets = \["):
        set_targets(text, [Target("3.12", "linux/amd64")])


class TestAFileThatTheLibraryPrintsInAnotherWay:
    """Then what stands around an entry is not known, and nothing is edited."""

    @pytest.mark.parametrize(
        "tables",
        [
            "  [tool.a.b]\n  x = 1\n[tool.a.c]\ny = 2\n",
            "[tool.a.b]\nx = 1\n[[tool.many]]\nz = 3\n[tool.a.c]\ny = 2\n",
        ],
        ids=["one header of two is indented", "an array of tables between two of one table"],
    )
    def test_is_edited_rightly_or_not_at_all(self, tables):
        """A later library may print these as they are; then they are edited."""
        text = f"[project]\nname = 'a'\n\n{tables}"
        try:
            said = edit(PATH, text, add=[Requirement("tide")])
        except ProjectFileError as error:
            said = str(error)
        rightly = said.replace('dependencies = ["tide"]\n', "") == text
        assert rightly or 'write project.dependencies = ["tide"]' in said

    @pytest.mark.parametrize(
        ("printed", "text"),
        [
            ("a = 1\nb = 2\n", "a =  1\nb = 2\n"),
            ("b = 2\na = 1\n", "b = 2\na =  1\n"),
            ("# of May\nb = 2\n# of May\n", "# of May\n"),
        ],
    )
    def test_gives_no_entry(self, printed, text):
        tree = Tree(printed)
        tree.text = text
        with pytest.raises(ValueError, match="does not print the file as it is"):
            tree.around_entry(tree.find(("b",))[0])

    def test_gives_no_place_for_a_line(self):
        tree = Tree("a = 1\nb = 2\n")
        tree.text = "a = 1\n# of May\nb = 2\n"
        with pytest.raises(ValueError, match="does not print the file as it is"):
            tree.before_entry(tree.document.body, 1)


@pytest.mark.parametrize(
    "registries",
    [
        "{ one.url = 'https://a.org', one.unsigned = true }",
        "{ one = { url = 'https://a.org', note = [\n 'x',  # why\n] } }",
    ],
    ids=["dotted keys", "several lines"],
)
def test_inline_tables_with_more_than_pairs_are_left_to_people(registries):
    with pytest.raises(ProjectFileError, match=r"write tool.agents.registries.main = "):
        set_registry(
            f"[tool.agents]\nregistries = {registries}\n", "main", "https://example.org", None
        )
