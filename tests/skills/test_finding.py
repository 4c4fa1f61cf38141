"""Finding skills: in metadata of installed packages and in folders, with nothing imported."""

from __future__ import annotations

import pickle
import sys

import pytest

from headrace_skills import (
    SkillBrokenError,
    SkillConflictError,
    SkillNotFoundError,
    find_skills,
)

from .conftest import Site, write_skill

BOMB = "raise SystemExit('the package was imported')"


def names(found):
    return [one.name for one in found]


# ------------------------------------------------------------------ installed


@pytest.mark.parametrize(
    ("value", "folder"),
    [
        ("acme", "acme"),
        ("acme:skills/triage", "acme/skills/triage"),
        ("acme : skills/triage", "acme/skills/triage"),
        ("acme:.agents/skills/triage", "acme/.agents/skills/triage"),
        ("acme:skills", "acme/skills/triage"),
        ("acme", "acme/.agents/skills/triage"),
        ("acme", "acme/triage"),
        ("acme.sub:data", "acme/sub/data"),
    ],
)
def test_an_entry_point_leads_to_a_skill_and_nothing_is_imported(site, value, folder):
    write_skill(site.folder / folder, "name: triage\ndescription: d")
    (site.folder / "acme" / "__init__.py").write_text(BOMB)
    site.install("acme-skills", "1.2", points={"triage": value})
    found = find_skills(path=site.path)
    assert found.broken == ()
    (skill,) = found
    assert (skill.name, skill.distribution, skill.version) == ("triage", "acme-skills", "1.2")
    assert skill.source == "acme-skills 1.2"
    assert skill.root == (site.folder / folder).resolve()
    assert "acme" not in sys.modules


@pytest.mark.parametrize(
    "value",
    ["acme:../other", "acme:/etc", "acme:a/../../b", "/etc", "..", "acme:nothing", "absent", "a b"],
)
def test_an_entry_point_that_leads_nowhere_is_a_value(site, value):
    write_skill(site.folder / "other")
    write_skill(site.folder / "b")
    (site.folder / "acme").mkdir()
    site.install("acme", points={"triage": value})
    found = find_skills(path=site.path)
    assert len(found) == 0
    assert [one.name for one in found.broken] == ["triage"]
    with pytest.raises(SkillBrokenError, match="entry point"):
        found.get("triage")


def test_the_convention_is_read_from_the_record(site):
    folder = site.convention("acme-tool", "triage", "2.0")
    found = find_skills(path=site.path)
    assert [(s.name, s.root, s.source) for s in found] == [("triage", folder, "acme-tool 2.0")]


def test_a_folder_that_no_record_lists_is_not_found(site):
    write_skill(site.folder / "acme" / ".agents" / "skills" / "triage")
    site.install("acme", recorded=("acme/__init__.py",))
    assert len(find_skills(path=site.path)) == 0


@pytest.mark.parametrize(
    "record",
    [
        "../outside/.agents/skills/triage/SKILL.md",
        "acme/../../outside/.agents/skills/triage/SKILL.md",
        "/abs/.agents/skills/triage/SKILL.md",
        ".agents/skills/triage/SKILL.md",
        "acme/.agents/skills/triage/deeper/SKILL.md",
    ],
)
def test_a_record_cannot_point_out_of_its_packages(site, tmp_path, record):
    write_skill(tmp_path / "outside" / ".agents" / "skills" / "triage")
    site.install("acme", recorded=(record,))
    found = find_skills(path=site.path)
    assert (len(found), found.broken) == (0, ())


def test_a_package_that_carries_both_is_one_skill(site):
    site.convention("acme", "triage", points={"triage": "acme:.agents/skills/triage"})
    found = find_skills(path=site.path)
    assert names(found) == ["triage"]
    assert found.conflicts == ()


def test_one_broken_skill_leaves_the_others(site):
    site.convention("good", "fine")
    folder = site.convention("bad", "broken")
    (folder / "SKILL.md").write_text("no frontmatter")
    gone = site.convention("gone", "removed")
    (gone / "SKILL.md").unlink()
    info = site.install("worse", points={"x": "y"})
    (info / "entry_points.txt").write_text("[headrace.skills\nx = y")
    found = find_skills(path=site.path)
    assert names(found) == ["fine"]
    assert {one.name for one in found.broken} == {"broken", "removed", "worse"}


def test_of_a_distribution_that_stands_twice_the_first_counts(site, tmp_path):
    site.convention("acme", "triage", "2.0")
    other = Site(tmp_path / "other")
    other.convention("acme", "triage", "1.0")
    (skill,) = find_skills(path=site.path + other.path)
    assert skill.version == "2.0"


@pytest.mark.parametrize("how", ["pth", "project", "src"])
def test_editable_installs_are_found_in_their_project(site, tmp_path, how):
    project = tmp_path / "my project"
    packages = {"pth": tmp_path / "elsewhere", "project": project, "src": project / "src"}[how]
    package = packages / "acme"
    folder = write_skill(package / ".agents" / "skills" / "triage")
    write_skill(package / "data")
    (package / "__init__.py").write_text(BOMB)
    write_skill(packages / "not_shipped" / ".agents" / "skills" / "x")
    project.mkdir(exist_ok=True)
    recorded = ()
    if how == "pth":
        (site.folder / "_acme.pth").write_text(f"import os\n{packages}\n")
        recorded = ("_acme.pth",)
    site.install("acme", project=project, recorded=recorded, points={"data": "acme:data"})
    found = find_skills(path=site.path)
    assert found.broken == ()
    assert [(s.name, s.distribution) for s in found] == [("data", "acme"), ("triage", "acme")]
    assert found.get("triage").root == folder


