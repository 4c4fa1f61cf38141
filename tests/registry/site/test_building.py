"""A site built and built again: what is written, what stays, what is refused."""

from __future__ import annotations

import os
import shutil

import pytest

from headrace_registry import WheelError
from headrace_registry.errors import PublishError, SiteError
from headrace_registry.site import build_site

from .conftest import assert_whole, catalogue, marks, release, run_python, tree

BUILD = """
import sys
from pathlib import Path
from headrace_registry.site import build_site
build_site([Path(one) for one in sys.argv[2:]], Path(sys.argv[1]))
"""


def test_a_site_has_wheels_metadata_pages_for_installers_and_a_catalogue(workshop, site, build):
    report = build(workshop.skill(), workshop.plain())
    assert_whole(site)
    assert [one["name"] for one in catalogue(site)["packages"]] == ["acme", "skill-greet"]
    assert sorted(tree(site)) == [
        "catalogue.json",
        "files/acme/acme-1.0-py3-none-any.whl",
        "files/acme/acme-1.0-py3-none-any.whl.metadata",
        "files/skill-greet/skill_greet-1.0-py3-none-any.whl",
        "files/skill-greet/skill_greet-1.0-py3-none-any.whl.metadata",
        "simple/acme/index.html",
        "simple/acme/index.json",
        "simple/index.html",
        "simple/index.json",
        "simple/skill-greet/index.html",
        "simple/skill-greet/index.json",
    ]
    assert report.added == ("acme-1.0-py3-none-any.whl", "skill_greet-1.0-py3-none-any.whl")
    assert sorted(report.changed) == sorted(tree(site))


def test_what_comes_later_is_added_to_what_is_there(workshop, site, build):
    build(workshop.plain())
    report = build(workshop.plain(version="2.0"), workshop.plain("other"))
    assert_whole(site)
    versions = [one["version"] for one in catalogue(site)["packages"][0]["releases"]]
    assert versions == ["2.0", "1.0"]
    assert report.added == ("acme-2.0-py3-none-any.whl", "other-1.0-py3-none-any.whl")
    assert report.removed == ()


def test_only_what_changed_gets_a_new_file(workshop, site, build):
    build(workshop.plain(), workshop.plain("other"), pages=True)
    before = marks(site)
    report = build(workshop.plain(version="2.0"))
    after = marks(site)
    changed = {path for path in after if after[path] != before.get(path)}
    assert changed == set(report.changed)
    assert {path for path in changed if path.startswith(("files/", "simple/"))} == {
        "files/acme/acme-2.0-py3-none-any.whl",
        "files/acme/acme-2.0-py3-none-any.whl.metadata",
        "simple/acme/index.html",
        "simple/acme/index.json",
    }
    assert "packages/other/index.html" not in changed


def test_the_same_wheels_again_change_nothing_at_all(workshop, site, build):
    wheels = workshop.plain(), workshop.skill()
    build(*wheels, pages=True)
    before, folder = marks(site), site.stat().st_ino
    report = build(*wheels)
    assert (marks(site), site.stat().st_ino) == (before, folder)
    assert (report.added, report.changed) == ((), ())


@pytest.mark.slow
def test_the_same_wheels_give_the_same_bytes_wherever_and_by_whomever(workshop, tmp_path):
    wheels = [workshop.skill(), workshop.skill("part"), workshop.plain()]
    trees = []
    for number, (seed, mask) in enumerate((("1", 0o022), ("2", 0o077))):
        place = tmp_path / ("deep/er" * number) / str(number)
        copies = [place / "in" / one.name for one in wheels[:: 1 - 2 * number]]
        for copy in copies:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(next(one for one in wheels if one.name == copy.name), copy)
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": f"UTC+{number * 5}"}
        done = run_python(BUILD, place / "site", *copies, env=environment, umask=mask, cwd=place)
        assert done.returncode == 0, done.stderr
        trees.append(tree(place / "site"))
    assert trees[0] == trees[1]


