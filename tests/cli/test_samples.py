"""`agents samples`: what was put aside, and what people say of it."""

from __future__ import annotations

import json
import time

import pytest

DAY = 86_400.0
FIRST = 1_700_000_000.0  # 2023-11-14


def sample(number, **more):
    return {
        "v": 1,
        "id": f"{number:032x}-0",
        "job": "Desk",
        "agent": "Desk",
        "key": f"k{number}",
        "key_id": f"sk{number}",
        "time": FIRST + number * DAY,
        "duration": 0.5,
        "models": ["gpt"],
        "input": {"ask": number},
        "outputs": [f"answer {number}"],
        "records": [{"kind": "tool", "what": "finished", "name": "stock", "data": {"left": 4}}],
        **more,
    }


@pytest.fixture
def aside(place):
    """A project whose job has put three runs aside."""
    (place.folder / "pyproject.toml").write_text(
        '[tool.agents.samples]\nfolder = "aside"\nshare = 0.5\n'
    )
    (place.folder / "aside" / "Desk").mkdir(parents=True)
    for number in (1, 2, 3):
        put(place, sample(number))
    return place


def put(place, one):
    (place.folder / "aside" / "Desk" / f"{one['id']}.json").write_text(json.dumps(one) + "\n")


def said(place, *arguments):
    result = place.run("samples", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def listed(place, *options):
    found = json.loads(said(place, "list", "--json", *options))["samples"]
    return {one["key"]: one["said"] for one in found}


def judge(place, number, verdict, *more):
    return said(place, "judge", sample(number)["id"], "--verdict", verdict, *more)


class TestListing:
    def test_all_are_listed_with_what_is_said_of_them(self, aside):
        judge(aside, 2, "good")

        assert listed(aside) == {"k1": None, "k2": "good", "k3": None}

    @pytest.mark.parametrize(
        ("options", "keys"),
        [
            (("--verdict", "bad"), {"k1"}),
            (("--verdict", "none"), {"k2", "k3"}),
            (("--label", "tone"), {"k1"}),
            (("--agent", "Other"), set()),
            (("--job", "Desk"), {"k1", "k2", "k3"}),
            (("--key", "k3"), {"k3"}),
            (("--since", "2023-11-17T00:00:00"), {"k3"}),
            (("--until", "2023-11-16T00:00:00"), {"k1"}),
            (("--limit", "1"), {"k3"}),
        ],
    )
    def test_options_say_which(self, aside, options, keys):
        judge(aside, 1, "bad", "--label", "tone")

        assert listed(aside, *options).keys() == keys

    def test_for_people_it_says_what_to_type(self, aside):
        result = aside.run("samples", "list")

        assert "answer 3" in result.stdout
        assert "next: agents samples judge" in result.stderr

    def test_what_a_model_wrote_cannot_move_the_cursor(self, aside):
        put(aside, sample(4, outputs=["\x1b[2J\u202e"], key="\x1b", agent="\x1b"))

        assert "\x1b" not in aside.run("samples", "list").output
        assert "\x1b" not in aside.run("samples", "show", sample(4)["id"]).output

    @pytest.mark.parametrize(
        "content",
        [
            "{",
            "[]",
            '{"v": 1}',
            "[" * 100_000,
            "",
            json.dumps(sample(9, id="../../x")),
            json.dumps(sample(9, time=float("nan"))),
            json.dumps(sample(9, time=1e300)),
            json.dumps(sample(9, agent="half a \ud800")),
        ],
    )
    def test_a_file_that_is_no_sample_is_left_out_and_told_of(self, aside, content):
        (aside.folder / "aside" / "Desk" / "x.json").write_text(content)
        result = aside.run("samples", "list")

        assert result.exit_code == 0
        assert "answer 3" in result.stdout
        assert "warning: 1 files are no samples and left out (x.json: " in result.stderr

    def test_where_nothing_says_the_folder_it_is_asked_for(self, place):
        result = place.run("samples", "list")

        assert result.exit_code == 2
        assert "it is not said where the samples are" in result.stderr

    def test_where_there_is_no_folder_it_says_what_makes_it(self, place):
        result = place.run("samples", "list", "--folder", "nowhere")

        assert result.exit_code == 1
        assert "there are no samples at nowhere" in result.stderr


class TestShowing:
    def test_a_sample_is_shown_whole(self, aside):
        judge(aside, 1, "bad", "--note", "too short", "--by", "Eva")
        text = said(aside, "show", sample(1)["id"])

        for part in ('"ask": 1', "answer 1", "tool stock", "left=4", "bad, says Eva", "too short"):
            assert part in text

    def test_the_beginning_of_an_id_will_do_where_it_is_one_sample_s(self, aside):
        assert "answer 1" in said(aside, "show", f"{1:032x}")
        several = aside.run("samples", "show", "0000")
        assert several.exit_code == 1
        assert "3 samples begin with '0000'" in several.stderr

    def test_an_id_that_is_none_is_told(self, aside):
        assert "there is no sample 'zz'" in aside.run("samples", "show", "zz").stderr


class TestJudging:
    def test_a_verdict_is_kept_with_who_when_and_why(self, aside):
        before = time.time()
        told = judge(aside, 1, "bad", "--note", "no", "--label", "a", "--label", "b", "--by", "Eva",
                     "--json")  # fmt: skip
        [verdict] = json.loads(told)["verdicts"]

        assert (verdict["by"], verdict["note"], verdict["labels"]) == ("Eva", "no", ["a", "b"])
        assert before <= verdict["time"] <= time.time()
        shown = json.loads(said(aside, "show", sample(1)["id"], "--json"))
        assert shown["verdicts"] == [{n: v for n, v in verdict.items() if n != "fed"}]

    def test_a_further_verdict_of_a_person_takes_the_place_of_the_one_before(self, aside):
        for verdict in ("good", "bad"):
            judge(aside, 1, verdict, "--by", "Eva")

        assert listed(aside)["k1"] == "bad"

    def test_that_two_people_disagree_is_shown(self, aside):
        judge(aside, 1, "good", "--by", "Eva")
        judge(aside, 1, "bad", "--by", "Bo")

        assert listed(aside)["k1"] == "disputed"

    def test_a_verdict_is_laid_where_the_agent_reads(self, aside):
        (aside.folder / "in.jsonl").write_text('{"k": 1}')  # its last line has no end
        judge(aside, 1, "bad", "--note", "no", "--to", "in.jsonl")
        [_, line] = (aside.folder / "in.jsonl").read_text().splitlines()
        told = json.loads(line)["headrace.verdict"]

        assert (told["verdict"], told["key_id"]) == ("bad", "sk1")
        assert (told["input"], told["outputs"]) == ({"ask": 1}, ["answer 1"])

    def test_the_project_may_say_where_the_agent_reads(self, aside):
        (aside.folder / "followed").mkdir()
        with (aside.folder / "pyproject.toml").open("a") as file:
            file.write('feed = "followed"\n')
        judge(aside, 1, "good")
        judge(aside, 1, "bad")

        files = [*(aside.folder / "followed").iterdir()]
        assert len(files) == 2
        assert {path.suffix for path in files} == {".jsonl"}

    def test_in_a_terminal_one_is_asked_of_each_that_one_has_not_judged(self, aside):
        judge(aside, 3, "good")
        result = aside.run("samples", "judge", input="?\ng\nfine\ntone, short\ns\n")

        assert result.exit_code == 0, result.output
        assert "answer 3" not in result.output
        assert listed(aside) == {"k1": None, "k2": "good", "k3": "good"}
        assert listed(aside, "--label", "short").keys() == {"k2"}

    def test_one_may_stop_at_any_time(self, aside):
        assert aside.run("samples", "judge", input="b\n\n\nq\n").exit_code == 0
        assert listed(aside) == {"k1": None, "k2": None, "k3": "bad"}

    @pytest.mark.parametrize(
        ("arguments", "why"),
        [
            (("--verdict", "good"), "name the samples"),
            (("--note", "x"), "what is the verdict?"),
            (("--json",), "what is the verdict?"),
            ((sample(1)["id"], "--verdict", "good", "--note", "x" * 3000), "note: "),
        ],
    )
    def test_what_is_wrong_is_said_before_anything_is_kept(self, aside, arguments, why):
        result = aside.run("samples", "judge", *arguments)

        assert result.exit_code == 2
        assert why in result.stderr
        assert not (aside.folder / "aside" / "Desk" / "verdicts").exists()


class TestRates:
    @pytest.fixture
    def judged(self, aside):
        put(aside, sample(4, time=FIRST + DAY, models=["claude"]))
        judge(aside, 1, "good", "--by", "Eva", "--label", "tone")
        judge(aside, 2, "bad", "--by", "Eva")
        judge(aside, 3, "good", "--by", "Eva")
        judge(aside, 3, "bad", "--by", "Bo")
        judge(aside, 4, "good", "--by", "Bo")
        return aside

    def counted(self, place, *by):
        options = [part for name in by for part in ("--by", name)]
        found = json.loads(said(place, "rate", "--json", *options))
        counts = ("samples", "good", "bad", "disputed", "rate")
        return {
            tuple(one[name] for name in found["by"]): tuple(one[name] for name in counts)
            for one in found["rates"]
        }

    def test_by_day(self, judged):
        assert self.counted(judged) == {
            ("2023-11-15",): (2, 2, 0, 0, 1.0),
            ("2023-11-16",): (1, 0, 1, 0, 0.0),
            ("2023-11-17",): (1, 0, 0, 1, None),
        }

    def test_by_agent_and_model(self, judged):
        assert self.counted(judged, "agent", "model") == {
            ("Desk", "claude"): (1, 1, 0, 0, 1.0),
            ("Desk", "gpt"): (3, 1, 1, 1, 0.5),
        }

    def test_by_person_each_one_s_own_verdicts_count(self, judged):
        assert self.counted(judged, "person") == {
            ("Bo",): (2, 1, 1, 0, 0.5),
            ("Eva",): (3, 2, 1, 0, 2 / 3),
        }

    def test_by_label(self, judged):
        assert self.counted(judged, "label")[("tone",)] == (1, 1, 0, 0, 1.0)

    def test_samples_that_were_thrown_away_count_by_their_verdicts(self, judged):
        before = self.counted(judged, "day", "model")
        for path in (judged.folder / "aside" / "Desk").glob("*.json"):
            path.unlink()

        assert self.counted(judged, "day", "model") == before

    def test_for_people_it_is_a_table_with_what_the_rate_lies_between(self, judged):
        text = said(judged, "rate", "--by", "agent")

        assert text.splitlines()[0].split() == [
            "AGENT", "SAMPLES", "GOOD", "BAD", "DISPUTED", "RATE", "BETWEEN",
        ]  # fmt: skip
        # Wilson's interval of 2 of 3, as Brown, Cai and DasGupta (2001) have it.
        assert text.splitlines()[1].endswith("67%   21% - 94%")

    def test_a_chart_draws_it(self, judged):
        assert "█" in said(judged, "rate", "--chart")


@pytest.mark.parametrize(
    ("good", "of", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_wilson_s_interval_is_that_of_the_literature(good, of, low, high):
    from headrace_cli._samples._rates import wilson

    assert wilson(good, of) == pytest.approx((low, high), abs=5e-5)


class TestExporting:
    def test_samples_are_written_with_what_is_said_of_them(self, aside):
        judge(aside, 2, "good", "--note", "fine")
        assert said(aside, "export", "-o", "good.jsonl", "--verdict", "good") == ""
        [one] = aside.read("good.jsonl")

        assert (one["input"], one["outputs"], one["said"]) == ({"ask": 2}, ["answer 2"], "good")
        assert one["verdicts"][0]["note"] == "fine"
        assert "records" not in one

    def test_with_what_happened_where_that_is_wanted(self, aside):
        lines = said(aside, "export", "--records").splitlines()

        assert [json.loads(line)["records"][0]["name"] for line in lines] == ["stock"] * 3


class TestTheProject:
    @pytest.mark.parametrize(
        ("line", "why"),
        [
            ("share = 2", "pyproject.toml:4: samples.share = 2: Input should be less than"),
            ("sahre = 0.1", "did you mean 'samples.share'?"),
            ('when = "event.x"', "it uses event; it knows only input, outputs, key, agent"),
            ("feed = 3", "tool.agents.samples.feed must be a file or folder"),
        ],
    )
    def test_what_is_wrong_is_said_with_its_line(self, place, line, why):
        (place.folder / "pyproject.toml").write_text(
            f'[tool.agents]\nagent = "{place.module}:Echo"\n[tool.agents.samples]\n{line}\n'
        )
        result = place.run("plan", ".")

        assert result.exit_code != 0
        assert why in " ".join(result.output.split())

    def test_the_table_is_the_settings(self, aside):
        with (aside.folder / "pyproject.toml").open("a") as file:
            file.write(f'[tool.agents]\nagent = "{aside.module}:Echo"\n')
        result = aside.run("plan", ".", "--json")

        assert json.loads(result.stdout)["config"]["samples"]["share"] == 0.5
