"""Stores and the tools that search them: what compiling finds wrong."""

from __future__ import annotations

import pytest
from connection_agents import ask
from semantic_ready import DictStore, WordEmbedder

from headrace import AgentBuilder, AgentPlan, InputEvent, PlanError, use

RETRIEVAL = "headrace.retrieval:RetrievalTools"
EMBEDDED = ("sqlite-vec", {"path": "a.db"})


def faults_of(store, *, store_named="docs", **tool):
    plugin, arguments = store
    builder = AgentBuilder("a").action(ask, InputEvent)
    builder.resource("docs", use("vector_stores", plugin, **arguments))
    builder.resource("words", use("embedding_models", WordEmbedder))
    builder.resource("find", use("tools", RETRIEVAL, store=store_named, **tool))
    try:
        AgentPlan.from_agent(builder)
    except PlanError as error:
        return [str(fault) for fault in error.faults]
    return []


@pytest.mark.parametrize(
    "tool",
    [
        {"embedder": "words"},
        {"embedder": "words", "mode": "hybrid"},
        {"mode": "keyword"},
        {"embedder": "words", "where": {"$or": [{"a": 1}, {"b": {"gt": "x"}}]}},
    ],
    ids=str,
)
def test_what_the_embedded_store_can_do_compiles(tool):
    assert faults_of(EMBEDDED, **tool) == []


def test_an_embedder_of_the_stores_own_is_enough():
    assert faults_of(("sqlite-vec", {"path": "a.db", "embedder": "words"})) == []


def test_a_mode_that_the_store_has_not_is_a_fault():
    [fault] = faults_of((DictStore, {}), embedder="words", mode="hybrid")

    assert "a.find" in fault
    assert "the store 'docs' cannot do what the tool asks: DictStore does not search by" in fault


def test_a_condition_that_the_store_cannot_ask_is_a_fault(monkeypatch):
    monkeypatch.setattr(DictStore, "filters", frozenset({"equal", "numbers"}))

    where = {"$not": {"a": {"lt": "x"}}, "b": {"lt": 1}}
    faults = faults_of((DictStore, {}), embedder="words", where=where)

    assert [
        fault.partition("cannot do what the tool asks: ")[2].splitlines()[0] for fault in faults
    ]
    assert len(faults) == 2  # $not, and the order of texts


@pytest.mark.parametrize(
    ("tool", "told"),
    [
        ({"embedder": "word"}, "did you mean 'words'?"),
        ({"embedder": "words", "store_named": "dogs"}, "did you mean 'docs'?"),
        ({}, "nobody makes vectors of what is looked for"),
        ({"embedder": "words", "where": {"a": {"like": 1}}}, "'like' is none of"),
    ],
    ids=str,
)
def test_a_slip_is_a_fault_that_says_what_to_do(tool, told):
    [fault] = faults_of(EMBEDDED, **tool)

    assert told in fault


def test_a_store_that_names_no_embedder_of_the_agent_is_a_fault():
    faults = faults_of(("sqlite-vec", {"path": "a.db", "embedder": "wards"}), embedder="words")

    assert len(faults) == 1
    assert "a.docs: it names 'wards'" in faults[0]
