"""The tree that a change leaves beside the site: it makes the next one quick, and is not believed.

Whatever is in it, the next site is what it would be without it, and it holds no bytes of its own.
"""

from __future__ import annotations

import errno
import os
import shutil

import pytest

from headrace_registry.errors import SiteError
from headrace_registry.site import build_site, publish

from .conftest import assert_whole, tree


@pytest.fixture
def spare(site):
    """Where the spare of the site is."""
    return site.with_name(".site.spare")


@pytest.fixture
def built(workshop, build):
    """A site of two packages, built in two steps, with pages."""
    build(workshop.plain(), workshop.skill(), pages=True)
    build(workshop.plain(version="2.0"))


def inodes(folder):
    return {
        one.relative_to(folder).as_posix(): one.lstat().st_ino
        for one in folder.rglob("*")
        if not one.is_dir() or one.is_symlink()
    }


def modes(folder):
    return {one.stat().st_mode for one in folder.rglob("*") if one.is_dir()}


def assert_only_names(spare, site):
    """Each file of the spare is a file of the site, under the same path."""
    live = inodes(site)
    assert {path: live.get(path) for path in inodes(spare)} == inodes(spare)


def test_a_new_site_has_one_at_once(workshop, site, build, spare):
    build(workshop.plain())
    assert "files/acme/acme-1.0-py3-none-any.whl" in inodes(spare)
    assert_only_names(spare, site)


def test_the_next_site_is_made_in_its_folders(workshop, site, built, spare):
    folder = (spare / "files/acme").stat().st_ino
    publish(workshop.plain("other"), site)
    assert (site / "files/acme").stat().st_ino == folder
    assert_whole(site)


def test_it_takes_no_room_however_the_site_changes(workshop, site, build, built, spare):
    for change in (
        lambda: publish(workshop.plain("other"), site),
        lambda: build(workshop.skill(), prune=True),
        lambda: build(pages=False),
        lambda: build(title="Ours"),
    ):
        change()
        assert_only_names(spare, site)


def test_wheels_that_were_taken_out_are_gone_from_it_too(workshop, site, build, built, spare):
    build(workshop.skill(), prune=True)
    assert not [path for path in inodes(site.parent) if "acme-" in path]


def test_what_the_keeper_put_into_the_site_is_not_in_it(workshop, site, built, spare):
    (site / "CNAME").write_text("skills.example.org")
    publish(workshop.plain("other"), site)
    publish(workshop.plain("more"), site)
    assert (site / "CNAME").read_text() == "skills.example.org"
    assert {one.name for one in spare.iterdir()} <= {
        *("assets", "browse", "files", "packages", "simple")
    }


def test_others_cannot_read_it(workshop, site, built, spare):
    assert spare.stat().st_mode & 0o007 == 0
    publish(workshop.plain("other"), site)
    assert spare.stat().st_mode & 0o007 == 0
    assert site.stat().st_mode & 0o777 == (site / "files").stat().st_mode & 0o777


def test_a_change_that_is_none_touches_nothing_at_all(workshop, site, build, built):
    def times():
        there = (site.parent, *site.parent.rglob("*"))
        return {one: one.stat().st_mtime_ns for one in there if one.name != ".site.lock"}

    (site.parent / ".site.lock").unlink()  # it is there or not, as the lock likes
    build(workshop.skill())
    before = times()
    build(workshop.plain(), workshop.skill())
    publish(workshop.plain(version="2.0"), site)
    build(workshop.plain("other"), dry_run=True)
    assert times() == before


def stray(spare):
    (spare / "files/acme/evil.whl").write_text("evil")
    (spare / "simple/evil/er").mkdir(parents=True)
    (spare / "simple/evil/er/index.html").write_text("evil")


def other_bytes(spare):
    """Of the same size and time."""
    path = spare / "files/acme/acme-1.0-py3-none-any.whl"
    info, size = path.stat(), path.stat().st_size
    path.unlink()
    path.write_bytes(b"x" * size)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def in_the_way(spare):
    """What stands where the next change writes."""
    (spare / "files/other").mkdir()
    (spare / "files/other/other-1.0-py3-none-any.whl").write_text("evil")
    (spare / "simple/other/index.html").mkdir(parents=True)
    (spare / "simple/other/index.json").symlink_to(spare.parent / "outside/kept")


def another_file(spare):
    """One of the site's own, under the wrong name."""
    path = spare / "files/acme/acme-1.0-py3-none-any.whl"
    path.unlink()
    os.link(spare.parent / "site/files/acme/acme-2.0-py3-none-any.whl", path)


