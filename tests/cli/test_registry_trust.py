"""`agents registry add|remove|list|refresh|keys`: whom a project trusts, and what it is shown."""

from __future__ import annotations

import json
import re
import sys

import pytest
from click.testing import CliRunner

from headrace_cli._app import agents
from headrace_cli._project import read_project
from headrace_registry.trust import create_keys, rotate

PYPROJECT = """\
# mine
[project]
name = "demo"
version = "0.1.0"
requires-python = ">=3.10,<3.13"
dependencies = []
"""


class Project:
    def __init__(self, folder, cache):
        self.folder, self.file = folder, folder / "pyproject.toml"
        folder.mkdir()
        self.file.write_text(PYPROJECT)
        self.environment = {"HEADRACE_CACHE_DIR": str(cache), "COLUMNS": "200"}

    def run(self, *arguments, input=None):  # noqa: A002
        runner = CliRunner(env=self.environment)
        return runner.invoke(agents, [str(one) for one in arguments], input=input)

    def registries(self):
        found = read_project(self.folder)
        return {one.name: one for one in found.settings().registries} if found else {}


@pytest.fixture
def project(tmp_path, monkeypatch):
    made = Project(tmp_path / "project", tmp_path / "cache")
    monkeypatch.chdir(made.folder)
    return made


@pytest.fixture
def built(shop):
    shop.skill("log-triage")
    return shop.build()


@pytest.fixture
def added(project, built):
    result = project.run("registry", "add", "main", built.url, "--key", built.key)
    assert result.exit_code == 0, result.output
    return project


def _another(shop, tmp_path):
    """Another keeper's registry."""
    other = type(shop)(tmp_path / "other-shop")
    other.skill("log-triage")
    return other.build()


# ------------------------------------------------------------------ add


def test_a_registry_is_shown_before_it_is_trusted(project, built):
    result = project.run("registry", "add", "main", built.url)
    assert result.exit_code == 1
    assert built.key in result.stdout
    assert re.search(r"root keys: +2, of which 1 must sign", result.stdout)
    assert re.search(r"has: +1 package, 1 skill", result.stdout)
    assert re.search(r"signed until: +20\d\d-\d\d-\d\d", result.stdout)
    assert "nobody can be asked here" in result.stderr
    assert project.file.read_text() == PYPROJECT


def test_with_the_right_key_it_is_not_asked_for(project, built):
    result = project.run("registry", "add", "main", built.url, "--key", built.key)
    assert result.exit_code == 0, result.output
    assert project.registries()["main"].key == built.key
    assert project.registries()["main"].url == built.url
    assert project.file.read_text().startswith(PYPROJECT)


def test_with_yes_the_key_that_is_found_is_pinned(project, built):
    assert project.run("registry", "add", "main", built.url, "--yes").exit_code == 0
    assert project.registries()["main"].key == built.key


def test_with_another_key_it_is_refused(project, built):
    key = "sha256:" + "0" * 64
    result = project.run("registry", "add", "main", built.url, "--key", key)
    assert result.exit_code == 1
    assert "other keys than the project trusts" in result.stderr
    assert project.file.read_text() == PYPROJECT


def test_a_dry_run_writes_nothing(project, built):
    result = project.run("registry", "add", "main", built.url, "--yes", "--dry-run")
    assert result.exit_code == 0
    assert built.key in result.stdout
    assert project.file.read_text() == PYPROJECT


def test_a_folder_is_named_as_it_was_typed(project, built, tmp_path):
    result = project.run("registry", "add", "main", "../shop/site", "--yes")
    assert result.exit_code == 0, result.output
    assert 'url = "../shop/site"' in project.file.read_text()
    assert project.registries()["main"].url == built.url


def test_what_is_typed_in_a_folder_below_is_seen_from_the_project(project, built, monkeypatch):
    (project.folder / "src").mkdir()
    monkeypatch.chdir(project.folder / "src")
    assert project.run("registry", "add", "main", "../../shop/site", "--yes").exit_code == 0
    assert 'url = "../shop/site"' in project.file.read_text()


def test_adding_it_again_changes_nothing(added, built):
    before = added.file.read_text()
    result = added.run("registry", "add", "main", built.url)
    assert result.exit_code == 0
    assert "already in" in result.stdout
    assert added.file.read_text() == before


