"""`agents approvals`: what waits, and what somebody says to it."""

from __future__ import annotations

import json
import time

import pytest

NOW = time.time()


def request(number, **more):
    return {
        "id": f"run{number}-0.c{number}",
        "agent": "Shop",
        "key": f"k{number}",
        "key_id": f"sk{number}",
        "run": f"run{number}-0",
        "tool": "refund",
        "arguments": {"amount": number},
        "asked": NOW - 100 + number,
        **more,
    }


@pytest.fixture
def asked(place):
    """A job's requests: two wait, and one is over."""
    lines = [request(1), request(2), request(3, expires=NOW - 50)]
    (place.folder / "asked.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    (place.folder / "in.jsonl").write_text('{"k": 1}')  # its last line has no end
    return place


def listed(place, *more):
    result = place.run("approvals", "list", "asked.jsonl", "--json", *more)
    assert result.exit_code == 0, result.output
    return {one["id"]: one["state"] for one in json.loads(result.stdout)["approvals"]}


def approve(place, *more):
    return place.run("approvals", "approve", *more, "--requests", "asked.jsonl", "--to", "in.jsonl")


def decisions(place):
    lines = (place.folder / "in.jsonl").read_text().splitlines()
    return [json.loads(line)["headrace.decision"] for line in lines[1:]]


class TestListing:
    def test_what_waits_is_listed(self, asked):
        assert listed(asked) == {"run1-0.c1": "waiting", "run2-0.c2": "waiting"}

    def test_all_of_it_with_where_it_stands(self, asked):
        assert listed(asked, "--all")["run3-0.c3"] == "over"

    def test_what_is_decided_waits_no_more(self, asked):
        approve(asked, "run1-0.c1")

        assert listed(asked, "--to", "in.jsonl", "--all")["run1-0.c1"] == "approved"

    def test_for_people_it_says_what_to_type(self, asked):
        result = asked.run("approvals", "list", "asked.jsonl")

        assert "refund(amount=1)" in result.stdout
        assert "next: agents approvals approve ID" in result.stderr

    def test_what_a_model_wrote_cannot_move_the_cursor(self, asked):
        bad = request(4, arguments={"\x1b[2J": "\x1b[31m\u202e"})
        (asked.folder / "asked.jsonl").write_text(json.dumps(bad) + "\n")

        assert "\x1b" not in asked.run("approvals", "list", "asked.jsonl").output

    def test_a_folder_of_files_is_read_whole(self, asked):
        parts = asked.folder / "parts" / "2026"
        parts.mkdir(parents=True)
        (parts / "part-0").write_text(json.dumps(request(7)) + "\n")
        (parts / ".part-1.inprogress").write_text("{")

        result = asked.run("approvals", "list", "parts", "--json")

        assert [one["id"] for one in json.loads(result.stdout)["approvals"]] == ["run7-0.c7"]

    def test_a_line_that_is_no_request_is_told_with_its_place(self, asked):
        (asked.folder / "asked.jsonl").write_text('{"id": 1}\n')

        result = asked.run("approvals", "list", "asked.jsonl")

        assert result.exit_code == 1
        assert "asked.jsonl:1" in result.stderr

    def test_a_file_that_is_not_there_says_what_writes_it(self, asked):
        result = asked.run("approvals", "list", "nowhere.jsonl")

        assert result.exit_code == 1
        assert "agents run with --approvals writes them" in result.stderr

    def test_without_a_project_the_file_must_be_named(self, asked):
        result = asked.run("approvals", "list")

        assert result.exit_code == 2
        assert "[tool.agents.run]" in result.stderr


class TestDeciding:
    def test_a_decision_is_added_to_the_jobs_input_on_a_line_of_its_own(self, asked):
        approve(asked, "run1-0.c1", "--by", "Eva", "--note", "fine")

        assert decisions(asked) == [
            {"id": "run1-0.c1", "key_id": "sk1", "approved": True, "by": "Eva", "note": "fine"}
        ]

    def test_a_refusal_is_one_too(self, asked):
        asked.run("approvals", "deny", "run2", "--requests", "asked.jsonl", "--to", "in.jsonl")

        assert [one["approved"] for one in decisions(asked)] == [False]

    def test_the_beginning_or_the_end_of_an_id_is_enough(self, asked):
        approve(asked, "run1", "c2")

        assert [one["id"] for one in decisions(asked)] == ["run1-0.c1", "run2-0.c2"]

    def test_all_that_wait_at_once(self, asked):
        approve(asked, "--all")

        assert len(decisions(asked)) == 2

    def test_a_folder_that_a_job_follows_gets_a_file(self, asked):
        (asked.folder / "inbox").mkdir()
        asked.run("approvals", "approve", "run1", "--requests", "asked.jsonl", "--to", "inbox")
        [file] = (asked.folder / "inbox").iterdir()

        assert json.loads(file.read_text())["headrace.decision"]["approved"] is True

    def test_a_dry_run_writes_nothing(self, asked):
        result = approve(asked, "--all", "--dry-run")

        assert (decisions(asked), "nothing was written" in result.stderr) == ([], True)

    @pytest.mark.parametrize(
        ("ids", "said"),
        [
            (["run"], "3 requests have such an id"),
            (["nobody"], "nothing was asked under the id nobody"),
            (["run3"], "does not wait any more"),
        ],
        ids=["too short", "unknown", "over"],
    )
    def test_an_id_that_names_no_one_call_that_waits_is_refused(self, asked, ids, said):
        result = approve(asked, *ids)

        assert (result.exit_code, decisions(asked)) == (1, [])
        assert said in result.stderr

    def test_one_wrong_id_stops_all(self, asked):
        approve(asked, "run1", "nobody")

        assert decisions(asked) == []

    def test_ids_or_all_must_be_said(self, asked):
        assert approve(asked).exit_code == 2

    def test_it_must_be_said_where_decisions_go(self, asked):
        result = asked.run("approvals", "approve", "run1", "--requests", "asked.jsonl")

        assert result.exit_code == 2
        assert "--to FILE" in result.stderr

    def test_a_table_takes_no_decisions(self, asked):
        result = asked.run(
            "approvals", "approve", "run1", "--requests", "asked.jsonl", "--to", "in.csv"
        )

        assert result.exit_code == 2
        assert not (asked.folder / "in.csv").exists()