def test_blocked_and_incompatible_skills_stay_out_by_either_way(site, monkeypatch):
    site.convention("acme", "triage", points={"triage": "acme:.agents/skills/triage"})
    assert "blocked" in find_skills(path=site.path, block=["acme"]).broken[0].reason
    assert len(find_skills(path=site.path, block="skills.triage")) == 0
    assert len(find_skills(path=site.path, allow=[])) == 0
    monkeypatch.setenv("HEADRACE_PLUGINS_BLOCK", "skills.*")
    assert len(find_skills(path=site.path)) == 0
    monkeypatch.delenv("HEADRACE_PLUGINS_BLOCK")
    site.convention(
        "new", "later", points={"later": "new:.agents/skills/later"}, requires="headrace-core>=999"
    )
    found = find_skills(path=site.path)
    assert names(found) == ["triage"]
    with pytest.raises(SkillBrokenError, match="incompatible"):
        found.get("later")


# ------------------------------------------------------------------ folders


def test_a_folder_is_a_skill_or_holds_skills(tmp_path):
    one = write_skill(tmp_path / "one")
    many = tmp_path / "many"
    write_skill(many / "two")
    write_skill(many / "three")
    (many / "no-skill").mkdir()
    (many / "file.txt").write_text("")
    write_skill(tmp_path / "project" / ".agents" / "skills" / "four")
    found = find_skills(folders=[one, many, str(tmp_path / "project")], installed=False)
    assert names(found) == ["four", "one", "three", "two"]
    assert found.get("one").source == f"the folder {one}"
    assert found.broken == ()


def test_a_folder_of_a_package_is_found_without_importing_it(tmp_path, monkeypatch):
    package = tmp_path / "hr_packaged"
    write_skill(package / "sub" / "skills" / "one")
    (package / "__init__.py").write_text(BOMB)
    (package / "sub" / "__init__.py").write_text(BOMB)
    monkeypatch.syspath_prepend(str(tmp_path))
    for named in ("hr_packaged:sub/skills", "hr_packaged.sub:skills", "hr_packaged.sub:skills/one"):
        (skill,) = find_skills(folders=[named], installed=False)
        assert (skill.name, skill.place) == ("one", named)
    assert "hr_packaged" not in sys.modules


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("hr_no_such_package:skills", "no package"),
        ("headrace_skills:absent", "no folder 'absent'"),
        ("headrace_skills:../..", "leads out"),
        ("headrace_skills:/etc", "leads out"),
        ("/no/such/folder", "no folder"),
        ("__main__:x", "no"),
    ],
)
def test_a_folder_that_is_not_there_is_a_value(named, why):
    (broken,) = find_skills(folders=[named], installed=False).broken
    assert broken.name == named
    assert why in broken.reason


def test_links_are_followed_within_the_folder_only(tmp_path):
    skills = tmp_path / "skills"
    inside = write_skill(skills / "inside")
    (skills / "second").symlink_to(inside)
    (skills / "outside").symlink_to(write_skill(tmp_path / "outside"))
    found = find_skills(folders=[skills], installed=False)
    assert names(found) == ["inside"]
    assert "leads out" in found.broken[0].reason


# ------------------------------------------------------------------ names


def test_one_name_from_two_places_is_a_conflict_until_it_is_chosen(site, tmp_path):
    site.convention("acme", "triage")
    site.convention("Other_Tool", "triage")
    folder = write_skill(tmp_path / "mine" / "triage").parent
    where = {"path": site.path, "folders": [folder]}
    found = find_skills(**where)
    assert len(found) == 0
    (conflict,) = found.conflicts
    assert {one.place for one in conflict.claims} == {"acme", "other-tool", str(folder)}
    with pytest.raises(SkillConflictError, match=r"acme 1\.0") as raised:
        found.get("triage")
    assert "other-tool 1.0" in str(raised.value)
    assert str(folder) in str(raised.value)
    for choice, place in (
        ("acme", "acme"),
        ("other_tool", "other-tool"),
        (str(folder), str(folder)),
        (f"{folder}/", str(folder)),
    ):
        chosen = find_skills(**where, choose={"triage": choice})
        assert chosen.get("triage").place == place
    with pytest.raises(SkillBrokenError, match="chosen from absent"):
        find_skills(**where, choose={"triage": "absent"}).get("triage")


def test_a_name_that_is_not_there_is_told_with_the_nearest(tmp_path):
    write_skill(tmp_path / "triage")
    found = find_skills(folders=[tmp_path], installed=False)
    with pytest.raises(SkillNotFoundError, match="did you mean 'triage'"):
        found.get("triagge")


def test_errors_travel_between_processes(site):
    site.convention("acme", "triage")
    site.convention("other", "triage")
    for error in (
        SkillNotFoundError("a", ["b"]),
        find_skills(path=site.path).conflicts[0].error,
        SkillBrokenError(find_skills(folders=["/absent"], installed=False).broken[0]),
    ):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again)) == (type(error), str(error))
