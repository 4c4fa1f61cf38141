"""``[tool.agents] prices``: a file of what models cost, which goes into the plan."""

from __future__ import annotations

import json

import pytest

AGENT = """
from headrace import Agent, Context, InputEvent, RuntimeConfig, action


class Desk(Agent):
    {config}

    @action(InputEvent)
    async def do(self, event: InputEvent, ctx: Context) -> None:
        pass
"""


@pytest.fixture
def planned(place):
    def planned(prices, config=""):
        module = "priced_desk" if config else "plain_desk"  # a module is imported once
        place.write(f"{module}.py", AGENT.format(config=config))
        place.write(
            "pyproject.toml",
            f'[tool.agents]\nagent = "{module}:Desk"\nprices = "table/prices.toml"\n',
        )
        if prices is not None:
            (place.folder / "table").mkdir()
            place.write("table/prices.toml", prices)
        return place.run("plan", str(place.folder), "--json")

    return planned


def prices_of(result):
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["config"]["prices"]


def test_what_it_says_is_in_the_plan(planned):
    made = prices_of(
        planned('currency = "EUR"\nsource = "us"\n[models."a/b.1"]\ninput = 1.5\noutput = 2\n')
    )

    assert made["currency"] == "EUR"
    assert {name: one["input"] for name, one in made["models"].items()} == {"a/b.1": 1.5}


def test_what_the_agent_says_itself_counts_for_more(planned):
    config = 'config = RuntimeConfig(prices={"models": {"mine": {"input": 3}}})'
    made = prices_of(planned('[models."a/b"]\ninput = 1\n', config))

    assert list(made["models"]) == ["mine"]


@pytest.mark.parametrize(
    ("prices", "told"),
    [
        (None, ["cannot be read (tool.agents.prices)", "prices.toml", "No such file"]),
        ("models = ", ["this is not TOML", "prices.toml"]),
        ("modles = 1", ["unknown name 'modles'", "did you mean 'models'?"]),
        ('[models."a/b.1"]\ninput = -1', ['models."a/b.1".input: Input should be greater']),
        ('[models."a/b"]\nprice = 1', ['models."a/b".price: Extra inputs']),
    ],
)
def test_a_file_that_is_wrong_says_where_and_what(planned, prices, told):
    result = planned(prices)

    assert result.exit_code == 1
    for part in told:
        assert part in result.stderr


def test_the_project_s_key_is_a_text(planned, place):
    planned("")
    place.write("pyproject.toml", '[tool.agents]\nagent = "plain_desk:Desk"\nprices = 3\n')

    assert "tool.agents.prices must be a file" in place.run("plan", str(place.folder)).stderr
