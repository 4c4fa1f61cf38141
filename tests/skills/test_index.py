"""Finding skills by what is asked."""

from __future__ import annotations

import pytest

from headrace_skills import find_skills
from headrace_skills.index import BODY, MANY, SHORT_BODY, SkillIndex

from .conftest import write_skill


def written(folder, name, description, body="Do it."):
    write_skill(folder / name, f"name: {name}\ndescription: {description}", body)


@pytest.fixture
def shelf(tmp_path):
    """Skills of different kinds."""
    folder = tmp_path / "shelf"
    written(folder, "pdf-forms", "Fills in PDF forms and extracts their fields.")
    written(folder, "invoice-check", "Checks invoices against orders.", "# Totals\n\nAdd up VAT.")
    written(folder, "log-triage", "Explains failures of jobs.", "# Steps\n\nRead checkpoints.")
    written(folder, "zürich-trams", "Fahrpläne der Straßenbahn in Zürich.")
    return folder


@pytest.fixture
def index(shelf):
    """Their index."""
    made = SkillIndex(find_skills(folders=[str(shelf)], installed=False))
    yield made
    made.close()


def names(found):
    return [one.skill.name for one in found]


@pytest.mark.parametrize(
    ("request_text", "name"),
    [
        ("please fill the form in this pdf", "pdf-forms"),
        ("checking an invoice", "invoice-check"),
        ("LOG TRIAGE", "log-triage"),
        ("trams", "zürich-trams"),
        ("zurich fahrplane", "zürich-trams"),
    ],
    ids=["words of the description", "other forms", "its name", "a part of it", "no diacritics"],
)
def test_a_skill_is_found_by_its_name_and_description(index, request_text, name):
    assert names(index.search(request_text))[0] == name


@pytest.mark.parametrize(
    ("request_text", "name"),
    [("who adds the totals?", "invoice-check"), ("checkpoints are late", "log-triage")],
    ids=["a heading", "the text"],
)
def test_a_skill_is_found_by_its_body(index, request_text, name):
    assert names(index.search(request_text))[0] == name


def test_bodies_may_be_left_out(shelf):
    skills = find_skills(folders=[str(shelf)], installed=False)

    assert SkillIndex(skills, bodies=False).search("checkpoints") == []


def test_what_a_description_says_counts_more_than_what_a_body_says(tmp_path):
    written(tmp_path, "one", "Bakes bread.", "Never brew coffee meanwhile.")
    written(tmp_path, "two", "Brews coffee.", "Never bake bread meanwhile.")
    index = SkillIndex(find_skills(folders=[str(tmp_path)], installed=False))

    assert names(index.search("bread")) == ["one", "two"]
    assert names(index.search("coffee")) == ["two", "one"]


def test_scores_fall(index):
    scores = [one.score for one in index.search("check forms of failures and invoices", 4)]

    assert len(scores) > 1
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("limit", [1, 2, 0, -1])
def test_no_more_are_given_than_are_asked_for(index, limit):
    assert len(index.search("forms failures invoices", limit)) == max(limit, 0)


@pytest.mark.parametrize("text", ["", "   ", "?!", "xylophone", "a", "\0", "\ud800"])
def test_a_request_with_no_word_of_any_skill_finds_nothing(index, text):
    assert index.search(text) == []


@pytest.mark.parametrize(
    "text",
    ['"forms', "forms AND", "NEAR(forms", "name:forms", "forms*", "-forms", "(forms) OR", "forms;"],
)
def test_a_request_is_no_query_language(index, text):
    assert names(index.search(text)) == ["pdf-forms"]


def test_a_long_request_is_found_by_its_rare_words(tmp_path):
    for number in range(300):
        written(tmp_path, f"common-{number}", "Does the usual work with the usual data every day.")
    written(tmp_path, "rare", "Counts marmots.")
    index = SkillIndex(find_skills(folders=[str(tmp_path)], installed=False))
    request = "the usual work with the usual data, every day, " * 50 + "and marmots"

    assert names(index.search(request))[0] == "rare"


def test_common_words_find_something_where_there_are_no_others(tmp_path):
    for number in range(300):
        written(tmp_path, f"common-{number}", "Does the usual work.")
    index = SkillIndex(find_skills(folders=[str(tmp_path)], installed=False))

    assert len(index.search("usual work", 5)) == 5


def test_a_skill_that_is_gone_is_still_found_by_its_description(shelf):
    skills = list(find_skills(folders=[str(shelf)], installed=False))
    (shelf / "pdf-forms" / "SKILL.md").unlink()

    assert names(SkillIndex(skills).search("pdf")) == ["pdf-forms"]


def test_only_the_start_of_a_long_body_is_read(tmp_path):
    written(tmp_path, "long", "Is long.", "x " * BODY + "marmots")
    index = SkillIndex(find_skills(folders=[str(tmp_path)], installed=False))

    assert index.search("marmots") == []


@pytest.mark.slow
def test_less_of_each_body_is_read_where_there_are_many(tmp_path):
    written(tmp_path, "near", "Is one.", "marmots")
    written(tmp_path, "far", "Is two.", "x " * SHORT_BODY + "pikas")
    for number in range(MANY):
        written(tmp_path, f"other-{number}", "Is another.")
    index = SkillIndex(find_skills(folders=[str(tmp_path)], installed=False))

    assert names(index.search("marmots")) == ["near"]
    assert index.search("pikas") == []
