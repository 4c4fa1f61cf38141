"""What must be agreed to by name before a change is made."""

from __future__ import annotations

import pytest

from headrace_registry.changes import Move, Review, objections


def move(kind="added", release=None, before=None, after="1.0"):
    return Move("triage", kind, before, after, "main", direct=True, release=release)


def options(moves, **given):
    return [one.option for one in objections(Review(tuple(moves)), **given)]


def test_nothing_stands_against_a_package_without_findings(release):
    assert options([move(release=release(skills={"triage": {}}))]) == []


@pytest.mark.parametrize("severity", ["high", "critical"])
def test_a_grave_finding_is_accepted_by_its_rule(release, severity):
    moves = [move(release=release(skills={"triage": {"shell/rm": severity}}))]
    assert options(moves) == ["--accept shell/rm"]
    assert options(moves, accept=["shell/rm"]) == []


def test_accepting_one_rule_accepts_no_other(release):
    moves = [move(release=release(skills={"triage": {"a/one": "high", "a/two": "high"}}))]
    assert options(moves, accept=["a/one"]) == ["--accept a/two"]


@pytest.mark.parametrize("severity", ["info", "low", "medium"])
def test_lesser_findings_are_shown_and_stand_in_no_way(release, severity):
    assert options([move(release=release(skills={"triage": {"a/one": severity}}))]) == []


def test_a_finding_in_what_goes_stands_in_no_way(release):
    gone = move("removed", release(skills={"triage": {"a/one": "high"}}), "1.0", None)
    assert options([gone]) == []


def test_an_older_version_is_agreed_to_by_itself():
    moves = [move("down", before="2.0", after="1.0")]
    assert options(moves) == ["--allow-downgrade"]
    assert options(moves, downgrades=True) == []


def test_a_review_as_data_has_what_a_script_decides_by(release):
    review = Review((move(release=release(skills={"triage": {"a/one": "high"}})),), 3)
    (data,) = review.as_data()["moves"]
    assert (data["name"], data["change"], data["after"]) == ("triage", "added", "1.0")
    assert data["skills"][0]["findings"][0]["rule"] == "a/one"
    assert review.as_data()["unchanged"] == 3
