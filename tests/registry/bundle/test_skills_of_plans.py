"""The skills that plans offer: where they come from, and whether the target can run them."""

from __future__ import annotations

import csv

import pytest

from headrace_registry.bundle._skills import STOCK, skill_distributions, skills_of
from headrace_registry.bundle.settings import BundleSettings
from headrace_registry.settings import Target
from headrace_skills._script_packages import folder_name
from headrace_skills.packing import contents_of

from .conftest import plan_of, skills_with

PY311 = Target("3.11", "linux/amd64")
INLINE = "# /// script\n# dependencies = [{}]\n# ///\nprint(1)\n"


@pytest.fixture
def find(project):
    """The skills of a plan with one tool for skills, and the problems."""

    def find_skills(settings=None, root="", packages=None, scripts=(), target=PY311, **arguments):
        return skills_of(
            {"Triage": plan_of(skills_with(**arguments))},
            project=project.path,
            root=project.path / root,
            settings=BundleSettings(**settings or {}),
            packages=packages,
            scripts=scripts,
            target=target,
        )

    return find_skills


@pytest.fixture
def problem(find):
    """The one problem of a plan."""

    def find_problem(*arguments, **more):
        _, problems = find(*arguments, **more)
        assert len(problems) == 1
        return problems[0]

    return find_problem


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution with a skill."""

    def install_skill(project, distribution, skill):
        site = tmp_path / "site"
        package = distribution.replace("-", "_")
        path = f"{package}/.agents/skills/{skill}"
        project.skill(f"../../site/{path}")
        info = site / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        )
        with (info / "RECORD").open("w", newline="") as file:
            csv.writer(file).writerows([one, "", ""] for one in (f"{path}/SKILL.md",))
        (info / "top_level.txt").write_text(package)
        monkeypatch.syspath_prepend(str(site))

    return install_skill


class TestWhereSkillsComeFrom:
    def test_one_of_a_folder_is_listed_with_its_place_in_the_zip_and_its_digest(
        self, project, find
    ):
        folder = project.skill("skills/triage")
        (entry,), problems = find(folders=[str(project.path / "skills")])
        assert problems == []
        assert (entry.name, entry.origin) == ("triage", "app/skills/triage")
        assert entry.digest == contents_of(folder).digest()

    def test_a_folder_that_is_a_skill_itself_is_its_place(self, project, find):
        project.skill("skills/triage")
        (entry,), _ = find(folders=["skills/triage"])
        assert entry.origin == "app/skills/triage"

    def test_a_folder_that_is_a_link_is_where_the_zip_has_it(self, project, find):
        project.skill("shared/triage")
        (project.path / "skills").symlink_to("shared")
        (entry,), _ = find(folders=["skills"])
        assert entry.origin == "app/skills/triage"

    def test_a_relative_folder_is_seen_from_the_project(self, project, find, monkeypatch, tmp_path):
        project.skill("skills/triage")
        monkeypatch.chdir(tmp_path)
        (entry,), _ = find(folders=["skills"])
        assert entry.origin == "app/skills/triage"

    def test_one_of_the_projects_package_is_seen_from_where_that_is_imported(self, project, find):
        project.write({"src/lore/__init__.py": ""}).skill("src/lore/skills/triage")
        (entry,), problems = find(root="src", folders=["lore:skills"])
        assert (entry.origin, problems) == ("app/lore/skills/triage", [])

    def test_one_that_is_installed_comes_from_its_distribution(self, project, find, install):
        install(project, "skill-of-logs", "log-reading")
        (entry,), problems = find(skills=["log-reading"], packages={"skill-of-logs": "1.0"})
        assert (entry.origin, problems) == ("skill-of-logs", [])

    def test_the_distributions_that_bring_skills_are_told(self, project, install):
        install(project, "skill-of-logs", "log-reading")
        project.skill("skills/triage")
        plan = plan_of(skills_with(skills=["log-reading", "triage"], folders=["skills"]))
        assert skill_distributions({"Triage": plan}, project=project.path) == {
            "skill-of-logs": "log-reading"
        }

    def test_only_the_skills_that_are_named_are_listed(self, project, find):
        project.skill("skills/triage")
        project.skill("skills/other")
        entries, _ = find(skills=["triage"], folders=["skills"])
        assert [one.name for one in entries] == ["triage"]

    def test_a_skill_of_two_agents_is_listed_once(self, project):
        project.skill("skills/triage")
        plan = plan_of(skills_with(folders=["skills"]))
        entries, _ = skills_of(
            {"A": plan, "B": plan}, project=project.path, settings=BundleSettings()
        )
        assert [one.name for one in entries] == ["triage"]

    def test_a_choice_between_two_places_counts(self, project, find):
        project.skill("a/triage")
        project.skill("b/triage")
        (entry,), problems = find(folders=["a", "b"], skills=["triage"], choose={"triage": "b"})
        assert (entry.origin, problems) == ("app/b/triage", [])

    def test_a_plan_without_skills_has_none(self, project):
        assert skills_of({"A": plan_of()}, project=project.path, settings=BundleSettings()) == (
            (),
            [],
        )


class TestWhatIsNotThere:
    def test_a_skill_that_is_named_and_not_to_be_had(self, project, problem):
        project.skill("skills/triage")
        said = problem(skills=["triaje", "triage"], folders=["skills"])
        assert "resources.skills of Triage" in said
        assert "there is no skill 'triaje'" in said
        assert "agents skills add triaje" in said

    def test_a_folder_that_is_not_there(self, problem):
        assert "skills" in problem(folders=["skills"])

    def test_two_places_with_one_name(self, project, problem):
        project.skill("a/triage")
        project.skill("b/triage")
        assert "2 places have a skill 'triage'" in problem(folders=["a", "b"])

    def test_a_distribution_that_is_not_in_the_zip(self, project, problem, install):
        install(project, "skill-of-logs", "log-reading")
        said = problem(skills=["log-reading"], packages={"pydantic": "2.12"})
        assert "comes from skill-of-logs, which is not among the packages of the zip" in said

    def test_a_folder_outside_of_the_project(self, project, problem, tmp_path):
        project.skill("../elsewhere/triage")
        assert "outside of the project" in problem(folders=[str(tmp_path / "home/elsewhere")])

    def test_one_that_the_workers_have_is_fine(self, project, find, tmp_path):
        project.skill("../elsewhere/triage")
        place = str(tmp_path / "home/elsewhere")
        (entry,), problems = find({"paths": (place,)}, folders=[place])
        assert (entry.name, problems) == ("triage", [])

    def test_all_problems_are_told_at_once(self, project, find):
        project.skill("skills/triage", "headrace-commands: jq ffmpeg")
        grants = {"triage": {"commands": ["jq", "ffmpeg"]}}
        _, problems = find(skills=["triage", "none"], folders=["skills"], grants=grants)
        assert len(problems) == 3


class TestGrants:
    def test_what_is_granted_is_listed(self, project, find):
        project.skill(
            "skills/triage",
            "headrace-network: api.example.com",
            "headrace-environment: TOKEN",
            "headrace-commands: jq",
        )
        grant = {"network": ["api.example.com"], "environment": ["TOKEN"], "commands": ["jq"]}
        (entry,), problems = find(
            {"commands": ("jq",)}, folders=["skills"], grants={"triage": grant}
        )
        assert problems == []
        assert (entry.network, entry.environment, entry.commands) == (
            ("api.example.com",),
            ("TOKEN",),
            ("jq",),
        )

    def test_what_is_not_granted_would_be_refused_at_run_time(self, project, problem):
        project.skill("skills/triage", "headrace-environment: TOKEN")
        said = problem(folders=["skills"])
        assert "does not grant: environment TOKEN" in said
        assert "[tool.agents.grants.triage]" in said

    def test_a_grant_of_an_unknown_kind_is_a_problem(self, project, problem):
        project.skill("skills/triage")
        assert "files" in problem(folders=["skills"], grants={"triage": {"files": ["/"]}})


class TestCommands:
    @pytest.fixture
    def asking(self, project, find):
        def ask(command, **more):
            project.skill("skills/triage", f"headrace-commands: {command}")
            grants = {"triage": {"commands": [command]}}
            return find(more.pop("settings", None), folders=["skills"], grants=grants, **more)[1]

        return ask

    def test_one_that_the_target_lacks_is_a_problem_with_the_way_out(self, asking):
        (said,) = asking("jq")
        assert "the skill triage runs the program 'jq'" in said
        assert 'commands = ["jq"]' in said

    @pytest.mark.parametrize(
        "command", ["bash", "sort", "grep", "sed", "awk", "tar", "find", "perl"]
    )
    def test_one_of_every_system_is_none(self, asking, command):
        assert asking(command) == []

    def test_one_that_the_project_says_the_workers_have_is_none(self, asking):
        assert asking("jq", settings={"commands": ("jq",)}) == []

    def test_one_that_a_package_of_the_zip_brings_is_none(self, asking):
        assert asking("jq", scripts={"jq"}) == []

    def test_what_images_differ_in_is_not_taken_for_granted(self):
        assert not STOCK & {"curl", "wget", "git", "jq", "unzip", "node", "ps"}


class TestScripts:
    @pytest.mark.parametrize(
        ("name", "source"),
        [
            ("check_py", "print(1)"),
            ("check_sh", "echo 1"),
            ("check", "#!/usr/bin/env bash\necho 1"),
            ("check", "#!/usr/bin/python3\nprint(1)"),
            ("check", "#!/usr/bin/env -S python3 -u\nprint(1)"),
            ("data_json", "{}"),
        ],
    )
    def test_those_that_every_worker_can_run(self, project, find, name, source):
        project.skill("skills/triage", **{name: source})
        assert find(folders=["skills"])[1] == []

    @pytest.mark.parametrize(
        ("name", "source", "program"),
        [
            ("check_js", "1", "node"),
            ("check", "#!/usr/bin/env ruby\n1", "ruby"),
            ("check", "#!/usr/local/bin/deno\n1", "deno"),
            ("check", "#!/usr/bin/env -S LANG=C php -q\n1", "php"),
        ],
    )
    def test_those_in_a_language_that_the_target_lacks(
        self, project, problem, name, source, program
    ):
        project.skill("skills/triage", **{name: source})
        said = problem(folders=["skills"])
        assert f"the skill triage has scripts for {program} (scripts/" in said
        assert f'commands = ["{program}"]' in said

    def test_a_language_that_the_workers_have_is_fine(self, project, find):
        project.skill("skills/triage", check_js="1")
        assert find({"commands": ("node",)}, folders=["skills"])[1] == []


class TestWhatScriptsImport:
    def test_what_the_zips_packages_meet_is_fine(self, project, find):
        project.skill("skills/triage", check_py=INLINE.format('"HTTPX>=0.27,<1"'))
        assert find(folders=["skills"], packages={"httpx": "0.28.1"})[1] == []

    @pytest.mark.parametrize(
        ("packages", "told"),
        [({}, "httpx>=0.27"), ({"httpx": "0.20"}, "httpx>=0.27 (the zip has 0.20)")],
    )
    def test_what_they_do_not_meet_is_a_problem(self, project, problem, packages, told):
        project.skill("skills/triage", check_py=INLINE.format('"httpx>=0.27"'))
        said = problem(folders=["skills"], packages=packages)
        assert f"scripts/check.py of the skill triage needs {told}" in said
        assert "agents lock" in said

    def test_what_the_skill_declares_counts_for_its_python_scripts(self, project, problem):
        project.skill("skills/triage", "headrace-dependencies: httpx", check_py="import httpx")
        assert "needs httpx" in problem(folders=["skills"], packages={})

    def test_markers_are_those_of_the_target(self, project, find):
        asked = "\"tomli; python_version < '3.11'\", \"winreg; sys_platform == 'win32'\""
        project.skill("skills/triage", check_py=INLINE.format(asked))
        assert find(folders=["skills"], packages={})[1] == []
        old = Target("3.10", "linux/amd64")
        (said,) = find(folders=["skills"], packages={}, target=old)[1]
        assert "needs tomli" in said

    def test_a_prepared_folder_meets_them(self, project, find):
        project.skill("skills/triage", check_py=INLINE.format('"httpx"'))
        project.write({f"ready/{folder_name(['httpx'], '3.11')}/httpx.py": ""})
        plan = plan_of(skills_with(folders=["skills"], packages="ready"))
        _, problems = skills_of(
            {"Triage": plan},
            project=project.path,
            settings=BundleSettings(),
            packages={},
            target=PY311,
        )
        assert problems == []

    def test_a_script_for_another_python_is_a_problem(self, project, problem):
        script = '# /// script\n# requires-python = ">=3.12"\n# ///\n'
        project.skill("skills/triage", check_py=script)
        assert "is for Python >=3.12, and the zip for 3.11" in problem(folders=["skills"])

    def test_a_patch_release_that_may_be_there_is_none(self, project, find):
        script = '# /// script\n# requires-python = ">=3.11.4"\n# ///\n'
        project.skill("skills/triage", check_py=script)
        assert find(folders=["skills"])[1] == []

    def test_metadata_that_cannot_be_read_is_a_problem(self, project, problem):
        project.skill("skills/triage", check_py="# /// script\n# dependencies = [\n# ///\n")
        assert "scripts/check.py" in problem(folders=["skills"], packages={})