@pytest.mark.parametrize("option", ["--yes", "--key"])
def test_another_key_under_a_known_name_wants_a_word_of_its_own(
    added, built, shop, tmp_path, option
):
    """Neither --yes nor the new key in full is enough."""
    other = _another(shop, tmp_path)
    options = ["--yes"] if option == "--yes" else ["--key", other.key]
    result = added.run("registry", "add", "main", other.url, *options)
    assert result.exit_code == 1
    assert "another key than the one that this project trusts" in result.stderr
    assert built.key in result.stderr
    assert other.key in result.stderr
    assert added.registries()["main"].key == built.key
    result = added.run("registry", "add", "main", other.url, *options, "--replace-key")
    if option == "--key":
        assert result.exit_code == 1  # a replaced key is asked for in any case
        return
    assert result.exit_code == 0, result.output
    assert added.registries()["main"].key == other.key


def test_a_registry_that_is_not_signed_is_refused_unless_said(project, shop):
    shop.skill("log-triage")
    shop.build(signed=False)
    result = project.run("registry", "add", "main", shop.url, "--yes")
    assert result.exit_code == 1
    assert "not signed" in result.stderr
    assert "--unsigned" in result.stderr
    result = project.run("registry", "add", "main", shop.url, "--yes", "--unsigned")
    assert result.exit_code == 0, result.output
    assert "none: it is not signed" in result.stdout
    assert project.registries()["main"].key is None


@pytest.mark.parametrize(
    ("name", "url", "said"),
    [
        ("main", "https://me:secret@example.org", "holds a password"),
        ("main", "ftp://example.org", "https, http or file"),
        ("index", "https://example.org", "named by"),
        ("Ma in", "https://example.org", "named by"),
    ],
)
def test_what_cannot_be_is_bad_usage(project, name, url, said):
    result = project.run("registry", "add", name, url, "--yes")
    assert result.exit_code == 2
    assert said in result.stderr
    assert "secret" not in result.output
    assert project.file.read_text() == PYPROJECT


def test_a_hostile_title_does_no_harm_to_the_terminal(project, shop):
    shop.title = "\x1b[2J\u202eevil\r\n"
    shop.skill("log-triage")
    shop.build()
    result = project.run("registry", "add", "main", shop.url, "--yes")
    assert result.exit_code == 0, result.output
    assert not {"\x1b", "\u202e", "\r"} & set(result.stdout)
    assert "evil" in result.stdout


def test_without_a_project_there_is_nothing_to_add_to(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(agents, ["registry", "add", "main", "https://example.org"])
    assert result.exit_code == 1
    assert "agents init" in result.stderr


@pytest.mark.parametrize(("answer", "trusted"), [("y", True), ("n", False), ("", False)])
def test_on_a_terminal_it_is_asked(project, built, answer, trusted):
    import os
    import pty
    import subprocess

    ours, theirs = pty.openpty()
    code = "import sys; from headrace_cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "registry", "add", "main", built.url],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=project.folder,
        env={**os.environ, **project.environment},
    )
    os.close(theirs)
    os.write(ours, answer.encode() + b"\n")
    output, _ = process.communicate(timeout=60)
    os.close(ours)
    assert b"Trust this registry as main?" in output
    assert process.returncode == (0 if trusted else 1)
    assert ("main" in project.registries()) == trusted


# ------------------------------------------------------------------ list, refresh, remove


def test_registries_are_listed_as_they_were_last_seen(added, built):
    never = json.loads(added.run("registry", "list", "--json").stdout)["registries"][0]
    assert (never["packages"], never["seen"]) == (None, None)
    assert added.run("registry", "refresh").exit_code == 0
    seen = json.loads(added.run("registry", "list", "--json").stdout)["registries"][0]
    assert (seen["name"], seen["url"], seen["key"]) == ("main", built.url, built.key)
    assert (seen["packages"], seen["signed"]) == (1, True)
    assert seen["version"] > 0
    text = added.run("registry", "list").stdout
    assert built.key[:19] in text
    assert built.url in text


def test_a_project_without_registries_says_so(project):
    result = project.run("registry", "list")
    assert result.exit_code == 0
    assert "has no registry" in result.stdout


def test_refresh_says_what_is_new(added, built):
    assert "1 package, new" in added.run("registry", "refresh").stdout
    assert "nothing new" in added.run("registry", "refresh", "main").stdout
    built.skill("status-report")
    built.build()
    told = json.loads(added.run("registry", "refresh", "--json").stdout)["registries"]
    assert [(one["packages"], one["changed"], one["error"]) for one in told] == [(2, True, "")]


