"""Installed skills lent to coding agents: kept in step, and nobody else's work touched."""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headrace_skills import find_skills
from headrace_skills.exporting import MANIFEST, ExportError, export_skills
from headrace_skills.packing import contents_of

from .conftest import add_file, write_skill


@pytest.fixture
def target(tmp_path, monkeypatch):
    """The folder that a coding agent reads, in the working folder."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project" / ".agents" / "skills"


@pytest.fixture
def export(site, target):
    def run(*names, to=target, **options):
        return export_skills(find_skills(path=site.path), to, names=names, **options)

    return run


def actions(done):
    return {step.name: step.action for step in done.steps}


def install(site, distribution="acme", skill="triage", version="1.0", body="Do it."):
    """Install, or upgrade, a distribution with one skill."""
    uninstall(site, distribution)
    folder = site.convention(distribution, skill, version)
    write_skill(folder, body=body)
    add_file(folder, "scripts/go.sh", "#!/bin/sh\n", executable=True)
    return folder


def uninstall(site, distribution):
    for path in site.folder.glob(f"{distribution}*"):
        shutil.rmtree(path)


def tree(root):
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), os.access(path, os.X_OK))
        for path in root.rglob("*")
        if path.is_file()
    }


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


both = pytest.mark.parametrize("how", ["link", "copy"])

# ------------------------------------------------------------------ lent


def test_a_link_leads_to_where_it_is_installed(site, target, export):
    folder = install(site)
    assert actions(export()) == {"triage": "create"}
    assert (target / "triage").is_symlink()
    assert not (target / "triage").readlink().is_absolute()
    assert (target / "triage").resolve() == folder


def test_a_copy_is_the_skill_without_what_tools_left(site, target, export):
    folder = install(site)
    expected = tree(folder)
    add_file(folder, "scripts/__pycache__/go.pyc", "")
    assert actions(export(how="copy")) == {"triage": "create"}
    assert not (target / "triage").is_symlink()
    assert tree(target / "triage") == expected


@both
def test_all_that_is_installed_is_lent_and_then_in_step(site, target, export, how):
    install(site)
    install(site, "other", "greet")
    assert actions(export(how=how)) == {"triage": "create", "greet": "create"}
    again = export()
    assert actions(again) == {"triage": "same", "greet": "same"}
    assert again.in_step
    assert names_in(target) == [MANIFEST, "greet", "triage"]


def test_the_manifest_tells_where_each_came_from(site, target, export):
    install(site)
    (skill,) = find_skills(path=site.path)
    export(how="copy")
    said = json.loads((target / MANIFEST).read_text())["skills"]["triage"]
    assert (said["distribution"], said["version"]) == ("acme", "1.0")
    assert said["state"] == f"copy:{contents_of(skill.root).digest()}"


def test_only_those_that_are_named_are_lent(site, target, export):
    install(site)
    install(site, "other", "greet")
    assert actions(export("greet")) == {"greet": "create"}
    assert actions(export("triage")) == {"greet": "same", "triage": "create"}


def test_what_is_in_step_is_not_written_again(site, target, export):
    install(site)
    export(how="copy")
    before = {path: path.stat().st_mtime_ns for path in target.rglob("*")}
    export()
    assert {path: path.stat().st_mtime_ns for path in target.rglob("*")} == before


# ------------------------------------------------------------------ kept in step


def test_an_upgrade_reaches_a_copy(site, target, export):
    install(site, body="Old.")
    export(how="copy")
    install(site, version="2.0", body="New.")
    (step,) = export().steps
    assert (step.action, step.source) == ("update", "acme 2.0")
    assert "New." in (target / "triage/SKILL.md").read_text()
    assert export().in_step


def test_an_upgrade_reaches_a_link_by_itself(site, target, export):
    install(site, body="Old.")
    export()
    install(site, version="2.0", body="New.")
    assert export(dry_run=True).in_step
    assert "New." in (target / "triage/SKILL.md").read_text()


@both
def test_what_is_installed_no_more_is_removed(site, target, export, how):
    install(site)
    install(site, "other", "greet")
    export(how=how)
    uninstall(site, "acme")
    assert actions(export()) == {"greet": "same", "triage": "remove"}
    assert names_in(target) == [MANIFEST, "greet"]
    uninstall(site, "other")
    export()
    assert names_in(target) == []


@both
def test_what_is_blocked_now_is_lent_no_more(site, target, export, how, monkeypatch):
    install(site)
    export(how=how)
    monkeypatch.setenv("HEADRACE_PLUGINS_BLOCK", "acme")
    (step,) = export().steps
    assert (step.action, "blocked" in step.why) == ("remove", True)
    assert names_in(target) == []


def test_copies_become_links_and_links_copies(site, target, export):
    install(site)
    for how, linked in (("link", True), ("copy", False), ("link", True)):
        export(how=how)
        assert (target / "triage").is_symlink() is linked
        assert export().in_step


@both
def test_what_was_deleted_by_hand_is_put_there_again(site, target, export, how):
    install(site)
    export(how=how)
    if how == "link":
        (target / "triage").unlink()
    else:
        shutil.rmtree(target / "triage")
    assert actions(export()) == {"triage": "create"}
    assert (target / "triage/SKILL.md").is_file()


def test_that_a_script_was_run_is_no_change(site, target, export):
    install(site)
    export(how="copy")
    add_file(target / "triage", "scripts/__pycache__/x.pyc", "")
    assert export().in_step


# ------------------------------------------------------------------ nobody else's work


def test_a_folder_that_is_there_is_left_alone_with_force_too(site, target, export):
    install(site)
    write_skill(target / "triage", body="Mine.")
    for force in (False, True):
        (refused,) = export(force=force).refused
        assert "was not exported" in refused.why
        assert "Mine." in (target / "triage/SKILL.md").read_text()
    uninstall(site, "acme")
    export(force=True)
    assert "Mine." in (target / "triage/SKILL.md").read_text()


def test_a_link_of_somebody_is_left_alone(site, target, export, tmp_path):
    install(site)
    target.mkdir(parents=True)
    (target / "triage").symlink_to(tmp_path)
    assert len(export(force=True).refused) == 1
    assert (target / "triage").readlink() == tmp_path


CHANGES = {
    "edited": lambda folder: (folder / "SKILL.md").write_text("mine"),
    "added": lambda folder: add_file(folder, "mine.md", "mine"),
    "hidden": lambda folder: add_file(folder, ".env", "mine"),
    "removed": lambda folder: (folder / "scripts/go.sh").unlink(),
    "mode": lambda folder: (folder / "SKILL.md").chmod(0o755),
    "linked": lambda folder: (folder / "mine").symlink_to("/etc"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("then", ["upgraded", "gone", "the same"])
def test_a_copy_that_was_changed_is_left_alone_until_forced(site, target, export, change, then):
    install(site)
    export(how="copy")
    CHANGES[change](target / "triage")
    changed = tree(target / "triage")
    uninstall(site, "acme")
    if then != "gone":
        install(site, version="2.0", body="New." if then == "upgraded" else "Do it.")
    for _ in range(2):
        (refused,) = export().refused
        assert "was changed since it was exported" in refused.why
        assert tree(target / "triage") == changed
    assert not export(force=True).refused
    assert export().in_step
    assert (target / "triage").exists() is (then != "gone")


def test_a_copy_that_became_a_link_is_not_followed(site, target, export, tmp_path):
    install(site)
    export(how="copy")
    precious = tmp_path / "precious"
    shutil.move(target / "triage", precious)
    (target / "triage").symlink_to(precious)
    uninstall(site, "acme")
    assert len(export().refused) == 1
    export(force=True)
    assert not (target / "triage").is_symlink()
    assert (precious / "SKILL.md").is_file()


def test_one_that_is_refused_does_not_hold_up_the_others(site, target, export):
    install(site)
    install(site, "other", "greet")
    write_skill(target / "greet")
    assert actions(export()) == {"greet": "refused", "triage": "create"}
    assert (target / "triage/SKILL.md").is_file()


# ------------------------------------------------------------------ what cannot be lent


def test_a_name_that_several_packages_have_is_refused_and_what_is_there_stays(site, target, export):
    install(site)
    export(how="copy")
    install(site, "other", "triage")
    (refused,) = export().refused
    assert "acme 1.0" in refused.why
    assert "other 1.0" in refused.why
    assert (target / "triage/SKILL.md").is_file()


def test_a_broken_skill_is_told_and_no_reason_to_fail_unless_it_is_named(site, target, export):
    install(site)
    (install(site, "other", "greet") / "SKILL.md").write_text("no frontmatter")
    done = export()
    assert (actions(done), done.refused) == ({"greet": "skipped", "triage": "create"}, ())
    assert [step.name for step in export("greet").refused] == ["greet"]


def test_a_name_that_is_not_installed_is_told_with_the_nearest(site, target, export):
    install(site)
    (refused,) = export("triagge").refused
    assert refused.why == "it is not installed; did you mean triage?"


@pytest.mark.parametrize("name", ["../evil", "a/b", ".hidden"])
def test_a_name_that_is_no_folders_is_refused(site, target, export, tmp_path, name):
    folder = install(site)
    (folder / "SKILL.md").write_text(f'---\nname: "{name}"\ndescription: d\n---\n')
    (refused,) = export(how="copy").refused
    assert refused.name == name
    assert [path.name for path in target.parent.rglob("*")] == ["skills"]


def test_two_names_that_are_one_folder_elsewhere_are_not_both_lent(site, target, export):
    install(site, "acme", "Triage")
    install(site, "other", "triage")
    assert actions(export()) == {"Triage": "create", "triage": "refused"}


def test_a_skill_with_a_link_out_of_it_is_not_copied(site, target, export):
    (install(site) / "link").symlink_to("/etc/passwd")
    (refused,) = export(how="copy").refused
    assert "leads out" in refused.why


# ------------------------------------------------------------------ hostile folders and manifests


def test_a_target_that_leads_out_of_the_project_by_a_link_is_refused(
    site, target, export, tmp_path
):
    install(site)
    outside = tmp_path / "outside"
    outside.mkdir()
    target.parent.mkdir()
    target.symlink_to(outside)
    for to in (target, Path(".agents/skills"), Path(".agents/skills/deeper")):
        with pytest.raises(ExportError, match=f"link that leads out.*{outside}"):
            export(to=to)
    assert names_in(outside) == []
    export(to=outside)  # named by itself, it may well be outside
    assert (outside / "triage/SKILL.md").is_file()


def test_a_target_that_is_a_link_within_the_project_is_followed(site, target, export):
    install(site)
    target.mkdir(parents=True)
    Path(".claude").symlink_to(".agents")
    export(to=Path(".claude/skills"))
    assert (target / "triage").resolve() == site.folder / "acme/.agents/skills/triage"
    assert export(to=target).in_step


def entry(**more):
    state = "copy:sha256:" + "0" * 64
    return {"distribution": "acme", "version": "1", "state": state, **more}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        json.dumps({"format": 2, "skills": {}}),
        json.dumps({"format": 1, "skills": [7]}),
        json.dumps({"format": 1, "skills": "ab"}),
        json.dumps({"format": 1, "skills": {"../precious": entry()}}),
        json.dumps({"format": 1, "skills": {"/etc": entry()}}),
        json.dumps({"format": 1, "skills": {"..": entry()}}),
        json.dumps({"format": 1, "skills": {"a": entry(state="copy:")}}),
        json.dumps({"format": 1, "skills": {"a": entry(state="absent")}}),
        json.dumps({"format": 1, "skills": {"a": entry(was="other")}}),
        json.dumps({"format": 1, "skills": {"a": {}}}),
        json.dumps({"format": 1, "skills": {"a": []}}),
        json.dumps({"format": 1, "skills": {"a": entry(state="")}}),
        json.dumps({"format": 1, "skills": {"a": entry(state=7)}}),
    ],
)
def test_a_manifest_that_is_none_of_ours_stops_all(site, target, export, tmp_path, content):
    install(site)
    precious = add_file(tmp_path / "project" / ".agents", "precious/x", "x")
    target.mkdir()
    (target / MANIFEST).write_text(content)
    for options in ({}, {"force": True}, {"dry_run": True}):
        with pytest.raises(ExportError, match="not a manifest that export wrote"):
            export(**options)
    assert precious.is_file()
    assert names_in(target) == [MANIFEST]


def test_a_manifest_that_is_a_link_is_not_read(site, target, export, tmp_path):
    install(site)
    target.mkdir(parents=True)
    (tmp_path / "other.json").write_text('{"format": 1, "skills": {}}')
    (target / MANIFEST).symlink_to(tmp_path / "other.json")
    with pytest.raises(ExportError):
        export()


def test_a_manifest_that_claims_somebodys_folder_does_not_get_it_removed(site, target, export):
    write_skill(target / "precious")
    (target / MANIFEST).write_text(json.dumps({"format": 1, "skills": {"precious": entry()}}))
    assert len(export().refused) == 1
    assert (target / "precious/SKILL.md").is_file()


# ------------------------------------------------------------------ whole or not at all


@both
def test_a_dry_run_tells_and_does_nothing(site, target, export, how):
    install(site)
    done = export(how=how, dry_run=True)
    assert (actions(done), done.in_step) == ({"triage": "create"}, False)
    assert not target.parent.exists()


def test_with_nothing_to_lend_no_folder_is_made(target, export):
    assert export().in_step
    assert not target.parent.exists()


@pytest.mark.parametrize("broken_off", range(1, 7))
def test_whatever_ends_it_halfway_the_next_run_brings_it_in_step(
    site, target, export, monkeypatch, broken_off
):
    """Each rename in turn is the last thing that the process does."""
    install(site, body="Old.")
    install(site, "gone", "gone")
    export(how="copy")
    install(site, version="2.0", body="New.")
    install(site, "other", "greet")
    uninstall(site, "gone")
    left, rename = broken_off, Path.rename

    class KilledError(BaseException):
        pass

    def killed(path, place):
        nonlocal left
        left -= 1
        if left <= 0:
            raise KilledError
        rename(path, place)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        patch.setattr(Path, "replace", killed)
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)  # the dead do not clear up
        try:
            export(how="copy")
        except KilledError:
            pass
        else:
            pytest.fail("it makes fewer renames than this test believes")
    done = export(how="copy")
    assert done.refused == ()
    assert names_in(target) == [MANIFEST, "greet", "triage"]
    assert "New." in (target / "triage/SKILL.md").read_text()
    assert export().in_step


def test_what_a_killed_export_left_is_cleared_up(site, target, export):
    install(site)
    add_file(target, ".headrace-0123456789abcdef/old/x.md", "x")
    add_file(target, ".headrace-mine/x.md", "x")
    export()
    assert names_in(target) == [MANIFEST, ".headrace-mine", "triage"]


def test_exports_at_once_do_not_hinder_each_other(site, target, export):
    for number in range(5):
        install(site, f"acme{number}", f"skill-{number}")
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: export(how="copy"), range(8)))
    assert not [step for one in done for step in one.refused]
    assert len(names_in(target)) == 6
    assert export().in_step
