"""`agents skills update|remove|why`: newer versions, less, and who needs what."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def known(shop, customer):
    """A customer who has the first version of a skill; the shop has a later one."""
    shop.skill("log-triage", "1.0.0", body="Read the log.\nStop.\n")
    shop.build()
    customer.knows(main=shop)
    customer.done("skills", "add", "log-triage", "--yes")
    shop.skill("log-triage", "1.1.0", body="Send the log.\nStop.\n")
    shop.build()
    return customer


def test_an_update_shows_what_changes_in_the_skills_text(known):
    shown = known.done("skills", "update", "log-triage", "--dry-run")
    assert "1.0.0 -> 1.1.0" in shown
    assert "-Read the log." in shown
    assert "+Send the log." in shown
    assert "Stop." in shown


def test_an_update_moves_lock_and_environment(known):
    known.done("skills", "update", "--yes")
    assert known.installed() == {"skill-log-triage": "1.1.0"}
    assert "1.1.0" in known.lock.read_text()
    assert "nothing changes" in known.done("skills", "update")


def test_the_difference_as_json(known):
    data = json.loads(known.done("skills", "update", "--dry-run", "--json"))
    (diff,) = data["diffs"]
    assert diff["skill"] == "log-triage"
    assert "+Send the log." in diff["diff"].splitlines()


def test_an_update_stays_within_what_the_project_asks_for(known):
    known.file.write_text(known.file.read_text().replace(">=1.0.0", ">=1.0.0,<1.1"))
    known.done("lock")
    assert "nothing changes" in known.done("skills", "update", "--yes")


def test_an_update_of_one_leaves_the_others(known, shop):
    shop.skill("mailer", "1.0.0")
    shop.build()
    known.done("skills", "add", "mailer", "--yes")
    shop.skill("mailer", "2.0.0")
    shop.build()
    known.done("skills", "update", "mailer", "--yes")
    assert known.installed() == {"skill-log-triage": "1.0.0", "skill-mailer": "2.0.0"}


def test_a_yanked_version_that_is_locked_stays_until_it_is_updated(known, shop):
    from headrace_registry.site import yank
    from headrace_registry.trust import KeySigner

    yank(shop.site, "skill-log-triage", "1.1.0", "wrong", signer=KeySigner.from_folder(shop.keys))
    assert "nothing changes" in known.done("skills", "update")


def test_removing_takes_the_package_and_what_only_it_needed(shop, customer):
    shop.package("tool-a", "1.0", "base-x", "shared-y")
    shop.package("tool-b", "1.0", "shared-y")
    shop.package("base-x", "1.0")
    shop.package("shared-y", "1.0")
    customer.knows(main=shop.build())
    before = customer.file.read_text()
    customer.done("plugins", "add", "tool-b", "--yes")
    with_b = customer.state()
    customer.done("plugins", "add", "tool-a", "--yes")
    shown = customer.done("plugins", "remove", "tool-a", "--yes")
    assert "base-x" in shown
    assert customer.installed() == {"tool-b": "1.0", "shared-y": "1.0"}
    assert customer.state()["pyproject.toml"] == with_b["pyproject.toml"]
    customer.done("plugins", "remove", "tool-b", "--yes")
    assert customer.installed() == {}
    assert customer.file.read_text() == before


def test_a_skill_is_removed_by_its_own_name(known):
    known.done("skills", "remove", "log-triage", "--yes")
    assert known.installed() == {}
    assert "log-triage" not in known.file.read_text()


def test_what_others_need_is_not_removed_by_itself(shop, customer):
    shop.package("tool-a", "1.0", "base-x")
    shop.package("base-x", "1.0")
    customer.knows(main=shop.build())
    customer.done("plugins", "add", "tool-a", "--yes")
    refused = customer.run("plugins", "remove", "base-x", "--yes")
    assert refused.exit_code == 1
    assert "tool-a -> base-x" in refused.stderr


def test_what_the_project_does_not_ask_for_is_not_removed(known):
    refused = known.run("skills", "remove", "mailer", "--yes")
    assert refused.exit_code == 1
    assert "skill-log-triage" in refused.stderr


def test_why_tells_the_chains_that_lead_to_a_package(shop, customer):
    shop.package("tool-a", "1.0", "base-x")
    shop.package("base-x", "1.0")
    customer.knows(main=shop.build())
    customer.done("plugins", "add", "tool-a", "--yes")
    assert "this project -> tool-a -> base-x" in customer.done("plugins", "why", "base-x")
    data = json.loads(customer.done("plugins", "why", "base-x", "--json"))
    assert data["chains"] == [["tool-a", "base-x"]]


def test_why_knows_a_skill_by_its_own_name(known):
    assert known.done("skills", "why", "log-triage").splitlines() == [
        "skill-log-triage 1.0.0",
        "  this project -> skill-log-triage",
    ]


def test_why_of_what_is_not_there_says_so(known):
    refused = known.run("skills", "why", "mailer")
    assert refused.exit_code == 1
    assert "no package 'mailer'" in refused.stderr