def link_for_a_folder(spare):
    shutil.rmtree(spare / "files")
    (spare / "files").symlink_to(spare.parent / "outside")


def link_for_an_inner_folder(spare):
    shutil.rmtree(spare / "simple/acme")
    (spare / "simple/acme").symlink_to(spare.parent / "outside")


def link_for_a_file(spare):
    (spare / "files/acme/acme-1.0-py3-none-any.whl").unlink()
    (spare / "files/acme/acme-1.0-py3-none-any.whl").symlink_to(spare.parent / "outside/kept")


def file_for_a_folder(spare):
    shutil.rmtree(spare / "files/acme")
    (spare / "files/acme").write_text("evil")


def folder_for_a_file(spare):
    (spare / "files/acme/acme-1.0-py3-none-any.whl").unlink()
    (spare / "files/acme/acme-1.0-py3-none-any.whl/evil").mkdir(parents=True)


def half_gone(spare):
    shutil.rmtree(spare / "files/acme")
    shutil.rmtree(spare / "simple")


def closed(spare):
    (spare / "files/acme").chmod(0o000)
    (spare / "simple").chmod(0o777)


def link_for_all_of_it(spare):
    shutil.rmtree(spare)
    spare.symlink_to(spare.parent / "outside")


def file_for_all_of_it(spare):
    shutil.rmtree(spare)
    spare.write_text("evil")


def somebody_elses(spare):
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    other_bytes(spare)
    os.chown(spare, 12345, 12345)


def an_inner_folder_of_somebody_else(spare):
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(spare / "files/acme", 12345, 12345)


@pytest.mark.parametrize(
    "damage",
    [
        *(stray, other_bytes, in_the_way, another_file, half_gone, closed),
        *(link_for_a_folder, link_for_an_inner_folder, link_for_a_file, link_for_all_of_it),
        *(file_for_a_folder, folder_for_a_file, file_for_all_of_it),
        *(somebody_elses, an_inner_folder_of_somebody_else),
    ],
)
def test_whatever_became_of_it_the_next_site_is_right(
    workshop, site, built, spare, damage, tmp_path
):
    wheel = workshop.plain("other")
    shutil.copytree(site, tmp_path / "without" / "site")
    publish(wheel, tmp_path / "without" / "site")
    outside = site.parent / "outside"
    (outside / "acme").mkdir(parents=True)
    (outside / "kept").write_text("kept")
    before = inodes(site)
    damage(spare)
    report = publish(wheel, site)
    assert tree(site) == tree(tmp_path / "without" / "site")
    kept = {path: number for path, number in inodes(site).items() if path not in report.changed}
    assert kept == {path: before[path] for path in kept}
    assert modes(site) == {site.stat().st_mode}
    assert {one.stat().st_uid for one in site.rglob("*")} == {os.geteuid()}
    assert tree(outside) == {"kept": b"kept"}
    assert_only_names(spare, site)
    assert {one.name for one in site.parent.iterdir()} == {
        *("site", ".site.spare", ".site.lock", "outside")
    }


def test_one_that_is_somebody_elses_is_not_built_upon(workshop, site, built, spare):
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(spare, 12345, 12345)
    held = os.open(spare / "files/acme", os.O_RDONLY)  # its number is not given away meanwhile
    publish(workshop.plain("other"), site)
    assert (site / "files/acme").stat().st_ino != os.fstat(held).st_ino
    os.close(held)


def test_a_file_that_the_site_lost_is_not_taken_from_it(workshop, site, built, spare):
    lost = "files/acme/acme-1.0-py3-none-any.whl"
    (site / lost).unlink()
    assert (spare / lost).is_file()
    with pytest.raises(SiteError, match="lost its file"):
        publish(workshop.plain("other"), site)


def test_what_a_change_left_that_failed_is_no_ground_for_the_next(workshop, site, built, tmp_path):
    class Broken:
        def sign(self, site, files, now):
            raise RuntimeError("no key")

    with pytest.raises(RuntimeError):
        publish(workshop.plain("evil"), site, signer=Broken())
    publish(workshop.plain("other"), site)
    assert_whole(site)
    assert not [path for path in tree(site) if "evil" in path]


def test_a_file_system_without_hard_links_has_none(workshop, site, spare, monkeypatch):
    def link(*_, **__):
        raise OSError(errno.EPERM, "there are no such links")

    monkeypatch.setattr(os, "link", link)
    build_site([workshop.plain()], site)
    publish(workshop.plain("other"), site)
    assert_whole(site)
    assert {one.name for one in site.parent.iterdir()} - {".site.lock"} == {"site"}
