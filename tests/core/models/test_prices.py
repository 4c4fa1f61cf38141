"""What models cost by their names: a table of one's own, before the one that comes along."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from headrace import AgentBuilder, AgentPlan, PlanError, Prices
from headrace.models.prices import PriceSettings, known_prices


def own(**models):
    return PriceSettings(models={name: {"input": price} for name, price in models.items()})


class TestTheTableThatComesAlong:
    def test_it_knows_models_of_providers_by_the_names_of_their_plugins(self):
        assert PriceSettings().of("openai", "gpt-4.1-mini") == Prices(
            input=0.4, output=1.6, cached=0.1
        )

    @pytest.mark.parametrize(
        ("provider", "model", "name"),
        [
            ("openai", "gpt-4.1-mini-2025-04-14", "openai/gpt-4.1-mini"),
            ("anthropic", "claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4-5"),
            ("anthropic", "claude-3-5-haiku-latest", "anthropic/claude-3-5-haiku"),
            ("gemini", "gemini-2.0-flash-001", "gemini/gemini-2.0-flash"),
            ("bedrock", "us.amazon.nova-lite-v1:0", "bedrock/us.amazon.nova-lite-v1*"),
        ],
    )
    def test_a_version_of_a_model_has_the_price_of_its_name(self, provider, model, name):
        assert PriceSettings().of(provider, model) == known_prices().models[name]

    @pytest.mark.parametrize(
        ("provider", "model"),
        [("openai", "gpt-4.1-mega"), ("openai", "gpt-4.1-mini-tuned"), ("ollama", "qwen3:8b")],
    )
    def test_of_others_no_price_is_guessed(self, provider, model):
        assert PriceSettings().of(provider, model) is None

    def test_each_of_its_prices_has_a_source_with_a_day(self):
        table = known_prices()

        assert all(one.name and one.date for one in table.sources)
        for name in table.models:
            assert any(name.startswith(one.models) for one in table.sources), name

    def test_no_cache_costs_more_to_read_than_the_tokens_themselves(self):
        for name, prices in known_prices().models.items():
            assert prices.input > 0, name
            assert prices.output >= prices.input, name
            assert prices.cached is None or prices.cached < prices.input, name

    def test_it_can_be_turned_off(self):
        assert PriceSettings(known=False).of("openai", "gpt-4.1") is None

    def test_it_does_not_count_in_another_currency(self):
        assert PriceSettings(currency="EUR").of("openai", "gpt-4.1") is None


class TestOnesOwn:
    def test_it_wins(self):
        assert own(**{"openai/gpt-4.1": 1.5}).of("openai", "gpt-4.1") == Prices(input=1.5)

    def test_it_wins_for_versions_and_by_patterns_too(self):
        prices = own(**{"openai/gpt-4*": 1.5})

        assert prices.of("openai", "gpt-4.1-mini-2025-04-14") == Prices(input=1.5)

    def test_the_exact_name_goes_before_patterns_and_the_longest_pattern_before_others(self):
        prices = own(**{"ollama/*": 1, "ollama/qwen*": 2, "ollama/qwen3:8b": 3})

        asked = [prices.of("ollama", name).input for name in ("phi4", "qwen2", "qwen3:8b")]
        assert asked == [1, 2, 3]

    def test_a_class_is_named_by_its_name(self):
        assert own(Clerk=2).of("Clerk", "") == Prices(input=2)

    def test_a_price_below_nothing_is_a_fault_of_the_agent(self):
        made = AgentBuilder("desk").configure(prices={"models": {"a/b": {"input": -1}}})

        with pytest.raises(PlanError, match=r"prices\.models\.a/b\.input"):
            AgentPlan.from_agent(made)

    def test_a_name_of_no_letters_is_refused(self):
        with pytest.raises(ValidationError, match="name has 1 to"):
            own(**{"": 1})