def test_the_way_to_a_site_does_not_show_in_it(workshop, tmp_path):
    one, two, three = workshop.plain(), workshop.plain(version="2.0"), workshop.skill()
    build_site([one, two, three], tmp_path / "at-once")
    for wheel in (three, two, one):
        build_site([wheel], tmp_path / "step-by-step")
    assert tree(tmp_path / "at-once") == tree(tmp_path / "step-by-step")


@pytest.mark.slow
def test_several_processes_read_what_one_reads(workshop, tmp_path, monkeypatch):
    wheels = [workshop.skill(f"skill{number}") for number in range(30)]
    done = run_python(BUILD, tmp_path / "many", *wheels)  # it has no threads, and forks
    assert done.returncode == 0, done.stderr
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    build_site(wheels, tmp_path / "one")
    assert tree(tmp_path / "many") == tree(tmp_path / "one")


def test_pruning_takes_out_what_is_not_given_and_keeps_the_name(workshop, site, build):
    first, other = workshop.plain(), workshop.plain("other")
    build(first, other)
    report = build(first, prune=True)
    assert_whole(site)
    assert report.removed == ("other-1.0-py3-none-any.whl",)
    (gone,) = (one for one in catalogue(site)["packages"] if one["name"] == "other")
    assert (gone["releases"], gone["reserved"]) == ([], "removed from this registry")
    build(other)
    assert release(site, "other", "1.0")["files"]


def test_a_dry_run_reads_and_checks_and_writes_nothing(workshop, site, build):
    build(workshop.plain())
    before = marks(site.parent)
    report = build(workshop.plain("other"), prune=True, dry_run=True)
    assert marks(site.parent) == before
    assert report.added == ("other-1.0-py3-none-any.whl",)
    assert report.removed == ("acme-1.0-py3-none-any.whl",)


def test_a_dry_run_of_a_new_site_makes_no_folder(workshop, site, build):
    build(workshop.plain(), dry_run=True)
    assert not site.parent.exists()


def test_a_name_never_stands_for_other_bytes(workshop, site, build):
    build(workshop.plain())
    before = tree(site)
    with pytest.raises(PublishError, match=r"acme-1\.0-py3-none-any\.whl is there already"):
        build(workshop.plain(metadata="Summary: Other.\n"))
    assert tree(site) == before


@pytest.mark.parametrize("name", ["Acme-1.0-py3-none-any.whl", "acme-1.0.0-py3-none-any.whl"])
def test_nor_does_another_spelling_of_it(workshop, site, build, tmp_path, name):
    build(workshop.plain())
    other = workshop.plain(metadata="Summary: Other.\n")
    with pytest.raises(PublishError, match="there already"):
        build(shutil.copy(other, tmp_path / name))


def test_one_name_with_two_contents_is_refused_in_one_go_too(workshop, build):
    with pytest.raises(PublishError, match="given twice"):
        build(workshop.plain(), workshop.plain(metadata="Summary: Other.\n"))


def test_a_version_may_have_a_wheel_for_each_machine_and_each_build(workshop, site, build):
    tags = ("py3-none-any", "cp311-cp311-linux_x86_64", "1-py3-none-any")
    build(*(workshop.plain(tag=tag) for tag in tags))
    names = [one["filename"] for one in release(site, "acme", "1.0")["files"]]
    assert names == sorted(f"acme-1.0-{tag}.whl" for tag in tags)


def test_but_these_must_require_and_bring_the_same(workshop, build):
    other = workshop.plain(tag="1-py3-none-any", metadata="Requires-Dist: evil\n")
    with pytest.raises(PublishError, match="differ in requires"):
        build(workshop.plain(), other)


def test_the_time_of_the_first_upload_stays(workshop, site, build):
    wheel = workshop.plain()
    build(wheel)
    os.utime(wheel, (1_800_000_000, 1_800_000_000))
    build(wheel, anew=True)
    (file,) = release(site, "acme", "1.0")["files"]
    assert file["uploaded"] == "2023-11-14T22:13:20Z"


