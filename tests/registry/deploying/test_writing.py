"""The folder: written whole or not at all, written again, and what others put there is left."""

from __future__ import annotations

import errno
import hashlib
import json
from pathlib import Path

import pytest

from headrace_registry.deploying import DeployError, changes_of, write_folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def out(workshop):
    return workshop.folder / "out"


def test_a_folder_is_made(workshop, out):
    folder = workshop.yarn()
    write_folder(folder, out)
    assert set(contents(out)) == {*folder.names, "deploy.json"}


def test_the_zip_is_the_one_that_was_given(workshop, out):
    job = workshop.subject()
    write_folder(workshop.yarn(job=job), out)
    assert (out / "job.zip").read_bytes() == job.zip.read_bytes()


def test_scripts_can_be_run_and_nothing_else(workshop, out):
    write_folder(workshop.kubernetes(), out)
    runs = {path.name for path in out.iterdir() if path.stat().st_mode & 0o111}
    assert runs == {"run-application.sh"}


def test_the_record_lists_each_file_by_its_digest(workshop, out):
    write_folder(workshop.yarn(), out)
    files = json.loads((out / "deploy.json").read_text())["files"]
    assert files == {
        name: hashlib.sha256(data).hexdigest()
        for name, data in contents(out).items()
        if name != "deploy.json"
    }


def test_an_empty_folder_is_taken(workshop, out):
    out.mkdir()
    write_folder(workshop.yarn(), out)
    assert (out / "submit-yarn.sh").is_file()


def test_a_dry_run_writes_nothing_and_tells_all(workshop, out):
    folder = workshop.yarn()
    changes = changes_of(folder, out)
    assert {(one.path, one.change) for one in changes} == {(name, "new") for name in folder.names}
    assert not out.exists()


# ---------------------------------------------------------------- again
def test_written_again_the_same_is_the_same(workshop, out):
    job = workshop.subject()
    write_folder(workshop.yarn(job=job), out)
    before = contents(out)
    assert {one.change for one in write_folder(workshop.yarn(job=job), out)} == {"same"}
    assert contents(out) == before


def test_another_zip_is_a_new_version_in_the_same_folder(workshop, out):
    write_folder(workshop.kubernetes(), out)
    other = workshop.subject(
        "new.zip", change=lambda files: files.files.update({"app/echo.py": b"x = 2\n"})
    )
    changed = {one.path: one.change for one in write_folder(workshop.kubernetes(job=other), out)}
    assert changed["job.zip"] == changed["flinkdeployment.yaml"] == "changed"
    assert changed["engine.txt"] == changed["volume-claim.yaml"] == "same"


def test_what_is_not_of_it_any_more_is_removed(workshop, out):
    job = workshop.subject()
    write_folder(workshop.kubernetes(job=job), out)
    write_folder(workshop.kubernetes(job=job, checkpoints="s3://bucket/x"), out)
    assert not (out / "volume-claim.yaml").exists()


def test_what_others_put_there_stays(workshop, out):
    job = workshop.subject()
    write_folder(workshop.kubernetes(job=job), out)
    (out / "overlay.yaml").write_text("mine")
    write_folder(workshop.kubernetes(job=job, parallelism=9), out)
    assert (out / "overlay.yaml").read_text() == "mine"


# ---------------------------------------------------------------- refused
def test_a_folder_with_other_files_is_refused(workshop, out):
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(DeployError, match=r"no deployment: thesis\.txt"):
        write_folder(workshop.yarn(), out)
    assert contents(out) == {"thesis.txt": b"mine"}


def test_with_force_it_is_written_beside_them(workshop, out):
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    write_folder(workshop.yarn(), out, force=True)
    assert (out / "thesis.txt").read_text() == "mine"
    assert (out / "submit-yarn.sh").is_file()


def test_a_file_that_was_changed_by_hand_is_not_overwritten(workshop, out):
    job = workshop.subject()
    write_folder(workshop.kubernetes(job=job), out)
    (out / "flinkdeployment.yaml").write_text("by hand")
    before = contents(out)
    with pytest.raises(DeployError, match=r"changed since: flinkdeployment\.yaml"):
        write_folder(workshop.kubernetes(job=job, parallelism=9), out)
    assert contents(out) == before


def test_with_force_it_is(workshop, out):
    folder = workshop.kubernetes()
    write_folder(folder, out)
    (out / "flinkdeployment.yaml").write_text("by hand")
    write_folder(folder, out, force=True)
    assert (out / "flinkdeployment.yaml").read_text() == folder.texts["flinkdeployment.yaml"]


def test_a_file_of_others_by_the_name_of_a_new_one_is_not_overwritten(workshop, out):
    job = workshop.subject()
    write_folder(workshop.kubernetes(job=job, checkpoints="s3://bucket/x"), out)
    (out / "volume-claim.yaml").write_text("mine")
    with pytest.raises(DeployError, match=r"volume-claim\.yaml"):
        write_folder(workshop.kubernetes(job=job), out)
    assert (out / "volume-claim.yaml").read_text() == "mine"


def test_a_file_is_no_folder(workshop, out):
    out.write_text("mine")
    with pytest.raises(DeployError, match="is no folder"):
        write_folder(workshop.yarn(), out)


def test_a_damaged_record_is_as_none(workshop, out):
    folder = workshop.yarn()
    write_folder(folder, out)
    (out / "deploy.json").write_text("[")
    with pytest.raises(DeployError, match="no deployment"):
        write_folder(folder, out)


# ---------------------------------------------------------------- failures
def test_a_disk_that_fills_up_leaves_what_was_there(workshop, out, monkeypatch):
    job = workshop.subject()
    write_folder(workshop.kubernetes(job=job), out)
    before = contents(out)
    moves = Path.rename
    left = [7]

    def rename(path, target):
        left[0] -= 1
        if left[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return moves(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="No space left"):
        write_folder(workshop.kubernetes(job=job, parallelism=9), out)
    assert contents(out) == before
    assert {path.name for path in out.parent.iterdir()} == {"job.zip", "job.zip.home", "out"}


def test_a_zip_that_went_away_leaves_no_folder(workshop, out):
    folder = workshop.yarn()
    (workshop.folder / "job.zip").unlink()
    with pytest.raises(FileNotFoundError):
        write_folder(folder, out)
    assert not out.exists()
