"""`list` and `info` in a project with a lock: installed, locked, newest, from where, whose key."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def known(shop, customer, monkeypatch):
    """A customer with the first version of a skill, whose shop has a second one by now."""
    shop.skill("log-triage", "1.0.0", metadata={"headrace-network": "logs.example.com"})
    customer.knows(main=shop.build())
    customer.done("skills", "add", "log-triage", "--yes")
    shop.skill("log-triage", "1.1.0")
    shop.build()
    customer.done("registry", "refresh")
    (site,) = customer.folder.glob(".venv/lib/python*/site-packages")
    monkeypatch.syspath_prepend(str(site))
    return customer


def listed(customer):
    data = json.loads(customer.done("skills", "list", "--json"))
    return {one["name"]: one for one in data["skills"]}


def test_a_skill_is_listed_with_how_its_package_stands(known, shop):
    project = listed(known)["log-triage"]["project"]
    assert (project["locked"], project["newest"]) == ("1.0.0", "1.1.0")
    assert (project["origin"], project["source"]) == ("main", shop.url)
    assert project["signed_by"] == shop.key


def test_the_table_shows_the_same(known, shop):
    lines = known.done("skills", "list").splitlines()
    assert lines[0].split()[:5] == ["NAME", "VERSION", "LOCKED", "NEWEST", "SOURCE"]
    (row,) = (line.split() for line in lines if line.startswith("log-triage"))
    assert row[:5] == ["log-triage", "1.0.0", "1.0.0", "1.1.0", "main"]
    assert shop.key.startswith(row[5])


def test_a_skill_of_vendor_tells_its_source_and_no_key(shop, customer, monkeypatch):
    folder = shop.skill_folder("mailer")
    customer.done("skills", "add", str(folder), "--yes")
    (site,) = customer.folder.glob(".venv/lib/python*/site-packages")
    monkeypatch.syspath_prepend(str(site))
    project = listed(customer)["mailer"]["project"]
    assert project["origin"] == "vendor"
    assert project["source"].endswith("mailer")
    assert project["signed_by"] is None


def test_what_is_locked_and_not_installed_is_said(shop, customer):
    shop.skill("log-triage", "1.0.0")
    customer.knows(main=shop.build())
    customer.done("skills", "add", "log-triage", "--yes", "--no-sync")
    shown = customer.done("skills", "list")
    assert "skill-log-triage 1.0.0 is locked, and not installed here: agents sync" in shown


def test_info_tells_of_the_installed_skill_and_of_the_offered_one(known, shop):
    installed, offered = json.loads(known.done("skills", "info", "log-triage", "--json"))
    assert (installed["state"], installed["version"]) == ("installed", "1.0.0")
    assert installed["asks"]["network"] == ["logs.example.com"]
    assert (offered["state"], offered["version"]) == ("offered", "1.1.0")
    assert offered["versions"] == ["1.1.0", "1.0.0"]
    assert offered["signed_by"] == shop.key


def test_info_of_an_unknown_skill_says_how_to_search(known):
    result = known.run("skills", "info", "mailer")
    assert result.exit_code == 1
    assert "agents skills search mailer" in result.stderr


def test_without_a_lock_the_list_is_as_it_was(customer):
    assert "LOCKED" not in customer.done("skills", "list")


def test_a_lock_that_cannot_be_read_is_an_error_that_says_so(known):
    known.lock.write_text("not [ toml")
    result = known.run("skills", "list")
    assert result.exit_code == 1
    assert "agents lock" in result.stderr


def test_info_of_a_plugin_that_is_not_installed_tells_what_registries_have(shop, customer):
    shop.package(
        "scales-tool", "2.0", "headrace-core>=0.1", points="[headrace.tools]\nscales = s:Tool\n"
    )
    customer.knows(main=shop.build())
    customer.done("registry", "refresh")
    (found,) = json.loads(customer.done("plugins", "info", "tools.scales", "--json"))
    assert (found["state"], found["distribution"], found["version"]) == (
        "offered",
        "scales-tool",
        "2.0",
    )
    assert found["requires_core"] == ">=0.1"
    assert "agents plugins add scales-tool" in customer.done("plugins", "info", "scales")