def test_all_wheels_that_are_wrong_are_told_and_nothing_is_built(workshop, site, build, tmp_path):
    (tmp_path / "one-1-py3-none-any.whl").write_text("no zip")
    (tmp_path / "two.whl").write_text("no name")
    with pytest.raises(WheelError) as caught:
        build(workshop.plain(), tmp_path / "two.whl")
    assert "two.whl" in str(caught.value)
    with pytest.raises(WheelError, match="one-1-py3"):
        build(workshop.plain(), tmp_path / "one-1-py3-none-any.whl")
    assert not site.exists()


def test_letters_that_look_like_others_are_refused(workshop, build, tmp_path):
    other = shutil.copy(workshop.plain(), tmp_path / "аcme-1.0-py3-none-any.whl")  # noqa: RUF001
    with pytest.raises(WheelError, match="ASCII"):
        build(other)


def test_what_the_keeper_put_there_stays(workshop, site, build):
    build(workshop.plain())
    (site / "CNAME").write_text("skills.example.org")
    (site / ".well-known").mkdir()
    (site / ".well-known" / "security.txt").write_text("Contact: x")
    (site / "latest").symlink_to("catalogue.json")
    build(workshop.plain("other"))
    assert (site / "CNAME").read_text() == "skills.example.org"
    assert (site / ".well-known" / "security.txt").read_text() == "Contact: x"
    assert (site / "latest").is_symlink()


def test_a_folder_with_other_things_is_left_alone(workshop, site, build):
    site.mkdir(parents=True)
    (site / "thesis.txt").write_text("years of work")
    with pytest.raises(SiteError, match="no registry"):
        build(workshop.plain())
    assert tree(site) == {"thesis.txt": b"years of work"}


def test_a_file_is_no_site(workshop, site, build):
    site.parent.mkdir()
    site.write_text("x")
    with pytest.raises(SiteError, match="is a file"):
        build(workshop.plain())


def test_a_link_to_a_site_stays_a_link(workshop, site, build, tmp_path):
    build(workshop.plain())
    link = tmp_path / "current"
    link.symlink_to(site)
    build_site([workshop.plain("other")], link)
    assert link.is_symlink()
    assert_whole(site)
    assert len(catalogue(site)["packages"]) == 2


def test_a_mounted_folder_is_refused_with_what_to_do(workshop):
    from pathlib import Path

    with pytest.raises(SiteError, match="mounted"):
        build_site([workshop.plain()], Path("/proc"))


def test_an_empty_folder_becomes_a_site(workshop, site, build):
    site.mkdir(parents=True)
    build(workshop.plain())
    assert_whole(site)


def test_the_modes_let_others_read(workshop, tmp_path):
    done = run_python(BUILD, tmp_path / "site", workshop.plain(), umask=0o022)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "site/catalogue.json").stat().st_mode & 0o777 == 0o644


def test_a_wheel_that_was_lost_from_the_site_comes_back(workshop, site, build):
    wheel = workshop.plain()
    build(wheel)
    (site / "files/acme/acme-1.0-py3-none-any.whl").unlink()
    with pytest.raises(SiteError, match="lost"):
        build(workshop.plain("other"))
    build(wheel)
    assert_whole(site)


def test_title_and_address_are_kept_until_others_are_given(workshop, site, build):
    build(workshop.plain(), title="Ours", url="https://skills.example.org", pages=True)
    build(workshop.plain("other"))
    assert catalogue(site)["title"] == "Ours"
    assert "https://skills.example.org" in (site / "index.html").read_text()


def test_pages_come_and_go_as_asked(workshop, site, build):
    build(workshop.plain(), pages=True)
    assert (site / "packages/acme/index.html").is_file()
    build(pages=False)
    assert not (site / "packages").exists()
    build(workshop.plain("other"))
    assert not (site / "index.html").exists()


def test_the_text_of_a_skill_is_on_its_page(workshop, site, build):
    build(workshop.skill(body="# Say it\n\nSay *good day*, kindly."), pages=True)
    assert "Say it</h" in (site / "packages/skill-greet/index.html").read_text()
