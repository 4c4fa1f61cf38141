"""Paths of this machine in a plan: marked where they are the project's, refused elsewhere."""

from __future__ import annotations

import json

import pytest

from headrace.jobs.places import located
from headrace.plan import ResourceProvider
from headrace_registry.bundle._places import mark_places
from headrace_registry.bundle.settings import BundleSettings
from headrace_registry.errors import BundleError

from .conftest import Folder, model_with, plan_of, prompt_of, skills_with


@pytest.fixture
def mark(project):
    """Mark the places of a plan."""

    def mark_plan(plan, root="", **settings):
        return mark_places(
            plan,
            root=project.path / root,
            project=project.path,
            settings=BundleSettings(**settings),
        )

    return mark_plan


@pytest.fixture
def marked(mark):
    """The argument ``policy`` of a model, marked."""

    def mark_argument(value, **more):
        plan, _ = mark(plan_of(model_with(policy=value)), **more)
        return plan.resource_providers["chat_models"]["llm"].arguments["policy"]

    return mark_argument


@pytest.fixture
def refused(mark):
    """What is said of a plan whose places workers do not have."""

    def mark_plan(plan, **more):
        with pytest.raises(BundleError) as caught:
            mark(plan, **more)
        return str(caught.value)

    return mark_plan


class TestAbsolutePaths:
    def test_one_in_the_project_becomes_a_place_in_the_zip(self, project, marked):
        project.write({"conf/policy.yaml": ""})
        assert marked(str(project.path / "conf/policy.yaml")) == "job:/app/conf/policy.yaml"

    def test_what_it_names_is_told(self, project, mark):
        project.write({"a.yaml": "", "skills/x/SKILL.md": ""})
        plan = plan_of(
            model_with(policy=str(project.path / "a.yaml")),
            skills_with(folders=[str(project.path / "skills")]),
        )
        assert mark(plan)[1] == (project.path / "a.yaml", project.path / "skills")

    def test_one_deep_in_an_argument_is_found(self, project, marked):
        project.write({"a.yaml": ""})
        path = str(project.path / "a.yaml")
        assert marked({"x": [{"y": path}, 1, None]}) == {
            "x": [{"y": "job:/app/a.yaml"}, 1, None],
        }

    def test_one_in_a_parameter_is_found(self, project, mark):
        project.write({"a.yaml": ""})
        plan, named = mark(plan_of(parameters={"rules": str(project.path / "a.yaml")}))
        assert plan.parameters == {"rules": "job:/app/a.yaml"}
        assert named == (project.path / "a.yaml",)

    @pytest.mark.parametrize("way", ["{}/./conf/../a.yaml", "{}//a.yaml"])
    def test_one_that_is_written_oddly_is_plain_in_the_zip(self, project, marked, way):
        project.write({"a.yaml": "", "conf/b.yaml": ""})
        assert marked(way.format(project.path)) == "job:/app/a.yaml"

    def test_a_project_that_is_reached_by_a_link_is_the_project(self, project, tmp_path):
        project.write({"a.yaml": ""})
        (tmp_path / "link").symlink_to(project.path)
        for here, there in ((tmp_path / "link", project.path), (project.path, tmp_path / "link")):
            plan = plan_of(model_with(policy=str(there / "a.yaml")))
            made, named = mark_places(plan, root=here, project=here, settings=BundleSettings())
            assert "job:/app/a.yaml" in made.model_dump_json()
            assert named[0].samefile(project.path / "a.yaml")

    def test_one_elsewhere_is_refused_with_its_argument_and_the_way_out(self, refused, tmp_path):
        (tmp_path / "rules.yaml").write_text("")
        said = refused(plan_of(model_with(policy=str(tmp_path / "rules.yaml"))))
        assert "resources.llm.policy" in said
        assert "outside of the project" in said
        assert "paths =" in said

    def test_one_that_the_workers_have_themselves_stays(self, marked, tmp_path):
        (tmp_path / "rules.yaml").write_text("")
        path = str(tmp_path / "rules.yaml")
        assert marked(path, paths=(str(tmp_path),)) == path

    @pytest.mark.parametrize("path", ["/", "/tmp", "/dev/null", "/no/such/path", "/v1/chat"])
    def test_what_every_worker_has_or_is_not_here_stays(self, marked, path):
        assert marked(path) == path

    def test_one_in_the_project_that_is_not_there_is_refused(self, project, refused):
        said = refused(plan_of(model_with(policy=str(project.path / "out.db"))))
        assert "resources.llm.policy" in said
        assert "nothing in the project" in said

    def test_the_whole_project_is_refused(self, project, refused):
        project.write({"a.yaml": ""})
        assert "the whole project" in refused(plan_of(model_with(policy=str(project.path))))

    def test_all_faults_are_told_at_once(self, project, refused, tmp_path):
        (tmp_path / "rules.yaml").write_text("")
        said = refused(
            plan_of(
                model_with(policy=str(tmp_path / "rules.yaml"), other=str(project.path / "gone")),
                parameters={"x": "job:/app/y"},
            )
        )
        assert "resources.llm.policy" in said
        assert "resources.llm.other" in said
        assert "parameters.x" in said