def test_refresh_tries_all_and_fails_if_one_does(added, built, shop, tmp_path):
    other = _another(shop, tmp_path)
    assert added.run("registry", "add", "other", other.url, "--yes").exit_code == 0
    (built.site / "catalogue.json").write_text("{}")
    result = added.run("registry", "refresh")
    assert result.exit_code == 1
    assert "main: failed:" in result.stderr
    assert "other: 1 package, new" in result.stdout
    assert "1 of 2" in result.stderr


def test_refresh_refuses_what_is_older_than_the_lock(added, built):
    """A fresh machine has no cache; the lock is what remembers."""
    import shutil

    added.run("lock")
    text = (added.folder / "pylock.toml").read_text()
    shutil.rmtree(added.environment["HEADRACE_CACHE_DIR"])
    newer = re.sub(r"version = (\d{10})", lambda found: f"version = {int(found[1]) + 1}", text)
    assert newer != text
    (added.folder / "pylock.toml").write_text(newer)
    result = added.run("registry", "refresh")
    assert result.exit_code == 1
    assert "older than what this project has seen" in result.stderr


def test_an_unknown_name_is_told(added):
    for command in (("refresh", "mian"), ("remove", "mian")):
        result = added.run("registry", *command)
        assert result.exit_code == 1
        assert "it has main" in result.stderr


def test_a_registry_is_removed(added):
    assert added.run("registry", "remove", "main", "--dry-run").exit_code == 0
    assert "main" in added.registries()
    assert added.run("registry", "remove", "main").exit_code == 0
    assert added.registries() == {}
    assert added.file.read_text().startswith(PYPROJECT)


def test_a_registry_that_packages_come_from_stays(added):
    text = added.file.read_text() + '\n[tool.agents.sources]\nskill-log-triage = "main"\n'
    added.file.write_text(text)
    result = added.run("registry", "remove", "main")
    assert result.exit_code == 1
    assert "skill-log-triage" in result.stderr
    assert added.file.read_text() == text


# ------------------------------------------------------------------ the keeper's keys


def test_keys_are_made_shown_and_replaced(project, tmp_path):
    keys = tmp_path / "keys"
    made = project.run("registry", "keys", "new", keys)
    assert made.exit_code == 0, made.output
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", made.stdout)
    assert "two safe places" in made.stderr
    (keys / "root-1.pem").unlink()
    shown = json.loads(project.run("registry", "keys", "show", keys, "--json").stdout)
    assert shown["fingerprint"] == made.stdout.strip()
    assert [one["here"] for one in shown["keys"]] == [False, True, True]
    replaced = project.run("registry", "keys", "rotate", keys, "root-1")
    assert replaced.exit_code == 0, replaced.output
    assert "2.root.json" in replaced.stdout
    assert project.run("registry", "keys", "renew", keys).exit_code == 0
    shown = json.loads(project.run("registry", "keys", "show", keys, "--json").stdout)
    assert (shown["root"], shown["fingerprint"]) == (3, made.stdout.strip())
    text = project.run("registry", "keys", "show", keys)
    assert "root-1" in text.stdout
    assert "renew" not in text.stderr


def test_a_root_that_ends_soon_is_told(project, tmp_path):
    project.run("registry", "keys", "new", tmp_path / "keys", "--root-days", "30")
    assert "keys renew" in project.run("registry", "keys", "show", tmp_path / "keys").stderr


def test_keys_are_not_made_over_others(project, tmp_path):
    create_keys(tmp_path / "keys")
    assert project.run("registry", "keys", "new", tmp_path / "keys").exit_code == 1


def test_a_site_is_signed_anew_after_a_key_was_replaced(added, built):
    assert added.run("registry", "refresh").exit_code == 0
    rotate(built.keys, "online")
    result = added.run("registry", "keys", "sign", built.site, "--keys", built.keys)
    assert result.exit_code == 0, result.output
    assert (built.site / "metadata/2.root.json").is_file()
    assert added.run("registry", "refresh").exit_code == 0


def test_a_copy_of_a_registry_is_checked(project, built, tmp_path):
    right = project.run("registry", "keys", "check", built.site, "--key", built.key)
    assert right.exit_code == 0, right.output
    (wheel,) = built.site.glob("files/*/*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    wrong = project.run("registry", "keys", "check", built.site, "--key", built.key, "--json")
    assert wrong.exit_code == 1
    name = wheel.relative_to(built.site).as_posix()
    assert json.loads(wrong.stdout)["problems"] == [f"{name}: is not what was signed"]
    create_keys(tmp_path / "strange")
    stranger = "sha256:" + "1" * 64
    other = project.run("registry", "keys", "check", built.site, "--key", stranger)
    assert other.exit_code == 1
    assert "other keys" in other.stderr
