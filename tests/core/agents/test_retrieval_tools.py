"""The tool that searches a vector store."""

from __future__ import annotations

import asyncio
import json

import pytest
from semantic_ready import HARBOURS, DictStore, Mirror, WordEmbedder

from headrace import AgentBuilder, ModelError, ToolError, use
from headrace.agents import ReActAgent
from headrace.errors import ResourceError
from headrace.retrieval import RetrievalTools
from headrace.testing import ToolsetSuite


class Failing(WordEmbedder):
    async def embed(self, texts):
        if texts == ["fail"]:
            raise ModelError("no vectors today", code="overloaded")
        return await super().embed(texts)


def tools(items=HARBOURS, **settings):
    """The toolset, with a store and an embedder that are ready."""
    made = RetrievalTools("docs", "words", **settings)
    parts = {("vector_stores", "docs"): DictStore(items), ("embedding_models", "words"): Failing()}

    async def lookup(kind, name):
        part = parts[kind, name]
        if isinstance(part, DictStore) and not part.items:
            await part.open()
        return part

    made.resource_lookup = lookup
    return made


class TestToolset(ToolsetSuite):
    working_call = ("search_documents", {"query": "tide of the harbour"})
    failing_call = ("search_documents", {"query": "fail"})

    def make(self):
        return tools()


def search(toolset, **arguments):
    return asyncio.run(toolset.call(toolset.specs()[0].name, arguments))


class TestSearching:
    def test_passages_come_with_id_text_score_and_metadata_best_first(self):
        first, second = search(tools(), query="The tide of the harbour, in German", limit=2)

        assert first.pop("score") == pytest.approx(1, abs=1e-3)
        assert first == HARBOURS[2]
        assert second["id"] == "h1"

    def test_as_many_come_as_the_setting_says_where_the_model_does_not(self):
        assert len(search(tools(limit=2), query="the tide")) == 2

    def test_a_condition_of_the_project_narrows_every_search(self):
        found = search(tools(where={"lang": "de"}), query="the tide turns at noon")

        assert [one["id"] for one in found] == ["h3"]

    def test_what_is_not_near_enough_is_left_out(self):
        found = search(tools(least_score=0.9), query="The tide turns at noon in the harbour")

        assert [one["id"] for one in found] == ["h1"]

    def test_a_long_passage_is_cut_and_says_so(self):
        items = [{"id": "long", "text": "tide " * 100, "metadata": {}}]

        [found] = search(tools(items, max_chars=9), query="tide")

        assert found["text"] == "tide tide\n[cut: 9 of 500 characters]"

    def test_nothing_found_is_an_empty_list(self):
        assert search(tools(where={"lang": "fr"}), query="tide") == []

    def test_a_model_that_gives_no_vector_is_told(self):
        with pytest.raises(ToolError, match="the search failed: no vectors today"):
            search(tools(), query="fail")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "query must be a text"),
        ({"query": " "}, "query must be a text"),
        ({"query": 7}, "query must be a text"),
        ({"query": "x" * 8001}, "8001 characters, and may have 8000"),
        ({"query": "x", "limit": 21}, "from 1 to 20"),
        ({"query": "x", "limit": True}, "from 1 to 20"),
        ({"query": "x", "where": {"lang": "fr"}}, "'where' is no argument"),
        ({"limit": 0}, "query must be .*; limit must be"),
    ],
)
def test_arguments_that_do_not_fit_are_told_all_at_once(arguments, told):
    with pytest.raises(ToolError, match=told):
        search(tools(), **arguments)


def test_the_tool_may_have_another_name_and_description():
    [spec] = tools(name="find_law", description="Finds laws.").specs()

    assert (spec.name, spec.description) == ("find_law", "Finds laws.")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"limit": 0}, "limit must be a whole number above 0, got 0"),
        ({"limit": 30}, r"limit \(30\) is above most \(20\)"),
        ({"where": {"a": {"like": "x"}}}, "filter: a: 'like' is none of"),
        ({"name": "find it"}, "'find it' is no name of a tool"),
        ({"name": "", "max_chars": -1}, "max_chars must .*; name: ''"),
    ],
)
def test_settings_that_are_wrong_are_told_all_at_once(settings, told):
    with pytest.raises(ResourceError, match=told):
        tools(**settings)


def test_an_agent_searches_the_store_and_with_the_embedder_that_it_names(run):
    toolset = use("tools", "headrace.retrieval:RetrievalTools", store="books", embedder="words")
    agent = AgentBuilder(ReActAgent, model=use("chat_models", Mirror), tools=[toolset])
    agent.resource("books", use("vector_stores", DictStore, items=HARBOURS))
    agent.resource("words", use("embedding_models", WordEmbedder))

    [answer] = run(agent, "call search_documents bread")

    assert json.loads(answer)[0]["id"] == "h2"