class TestRelativePaths:
    @pytest.mark.parametrize("path", ["conf/policy.yaml", "policy.yaml", "./conf", "conf/"])
    def test_one_that_is_there_and_looks_like_a_path_is_marked(self, project, marked, path):
        project.write({"conf/policy.yaml": "", "policy.yaml": ""})
        assert marked(path) == f"job:/app/{path.removeprefix('./').rstrip('/')}"

    @pytest.mark.parametrize(
        "text", ["conf", "gpt-4.1-mini", "meta/llama", "conf/none", ".", "", "a\0b"]
    )
    def test_other_texts_stay(self, project, marked, text):
        project.write({"conf/policy.yaml": ""})
        assert marked(text) == text

    def test_one_that_leads_out_of_the_project_is_refused(self, project, refused):
        (project.path.parent / "rules.yaml").write_text("")
        assert "leads out" in refused(plan_of(model_with(policy="../rules.yaml")))

    def test_a_folder_of_skills_needs_no_look_of_a_path(self, project, mark):
        project.write({"skills/x/SKILL.md": "", "ready/x": ""})
        plan, named = mark(plan_of(skills_with(folders=["skills"], packages="ready")))
        arguments = plan.resource_providers["tools"]["skills"].arguments
        assert arguments == {"folders": ["job:/app/skills"], "packages": "job:/app/ready"}
        assert named == (project.path / "ready", project.path / "skills")

    def test_a_choice_of_such_a_folder_stays_the_same_folder(self, project, mark):
        project.write({"skills/x/SKILL.md": ""})
        choose = {"x": "skills", "y": "skill-y"}
        plan, _ = mark(plan_of(skills_with(folders=["skills"], choose=choose)))
        arguments = plan.resource_providers["tools"]["skills"].arguments
        assert arguments["choose"] == {"x": arguments["folders"][0], "y": "skill-y"}

    def test_a_folder_of_the_projects_package_is_named_with_the_package(self, project, mark):
        project.write({"src/lore/__init__.py": "", "src/lore/skills/x/SKILL.md": ""})
        plan, named = mark(plan_of(skills_with(folders=["lore:skills"])), root="src")
        arguments = plan.resource_providers["tools"]["skills"].arguments
        assert arguments == {"folders": ["lore:skills"]}
        assert named == (project.path / "src/lore",)


class TestWhatAModelIsTold:
    def test_prompts_are_not_touched(self, project, mark):
        project.write({"conf/policy.yaml": ""})
        plan = plan_of(prompt_of("conf/policy.yaml"))
        assert mark(plan) == (plan, ())

    def test_a_functions_description_is_not_touched(self, project, mark):
        project.write({"a.yaml": ""})
        tool = ResourceProvider(
            kind="tools",
            name="read",
            target="job:read",
            arguments={"description": "a.yaml", "parameters": {"enum": ["a.yaml"]}},
        )
        assert mark(plan_of(tool)) == (plan_of(tool), ())

    def test_a_prompt_that_would_be_taken_for_a_mark_is_refused(self, refused):
        assert "resources.ask.messages.0.content" in refused(plan_of(prompt_of("job:/app/x is")))

    def test_a_prompt_that_mentions_the_projects_path_is_refused(self, project, refused):
        said = refused(plan_of(prompt_of(f"Look into {project.path}/data for it.")))
        assert "resources.ask.messages.0.content mentions the path" in said


class TestWhatIsLeft:
    def test_the_projects_path_inside_of_a_text_is_refused(self, project, refused):
        said = refused(plan_of(model_with(policy=f"file://{project.path}/a.db?mode=ro")))
        assert "resources.llm.policy mentions the path" in said

    def test_the_projects_path_in_a_name_is_refused(self, project, refused):
        assert "mentions the path" in refused(plan_of(model_with(x={str(project.path): 1})))

    def test_a_longer_name_is_another_path(self, project, marked):
        text = f"{project.path}-old is no more, and my{project.path}"
        assert marked(text) == text

    def test_a_plan_without_places_is_the_same_bytes(self, mark):
        plan = plan_of(model_with(b=1, a="x"), prompt_of("Hi"), parameters={"z": [1.5], "a": None})
        assert mark(plan)[0].model_dump_json() == plan.model_dump_json()

    def test_the_same_project_elsewhere_gives_the_same_bytes(self, tmp_path):
        made = []
        for place in ("here", "there/deep"):
            folder = Folder(tmp_path / place).write({"a.yaml": "", "skills/x/SKILL.md": ""}).path
            plan = plan_of(
                model_with(policy=str(folder / "a.yaml"), z=1, a=2),
                skills_with(folders=[str(folder / "skills")]),
            )
            done, _ = mark_places(plan, root=folder, project=folder, settings=BundleSettings())
            made.append(done.model_dump_json())
        assert made[0] == made[1]

    def test_a_worker_finds_the_files_again(self, project, mark, tmp_path):
        project.write({"a.yaml": ""})
        plan, _ = mark(plan_of(model_with(policy=str(project.path / "a.yaml"))))
        there = located(plan, tmp_path / "worker")
        said = json.loads(there.model_dump_json())["resource_providers"]["chat_models"]["llm"]
        assert said["arguments"] == {"policy": str(tmp_path / "worker" / "app" / "a.yaml")}
