"""Reviews become forms: what each says, what is counted of a product, what is sent back."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from pydantic import ValidationError

EXAMPLE = Path(__file__).parents[2] / "examples" / "review_analysis"
REVIEWS = [json.loads(line) for line in (EXAMPLE / "data/reviews.jsonl").read_text().splitlines()]

# By a person who read them: the sentiment, what is liked, what is disliked, the urgency.
READ = {
    1: ("positive", {"sound", "battery"}, set(), "none"),
    2: ("negative", {"sound"}, {"app"}, "soon"),  # asks for the money back
    3: ("negative", set(), {"build"}, "now"),  # smoke
    4: ("mixed", {"delivery"}, {"price"}, "none"),
    5: ("mixed", {"sound"}, {"comfort"}, "none"),
    6: ("negative", set(), {"build", "comfort"}, "none"),
    7: ("negative", set(), {"battery"}, "none"),  # what it tells the model to do is not done
    8: ("positive", {"comfort", "price"}, set(), "none"),
    9: ("negative", set(), {"battery"}, "soon"),  # asks for another battery
    10: ("positive", set(), set(), "none"),
}
SENT_BACK = 6
"""The review whose first answer is not in the form: "disappointed" is no sentiment of it."""


@pytest.fixture(scope="module")
def ran(example, tmp_path_factory):
    folder = tmp_path_factory.mktemp("analysis")
    return example("review_analysis", folder, "--events", folder / "events.jsonl"), folder


@pytest.fixture(scope="module")
def analyses(ran):
    return {one["review"]: one for one in ran[0].outputs}


@pytest.fixture(scope="module")
def questions(ran):
    """For each run in which the model was asked, how often, with the run's key."""
    events = map(json.loads, (ran[1] / "events.jsonl").read_text().splitlines())
    return Counter((event["key"], event["run"]) for event in events if event["kind"] == "model")


@pytest.fixture
def form(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLE))
    from review_analyst import Analysis

    return Analysis


@pytest.mark.parametrize("number", READ)
def test_a_review_is_understood_as_a_person_understood_it(analyses, number):
    found = analyses[number]
    liked = {one["aspect"] for one in found["aspects"] if one["good"]}
    disliked = {one["aspect"] for one in found["aspects"] if not one["good"]}

    assert (found["sentiment"], liked, disliked, found["urgency"]) == READ[number]


@pytest.mark.parametrize("product", sorted({review["product"] for review in REVIEWS}))
def test_a_products_counts_are_those_of_its_reviews_up_to_there(analyses, product):
    numbers = [review["review"] for review in REVIEWS if review["product"] == product]

    for reviews, number in enumerate(numbers, 1):
        so_far = [READ[one] for one in numbers[:reviews]]
        assert analyses[number]["so_far"] == {
            "reviews": reviews,
            "sentiments": Counter(sentiment for sentiment, *_ in so_far),
            "liked": Counter(aspect for _, liked, _, _ in so_far for aspect in liked),
            "disliked": Counter(aspect for _, _, disliked, _ in so_far for aspect in disliked),
        }


def test_an_answer_that_is_not_in_the_form_is_asked_for_once_more(questions):
    product = next(one["product"] for one in REVIEWS if one["review"] == SENT_BACK)

    assert [key for (key, _), asked in questions.items() if asked == 2] == [product]


def test_every_other_review_costs_one_question(questions):
    assert sorted(questions.values()) == [1] * (len(REVIEWS) - 1) + [2]


def test_nothing_is_left_over(ran):
    assert ran[0].letters == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"sentiment": "disappointed"},
        {"aspects": [{"aspect": "hinge", "good": False}]},
        {"aspects": [{"aspect": "app", "good": False}, {"aspect": "app", "good": True}]},
        {"urgency": None},
        {"summary": "They broke."},
    ],
    ids=["another sentiment", "another aspect", "an aspect twice", "no urgency", "more fields"],
)
def test_the_form_refuses(form, wrong):
    right = {"sentiment": "negative", "aspects": [], "urgency": "none"}
    form.model_validate(right)

    with pytest.raises(ValidationError):
        form.model_validate({**right, **wrong})
