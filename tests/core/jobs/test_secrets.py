"""Secrets of a job: from the environment, or from files as Kubernetes mounts them."""

from __future__ import annotations

import os
import pickle

import pytest

from headrace.errors import HeadraceError
from headrace.jobs.secrets import MAX_BYTES, load_secrets

A, B = "HEADRACE_TEST_SECRET_A", "HEADRACE_TEST_SECRET_B"


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch):
    for name in (A, B, "HEADRACE_SECRETS"):
        monkeypatch.setenv(name, "x")  # so that what a test sets is taken back after it
        monkeypatch.delenv(name)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "mounted"
    made.mkdir()
    return made


@pytest.fixture
def refused(folder):
    """What is said of secrets that are not to be had."""

    def load(*names):
        with pytest.raises(HeadraceError) as caught:
            load_secrets(names, folder)
        return str(caught.value)

    return load


class TestWhereASecretComesFrom:
    def test_a_file_of_its_name_is_put_into_the_environment(self, folder):
        (folder / A).write_text("from a file")
        load_secrets([A], folder)
        assert os.environ[A] == "from a file"

    def test_what_the_environment_has_is_left_as_it_is(self, folder, monkeypatch):
        monkeypatch.setenv(A, "from the environment")
        (folder / A).write_text("from a file")
        load_secrets([A], folder)
        assert os.environ[A] == "from the environment"

    def test_no_file_is_looked_for_where_the_environment_has_it(self, tmp_path, monkeypatch):
        monkeypatch.setenv(A, "there")
        load_secrets([A], tmp_path / "no such folder")
        assert os.environ[A] == "there"

    def test_the_folder_is_the_one_that_the_environment_names(self, folder, monkeypatch):
        monkeypatch.setenv("HEADRACE_SECRETS", str(folder))
        (folder / A).write_text("named")
        load_secrets([A])
        assert os.environ[A] == "named"

    def test_a_job_without_secrets_needs_no_folder(self, tmp_path):
        load_secrets([], tmp_path / "no such folder")

    def test_one_newline_at_the_end_is_dropped(self, folder):
        (folder / A).write_text("two lines\n\n")
        load_secrets([A], folder)
        assert os.environ[A] == "two lines\n"

    def test_files_that_kubernetes_links_to_are_read(self, folder):
        (folder / "..2026_01_01").mkdir()
        (folder / "..2026_01_01" / A).write_text("mounted")
        (folder / "..data").symlink_to("..2026_01_01")
        (folder / A).symlink_to(f"..data/{A}")
        load_secrets([A], folder)
        assert os.environ[A] == "mounted"

    def test_a_folder_that_is_a_link_itself_is_read(self, folder, tmp_path):
        (folder / A).write_text("linked")
        (tmp_path / "link").symlink_to(folder)
        load_secrets([A], tmp_path / "link")
        assert os.environ[A] == "linked"


class TestWhatIsMissing:
    def test_all_are_named_with_both_ways_to_give_them(self, refused, folder):
        said = refused(B, A)
        assert said.index(A) < said.index(B)
        assert "environment variable" in said
        assert str(folder) in said

    def test_nothing_is_set_when_one_is_missing(self, refused, folder):
        (folder / A).write_text("here")
        refused(A, B)
        assert A not in os.environ

    def test_only_what_is_missing_is_named(self, refused, folder):
        (folder / A).write_text("here")
        assert A not in refused(A, B)

    def test_the_error_travels_between_processes(self, folder):
        with pytest.raises(HeadraceError) as caught:
            load_secrets([A], folder)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


class TestWhatIsRefused:
    def test_a_link_that_leads_out_of_the_folder(self, refused, folder, tmp_path):
        (tmp_path / "elsewhere").write_text("not-to-be-read")
        (folder / A).symlink_to("../elsewhere")
        said = refused(A)
        assert "leads out of the folder" in said
        assert "not-to-be-read" not in said

    @pytest.mark.parametrize("name", ["../elsewhere", "/etc/hostname", "a/b", "", "1A", "..data"])
    def test_a_name_that_is_no_variable(self, refused, tmp_path, name):
        (tmp_path / "elsewhere").write_text("x")
        assert "not the name of an environment variable" in refused(name)

    def test_a_file_that_is_too_large(self, refused, folder):
        (folder / A).write_bytes(b"s" * (MAX_BYTES + 1))
        said = refused(A)
        assert f"more than {MAX_BYTES} bytes" in said
        assert "sss" not in said

    @pytest.mark.parametrize("data", [b"\xff\xfe", b"a\0b"])
    def test_what_no_environment_can_hold(self, refused, folder, data):
        (folder / A).write_bytes(data)
        assert A in refused(A)

    def test_a_folder_of_its_name(self, refused, folder):
        (folder / A).mkdir()
        assert "is not a file" in refused(A)

    def test_a_pipe_of_its_name_holds_nobody_up(self, refused, folder):
        os.mkfifo(folder / A)
        assert "is not a file" in refused(A)

    def test_links_in_a_circle(self, refused, folder):
        (folder / A).symlink_to(A)
        assert A in refused(A)
