"""What a skill asks for, what a project grants, and what a script says of itself."""

from __future__ import annotations

import pickle

import pytest

from headrace_skills import (
    Grants,
    Needs,
    SkillFormatError,
    SkillNotGrantedError,
    check_granted,
    needs_of,
    read_skill,
)
from headrace_skills.needs import read_script_metadata

from .conftest import write_skill


@pytest.fixture
def asking(tmp_path):
    """A skill whose metadata has some lines."""

    def make(*lines):
        metadata = "".join(f"\n  {line}" for line in lines) if lines else " {}"
        front = f"name: asking\ndescription: Asks.\nmetadata:{metadata}"
        return read_skill(write_skill(tmp_path / "asking", front))

    return make


class TestWhatASkillAsksFor:
    def test_nothing_is_asked_for_by_default(self, asking):
        assert needs_of(asking('version: "1"')) == Needs()

    def test_each_kind_is_read(self, asking):
        skill = asking(
            'headrace-network: "api.example.com *.example.org:8443"',
            "headrace-environment: TOKEN _OTHER",
            "headrace-commands: git clang++ python3.11",
            "headrace-dependencies: |",
            "  httpx>=0.27,<1",
            "",
            "  numpy>=2; python_version >= '3.11'",
        )
        assert needs_of(skill) == Needs(
            network=("api.example.com", "*.example.org:8443"),
            environment=("TOKEN", "_OTHER"),
            commands=("git", "clang++", "python3.11"),
            dependencies=("httpx>=0.27,<1", "numpy>=2; python_version >= '3.11'"),
        )

    def test_what_is_named_twice_is_asked_for_once(self, asking):
        assert needs_of(asking("headrace-commands: git git jq")).commands == ("git", "jq")

    @pytest.mark.parametrize(
        "line",
        [
            "headrace-network: https://example.com",
            "headrace-network: example.com/path",
            'headrace-network: "*"',
            "headrace-network: a.*.example.com",
            "headrace-network: example.com:0",
            "headrace-network: example.com:123456",
            "headrace-network: -a.example.com",
            "headrace-network: [example.com]",
            "headrace-environment: A-B",
            "headrace-environment: 1A",
            "headrace-environment: A=1",
            "headrace-commands: /bin/ls",
            "headrace-commands: ../ls",
            "headrace-commands: -x",
            "headrace-commands: a;b",
            "headrace-dependencies: not a requirement",
            "headrace-dependencies: a @ https://example.com/a.whl",
            "headrace-dependencies: [a, b]",
        ],
    )
    def test_a_value_of_another_form_is_refused_and_shown(self, asking, line):
        with pytest.raises(SkillFormatError) as caught:
            needs_of(asking(line))
        assert line.partition(":")[0] in str(caught.value) or "dependency" in str(caught.value)


class TestWhatIsGranted:
    def test_all_that_is_asked_for_is_granted(self, asking):
        skill = asking("headrace-environment: TOKEN", "headrace-commands: git")
        grants = Grants(environment=("TOKEN", "MORE"), commands=("git",))
        assert check_granted(skill, grants) == Needs(environment=("TOKEN",), commands=("git",))

    def test_dependencies_need_no_grant(self, asking):
        assert check_granted(asking("headrace-dependencies: httpx"), Grants()).dependencies

    def test_what_is_lacking_is_an_error_with_the_lines_to_add(self, asking):
        skill = asking("headrace-network: a.example.com b.example.com")
        with pytest.raises(SkillNotGrantedError) as caught:
            check_granted(skill, Grants(network=("a.example.com", "c.example.com")))
        assert "network b.example.com" in str(caught.value)
        assert (
            "[tool.agents.grants.asking]\n"
            '    network = ["a.example.com", "c.example.com", "b.example.com"]'
        ) in str(caught.value)

    def test_a_wildcard_grants_the_same_wildcard_only(self, asking):
        with pytest.raises(SkillNotGrantedError):
            check_granted(asking("headrace-network: a.example.com"), Grants(("*.example.com",)))

    def test_the_error_travels_between_processes(self, asking):
        with pytest.raises(SkillNotGrantedError) as caught:
            check_granted(asking("headrace-commands: git"), Grants())
        again = pickle.loads(pickle.dumps(caught.value))
        assert (str(again), again.missing) == (str(caught.value), caught.value.missing)


BLOCK = """#!/usr/bin/env python3
# /// script
# requires-python = ">=3.10"
# dependencies = [
#     "httpx>=0.27",
# ]
# ///
import httpx
"""


class TestWhatAScriptSaysOfItself:
    def test_its_dependencies_and_python(self):
        found = read_script_metadata(BLOCK)
        assert (found.dependencies, found.requires_python) == (("httpx>=0.27",), ">=3.10")

    @pytest.mark.parametrize(
        "text", ["", "print(1)\n", "# /// other\n# a = 1\n# ///\n", "# /// script\n# a = 1\n"]
    )
    def test_none_where_it_says_nothing(self, text):
        assert read_script_metadata(text) is None

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            (BLOCK + BLOCK, "two blocks"),
            ("# /// script\n# dependencies = [\n# ///\n", "not TOML"),
            ("# /// script\n# dependencies = 'httpx'\n# ///\n", "not a list"),
            ("# /// script\n# dependencies = ['a b']\n# ///\n", "not a requirement"),
            ("# /// script\n# requires-python = 3\n# ///\n", "not a text"),
            ("# /// script\n# a = " + "[" * 30_000 + "\n# ///\n", "not TOML"),
        ],
    )
    def test_what_cannot_be_read_is_refused(self, text, why):
        with pytest.raises(SkillFormatError, match=why):
            read_script_metadata(text)

    def test_a_line_of_comment_without_a_blank_ends_the_block(self):
        assert read_script_metadata("# /// script\n#a = 1\n# ///\n") is None

    def test_the_last_end_counts(self):
        text = "# /// script\n# dependencies = []\n# ///\n# more = 1\n# ///\n"
        with pytest.raises(SkillFormatError, match="not TOML"):
            read_script_metadata(text)
