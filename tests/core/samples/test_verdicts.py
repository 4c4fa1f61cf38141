"""Verdicts as lines of files: each person's latest counts, and nothing that is none."""

from __future__ import annotations

import json
import os

import pytest

from headrace.samples import (
    FedVerdict,
    Judged,
    Sample,
    Verdict,
    add_verdict,
    latest,
    verdict_of,
    verdicts_in,
)

SAMPLE = Sample(v=1, id="r-0", job="Desk", agent="Desk", key_id="sann", time=1.0)


def verdict(said="good", by="ann", **more):
    fields = {
        "sample": "r-0", "verdict": said, "by": by, "time": 2.0, "job": "Desk", "agent": "Desk",
        "key_id": "sann", "sampled": 1.0, **more,
    }  # fmt: skip
    return Verdict(**fields)


def test_the_latest_of_a_person_counts(tmp_path):
    add_verdict(tmp_path, verdict("good", time=2.0))
    add_verdict(tmp_path, verdict("bad", time=3.0))
    found, wrong = verdicts_in(tmp_path)

    assert (len(found), wrong) == (2, 0)
    assert latest(found) == {"r-0": (verdict("bad", time=3.0),)}


def test_two_people_who_disagree_are_both_heard(tmp_path):
    add_verdict(tmp_path, verdict("good", "ann"))
    add_verdict(tmp_path, verdict("bad", "ben", time=3.0))
    people = latest(verdicts_in(tmp_path)[0])["r-0"]

    assert [one.by for one in people] == ["ann", "ben"]
    assert Judged(sample=SAMPLE, verdicts=people).said == "disputed"
    assert Judged(sample=SAMPLE, verdicts=people[:1]).said == "good"
    assert Judged(sample=SAMPLE).said == ""


def test_each_person_has_a_file_whatever_the_name(tmp_path):
    names = ["ann", "../../ann", "a/nn", "a-nn", ".", "ännchen", "x" * 200]
    paths = {add_verdict(tmp_path, verdict(by=name)) for name in names}

    assert len(paths) == len(names)
    assert {path.parent for path in paths} == {tmp_path / "verdicts"}
    assert {one.by for one in verdicts_in(tmp_path)[0]} == {*names}


def test_only_its_owner_may_read_a_verdict(tmp_path):
    assert add_verdict(tmp_path, verdict()).stat().st_mode & 0o777 == 0o600


def test_half_a_line_of_a_killed_process_harms_no_other(tmp_path):
    path = add_verdict(tmp_path, verdict())
    os.truncate(path, path.stat().st_size - 10)
    add_verdict(tmp_path, verdict("bad"))
    found, wrong = verdicts_in(tmp_path)

    assert ([one.verdict for one in found], wrong) == (["bad"], 1)


class TestAnInputThatIsAVerdict:
    FED = FedVerdict(**verdict().model_dump(), input={"a": 1}, outputs=["x"])

    def test_it_is_known_by_its_one_field(self):
        assert verdict_of(json.loads(json.dumps(self.FED.as_input()))) == self.FED
        assert verdict_of({"headrace": 1}) is None
        assert verdict_of("headrace.verdict") is None

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"verdict": "so so"}, "verdict: Input should be 'good' or 'bad'"),
            ({"by": ""}, "by: String should have at least 1 character"),
            ({"more": 1}, "more: Extra inputs are not permitted"),
            ({"key_id": 'j{"$":"os:system","v":1}'}, "is no value that JSON has"),
            ({"key_id": "x"}, "is no value that JSON has"),
        ],
    )
    def test_what_is_meant_as_one_and_is_none_is_refused(self, change, why):
        said = {**self.FED.model_dump(mode="json"), **change}
        with pytest.raises(ValueError, match="this is no verdict") as error:
            verdict_of({"headrace.verdict": said})
        assert why in str(error.value)

    def test_a_verdict_has_one_field(self):
        with pytest.raises(ValueError, match="one field"):
            verdict_of({**self.FED.as_input(), "k": 1})

    @pytest.mark.parametrize(("key_id", "key"), [("sann", "ann"), ("j7", 7), ("jnull", None)])
    def test_its_key_is_that_of_the_run(self, key_id, key):
        assert self.FED.model_copy(update={"key_id": key_id}).key == key
