"""What an editor and a type checker know of the models: their arguments, by name, with types."""

from __future__ import annotations

import inspect

import pytest

from headrace_openai import OpenAIChatModel, OpenAIEmbeddingModel, OpenAIResponsesModel

TEXT, TEXTS = "str | None", "Mapping[str, str] | None"
SERVER = {
    "base_url": TEXT,
    "api_key_env": TEXT,
    "organization": TEXT,
    "project": TEXT,
    "options": "Mapping[str, Any] | None",
    "azure_endpoint": TEXT,
    "api_version": TEXT,
    "azure_deployment": TEXT,
    "headers": TEXTS,
    "secret_headers": TEXTS,
    "http_client": TEXT,
}
CHAT = {
    "temperature": "float | None",
    "reasoning_effort": TEXT,
    "strict_tools": "bool",
    "structured": "bool",
}
OWN = {
    OpenAIChatModel: {
        **CHAT,
        "max_tokens_option": "Literal['max_completion_tokens', 'max_tokens']",
        "reasoning_field": TEXT,
    },
    OpenAIResponsesModel: {**CHAT, "keep_reasoning": "bool"},
    OpenAIEmbeddingModel: {
        "dimensions": "int | None",
        "encoding": "Literal['base64', 'float']",
        "batch_size": "int",
        "batch_bytes": "int",
        "text_prefix": "str",
        "query_prefix": "str",
    },
}


@pytest.mark.parametrize("kind", OWN)
def test_every_argument_has_its_name_and_type(kind):
    first, *others = inspect.signature(kind).parameters.values()

    assert (first.name, first.annotation, first.kind) == (
        "model",
        "str",
        first.POSITIONAL_OR_KEYWORD,
    )
    assert {one.name: one.annotation.replace('"', "'") for one in others} == SERVER | OWN[kind]
    assert {one.kind for one in others} == {first.KEYWORD_ONLY}


@pytest.mark.parametrize("kind", OWN)
def test_an_argument_that_is_none_is_refused(kind):
    with pytest.raises(TypeError, match="surprise"):
        kind("m", surprise=1)
