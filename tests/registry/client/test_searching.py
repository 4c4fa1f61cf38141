"""Searching in catalogues: what is found, in which order, and how fast."""

from __future__ import annotations

import pytest

from headrace_registry.catalogue import Catalogue, Package
from headrace_registry.client import Snapshot, search
from headrace_registry.searching import build_entries, nearest_names
from headrace_registry.settings import RegistrySettings
from headrace_registry.wheels import Provided

from .keeping import REPORT, TRIAGE, release


@pytest.fixture
def indexed(tmp_path):
    """The snapshot of a registry with some releases, each as ``(package, *releases)``."""

    def make(*packages, name="main"):
        catalogue = Catalogue("T", tuple(Package(one, tuple(more)) for one, *more in packages))
        path = tmp_path / f"{name}.sqlite"
        build_entries(catalogue, path)
        settings = RegistrySettings(name, "https://example.org", None)
        return Snapshot(settings, 1, None, catalogue, "", entries=path)

    return make


def _one(name, *skills, version="1.0", **more):
    return name, release(name, version, *skills, **more)


def _plugin(name, kind, point, summary, **more):
    provides = (Provided(kind, point, f"{name}:X"),)
    return _one(name, summary=summary, provides=provides, **more)


def _names(hits):
    return [one.name for one in hits]


def test_a_skill_is_found_by_what_it_does(indexed):
    there = indexed(_one("skill-a", TRIAGE), _one("skill-b", REPORT))
    hit = search([there], "what caused the incident?")[0]
    assert (hit.name, hit.kind, hit.package, hit.version, hit.registry) == (
        "log-triage",
        "skills",
        "skill-a",
        "1.0",
        "main",
    )
    assert hit.description == TRIAGE[1]


@pytest.mark.parametrize("words", ["reports", "Reporting", "WRITES", "status report", "weekly"])
def test_other_forms_of_a_word_find_it_too(indexed, words):
    there = indexed(_one("skill-a", TRIAGE), _one("skill-b", REPORT))
    assert _names(search([there], words)) == ["status-report"]


def test_keywords_and_the_packages_name_are_searched(indexed):
    there = indexed(_one("skill-a", TRIAGE, keywords=("postmortem",)), _one("skill-zebra", REPORT))
    assert _names(search([there], "postmortem")) == ["log-triage"]
    assert _names(search([there], "zebra")) == ["status-report"]


def test_a_name_weighs_more_than_a_mention(indexed):
    there = indexed(
        _one("skill-a", ("invoices", "Handles them.")),
        _one("skill-b", ("letters", "Writes letters, among them invoices and invoices.")),
    )
    assert _names(search([there], "invoices")) == ["invoices", "letters"]


@pytest.mark.parametrize("words", ["log-triage", "log triage", "skill-plain"])
def test_what_is_named_in_full_comes_first(indexed, words):
    others = [
        _one(f"skill-{n}", (f"log-triage-{n}", "Log triage, log triage, skill plain."))
        for n in range(50)
    ]
    there = indexed(*others, _one("skill-plain", ("log-triage", "Does it.")))
    assert search([there], words, limit=3)[0].package == "skill-plain"


def test_the_start_of_a_word_finds_it_where_no_whole_word_does(indexed):
    there = indexed(_one("skill-a", ("kubernetes-check", "Checks.")))
    assert _names(search([there], "kube")) == ["kubernetes-check"]


def test_only_the_newest_release_is_found_and_none_that_is_yanked(indexed):
    there = indexed(
        ("skill-a", release("skill-a", "2.0", REPORT), release("skill-a", "1.0", TRIAGE)),
        ("skill-b", release("skill-b", "1.0", TRIAGE, yanked="broken")),
    )
    assert search([there], "incident") == []
    assert [one.version for one in search([there], "report")] == ["2.0"]


def test_kinds_are_told_apart(indexed):
    there = indexed(
        _one("skill-a", ("chat-log", "Reads a chat.")),
        _plugin("headrace-chat", "chat_models", "chatty", "A model to chat with"),
        _plugin("headrace-tool", "tools", "chat-tool", "A tool to chat with"),
    )
    assert set(_names(search([there], "chat"))) == {"chat-log", "chatty", "chat-tool"}
    assert _names(search([there], "chat", kind="skills")) == ["chat-log"]
    assert _names(search([there], "chat", kind="chat_models")) == ["chatty"]
    assert set(_names(search([there], "chat", kind="plugins"))) == {"chatty", "chat-tool"}
    assert search([there], "chat", kind="memory") == []


def test_a_plugin_is_found_by_its_packages_summary(indexed):
    there = indexed(_plugin("headrace-x", "chat_models", "x", "Speaks with the moon"))
    (hit,) = search([there], "moon")
    assert (hit.kind, hit.description) == ("chat_models", "Speaks with the moon")


def test_several_registries_are_searched_as_one(indexed):
    ours = indexed(_one("skill-a", TRIAGE), name="ours")
    theirs = indexed(_one("skill-b", ("incident-report", "Reports incidents.")), name="theirs")
    assert {one.registry for one in search([ours, theirs], "incident")} == {"ours", "theirs"}


def test_a_large_registry_does_not_hide_a_small_one(indexed):
    """What is rare in one registry is common in another: their scores do not compare."""
    filler = [_one(f"skill-{n}", (f"thing-{n}", "Does things.")) for n in range(300)]
    large = indexed(*filler, _one("skill-x", ("logs", "Reads logs of things.")), name="large")
    small = indexed(_one("skill-a", TRIAGE), _one("skill-b", ("log-b", "Logs.")), name="small")
    hits = search([large, small], "cause of an incident in logs", limit=2)
    assert hits[0].name == "log-triage"


def test_no_more_are_given_than_asked_for(indexed):
    there = indexed(*(_one(f"skill-{n}", (f"log-{n}", "Reads logs.")) for n in range(30)))
    assert len(search([there], "logs", limit=7)) == 7
    assert search([there], "logs", limit=0) == []


@pytest.mark.parametrize(
    "words",
    ["", "!?", '"', "a OR b", "NEAR(", "name:a", "'; DROP TABLE entries --", "x" * 100_000, "\0"],
)
def test_no_request_is_a_query(indexed, words):
    assert search([indexed(_one("skill-a", TRIAGE))], words) == []


def test_names_that_are_meant_are_told(indexed):
    there = indexed(_one("skill-a", TRIAGE), _one("skill-b", REPORT))
    assert nearest_names([there], "lgo-triaeg")[0] == "log-triage"
    assert nearest_names([there], "statusreport")[0] == "status-report"
    assert nearest_names([there], "zzz") == []
    assert nearest_names([there], "log-triage", kind="plugins") == []


def test_an_empty_registry_has_nothing(indexed):
    empty = indexed()
    assert search([empty], "log") == []
    assert nearest_names([empty], "log") == []
