"""``[tool.agents]`` edited, and read back by what reads it for the rest of headrace."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from headrace_registry import projects
from headrace_registry.settings import RegistrySettings, Source, Target, read_settings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KEY = "sha256:" + "0" * 64
OTHER = "sha256:" + "1" * 64
AGENTS = '[tool.agents]\nagent = "a:B"  # mine\n\n[tool.ruff]\nx = 1\n'
SOURCE = Source("./skills/tides", OTHER, None)


def settings(text: str):
    return read_settings(tomllib.loads(text).get("tool", {}).get("agents", {}), Path("/project"))


@pytest.mark.parametrize("text", ["", '[project]\nname = "a"\n', '[project]\nname = "a"', AGENTS])
class TestWhatIsAdded:
    def test_a_registry_is_read_back(self, text):
        after = projects.set_registry(text, "main", "https://example.org/r", KEY, "ca.pem")
        expected = RegistrySettings("main", "https://example.org/r", KEY, Path("/project/ca.pem"))
        assert settings(after).registries == (expected,)

    def test_a_source_is_read_back(self, text):
        after = projects.set_source(text, "Skill.Tides", SOURCE)
        assert settings(after).sources == {"skill-tides": SOURCE}

    def test_targets_are_read_back(self, text):
        targets = (Target("3.11", "linux/amd64"), Target("3.12", "macos/arm64"))
        assert settings(projects.set_targets(text, targets)).targets == targets

    def test_a_targets_line_of_flink_is_read_back(self, text):
        targets = (Target("3.11", "linux/amd64", "1.20"),)
        (target,) = settings(projects.set_targets(text, targets)).targets
        assert target.flink == "1.20"

    def test_and_taken_away_again_leaves_the_first_text(self, text):
        after = projects.set_registry(text, "main", "https://example.org", KEY)
        after = projects.set_source(after, "skill-tides", "main")
        after = projects.set_source(after, "skill-b", SOURCE)
        after = projects.add_grant(after, "tides", {"network": ["a.org"], "commands": ["jq"]})
        after = projects.remove_grant(after, "tides")
        after = projects.remove_source(after, "skill-b")
        after = projects.remove_source(after, "skill-tides")
        assert projects.remove_registry(after, "main") == text


def test_windows_line_ends_stay():
    after = projects.set_registry(AGENTS.replace("\n", "\r\n"), "main", "https://a.org", None)
    plain = projects.set_registry(AGENTS, "main", "https://a.org", None)
    assert after == plain.replace("\n", "\r\n")


class TestARegistry:
    def test_that_is_not_signed_says_so(self):
        after = projects.set_registry("", "main", "https://example.org", None)
        assert (
            after == '[tool.agents.registries.main]\nurl = "https://example.org"\nunsigned = true\n'
        )

    def test_gets_other_values_in_its_place(self):
        before = (
            "[tool.agents.registries.main]  # ours\n"
            'key = "' + KEY + '"  # of May\nurl = "https://example.org"\nca = "x.pem"\n\n[a]\n'
        )
        after = projects.set_registry(before, "main", "https://example.org", OTHER)
        assert after == before.replace(KEY, OTHER).replace('ca = "x.pem"\n', "")

    def test_stands_behind_the_others(self):
        first = projects.set_registry(AGENTS, "one", "https://one.example.org", None)
        second = projects.set_registry(first, "two", "https://two.example.org", None)
        assert [one.name for one in settings(second).registries] == ["one", "two"]
        assert second.endswith("\n[tool.ruff]\nx = 1\n")

    @pytest.mark.parametrize(
        "before",
        [
            '[tool.agents]\nregistries = { one = { url = "https://a.org", unsigned = true } }\n',
            '[tool.agents]\nregistries = {one = {url = "https://a.org", unsigned = true}}\n',
            '[tool.agents]\nregistries.one.url = "https://a.org"\nregistries.one.unsigned = true\n',
            '[tool]\nagents.registries.one = { url = "https://a.org", unsigned = true }\n',
            '[tool.agents.registries]\none = { url = "https://a.org", unsigned = true }\n',
        ],
    )
    def test_joins_others_however_they_are_written(self, before):
        after = projects.set_registry(before, "two", "https://b.org", KEY)
        assert [one.name for one in settings(after).registries] == ["one", "two"]
        assert projects.remove_registry(after, "two") == before
        changed = projects.set_registry(before, "one", "https://c.org", KEY)
        assert settings(changed).registries == (RegistrySettings("one", "https://c.org", KEY),)

    def test_goes_without_what_is_said_of_the_next_table(self):
        before = (
            '[tool.agents.registries.main]\nurl = "https://a.org"\nunsigned = true\n\n'
            "# How the code is checked.\n\n[tool.ruff]\nx = 1\n"
        )
        after = projects.remove_registry(before, "main")
        assert after == "\n# How the code is checked.\n\n[tool.ruff]\nx = 1\n"

    def test_joins_its_table_wherever_that_is_in_the_file(self):
        before = (
            '[tool.agents]\nagent = "a:B"\n# key = "user"\n\n[tool.ruff]\nx = 1\n\n'
            '[project]\nname = "a"\n\n[tool.agents.run]\nkey = "user"  # last\n\n[tool.mypy]\n'
        )
        after = projects.set_registry(before, "main", "https://a.org", None)
        block = '\n[tool.agents.registries.main]\nurl = "https://a.org"\nunsigned = true\n'
        assert after == before.replace("# last\n", f"# last\n{block}")
        assert projects.remove_registry(after, "main") == before

    def test_that_is_not_there_cannot_be_missed(self):
        assert projects.remove_registry(AGENTS, "main") == AGENTS


class TestASource:
    def test_is_changed_under_the_name_that_it_has_there(self):
        before = '[tool.agents.sources]\n"Skill.Tides" = "main"  # theirs\n'
        after = projects.set_source(before, "skill-tides", "index")
        assert after == '[tool.agents.sources]\n"Skill.Tides" = "index"  # theirs\n'

    def test_of_a_folder_takes_the_place_of_a_registrys(self):
        before = '[tool.agents.sources]\nskill-tides = "index"\n'
        after = projects.set_source(before, "skill-tides", SOURCE)
        assert settings(after).sources == {"skill-tides": SOURCE}

    def test_keeps_the_table_that_it_is_written_as(self):
        before = (
            f'[tool.agents.sources.skill-tides]\nfrom = "./x"\ndigest = "{KEY}"\ncommit = "c"\n'
        )
        after = projects.set_source(before, "skill-tides", SOURCE)
        assert after == (
            f'[tool.agents.sources.skill-tides]\nfrom = "./skills/tides"\ndigest = "{OTHER}"\n'
        )

    def test_of_a_registry_takes_the_place_of_a_folders(self):
        before = f'[tool.agents.sources.skill-tides]\nfrom = "./x"\ndigest = "{KEY}"\n'
        after = projects.set_source(before, "skill-tides", "index")
        assert tomllib.loads(after) == {"tool": {"agents": {"sources": {"skill-tides": "index"}}}}

    def test_stands_beside_those_that_are_tables(self):
        before = f'[tool.agents.sources.a]\nfrom = "./x"\ndigest = "{OTHER}"  # of May\n'
        after = projects.set_source(before, "b", "index")
        written = {"from": "./x", "digest": OTHER}
        assert tomllib.loads(after)["tool"]["agents"]["sources"] == {"a": written, "b": "index"}
        assert after.startswith(before)

    def test_nothing_in_a_name_can_add_a_line(self):
        hostile = Source('x"\n[tool.agents.registries.evil]\nurl="', OTHER, "\x00\x7f")
        after = projects.set_source("", "skill-tides", hostile)
        assert settings(after).sources == {"skill-tides": hostile}
        assert settings(after).registries == ()


class TestTargets:
    TWO = (Target("3.11", "linux/amd64"), Target("3.12", "macos/arm64"))

    @pytest.mark.parametrize(
        ("above", "below"),
        [
            ('[tool.agents]\nagent = "a:B"  # mine\n', ""),
            ('[tool.agents]\nagent = "a:B"\n# key = "user"\n', "\n[tool.ruff]\nx = 1\n"),
            ('[tool.agents]\nagent = "a:B"\n', "# Checks.\n[tool.ruff]\nx = 1\n"),
            ('[tool.agents]\nagent = "a:B"\n', "\n# Checks.\n\n[tool.ruff]\nx = 1\n"),
            ("[tool.agents]\n# What runs.\n", "\n[tool.agents.run]\n"),
            ("[tool.agents]\n", "\n[tool.ruff]\nx = 1\n\n[tool.agents.run]\n"),
        ],
    )
    def test_stand_behind_what_the_table_has(self, above, below):
        after = projects.set_targets(above + below, self.TWO)
        assert settings(after).targets == self.TWO
        assert after.startswith(f"{above}targets = [")
        assert after.partition("targets = ")[2].partition("\n")[2] == below

    def test_are_replaced_with_the_comment_beside_them(self):
        before = "[tool.agents]\ntargets = [\n]  # those that we run\n"
        after = projects.set_targets(before, self.TWO)
        assert settings(after).targets == self.TWO
        assert after.endswith("]  # those that we run\n")

    def test_without_any_go_with_their_line_only(self):
        before = '[tool.agents]\n# What runs.\nagent = "a:B"\n'
        after = projects.set_targets(before, self.TWO)
        assert projects.set_targets(after, ()) == before


class TestGrants:
    def test_come_to_those_that_are_there(self):
        before = '[tool.agents.grants.tides]\nnetwork = ["a.org"]  # seen\n'
        after = projects.add_grant(before, "tides", {"network": ["a.org", "b.org"], "commands": []})
        assert after == '[tool.agents.grants.tides]\nnetwork = ["a.org", "b.org"]  # seen\n'

    def test_leave_the_comments_in_the_list(self):
        before = (
            "[tool.agents.grants.tides]\nnetwork = [\n"
            '    "a.org",  # seen\n    # and asked for:\n    "b.org",\n'
        )
        after = projects.add_grant(f"{before}]\n", "tides", {"network": ["c.org", "d.org"]})
        assert after == f'{before}    "c.org",\n    "d.org",\n]\n'


def test_comments_in_a_table_keep_it_when_its_last_entry_goes():
    before = '[tool.agents.sources]\n# Where things come from.\na = "index"\n'
    after = projects.remove_source(before, "a")
    assert after == "[tool.agents.sources]\n# Where things come from.\n"
