"""What every plugin of models is held to: its life, and its connection to a provider on loopback.

A plugin's tests subclass these, beside the fixtures ``provider``, ``opened`` and ``failure``.
"""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from importlib.metadata import entry_points
from typing import Any, ClassVar

import pytest

from headrace.errors import ResourceError

from .loopback import HELLO


class Life:
    """How a model begins and ends."""

    models: ClassVar[dict[tuple[str, str], tuple[type[Any], str]]]
    """By kind and name of its entry point, each model's class, and a model that it takes."""
    client: ClassVar[set[str]]
    """The modules of the vendor's client, and what they load."""

    def test_needs_opening(self):
        for model, name in self._of("chat_models"):
            with pytest.raises(ResourceError, match="not open"):
                asyncio.run(model(name).chat(HELLO))

    def test_needs_opening_for_a_stream(self):
        for model, name in self._of("chat_models"):
            with pytest.raises(ResourceError, match="not open"):
                asyncio.run(model(name).stream(HELLO, print))

    def test_needs_opening_for_embeddings(self):
        for model, name in self._of("embedding_models"):
            with pytest.raises(ResourceError, match="not open"):
                asyncio.run(model(name).embed(["hello"]))

    def test_ends_with_closing_which_may_be_done_twice(self, opened):
        async def close_and_ask():
            async with opened() as model:
                await model.close()
                await model.chat(HELLO)

        with pytest.raises(ResourceError, match="not open"):
            asyncio.run(close_and_ask())

    def test_loads_the_vendors_client_only_when_opened(self):
        made = [
            f"from {model.__module__} import {model.__name__}; {model.__name__}({name!r})"
            for model, name in self.models.values()
        ]
        loaded = f"import sys; print(*({self.client!r} & set(sys.modules)))"
        code = "\n".join([*made, loaded])

        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)

        assert done.stdout.split() == []

    def test_is_found_by_its_entry_point(self):
        for (kind, name), (model, _) in self.models.items():
            (point,) = entry_points(group=f"headrace.{kind}", name=name)

            assert point.load() is model

    def test_takes_no_secret_as_an_argument(self):
        for model, _ in self.models.values():
            assert not {"key", "api_key", "token", "secret"} & set(
                inspect.signature(model).parameters
            )

    def _of(self, kind: str) -> list[tuple[type[Any], str]]:
        return [model for (of, _), model in self.models.items() if of == kind]


class Connections:
    """What holds of the connection to every provider.

    A plugin's tests subclass it, beside fixtures ``provider``, ``opened`` and ``failure``.
    """

    address = "base_url"
    """What the plugin's argument for the server is called."""

    @pytest.mark.parametrize("answer", ["cut before", "cut inside"])
    def test_that_is_cut(self, provider, failure, answer):
        provider.answers.append(answer)

        error = failure()

        assert (error.code, error.retryable) == ("connection", True)
        assert len(provider.bodies) == 1

    def test_that_nobody_takes_names_the_host(self, failure, unused_port):
        error = failure(**{self.address: f"http://127.0.0.1:{unused_port}"})

        assert error.code == "connection"
        assert "127.0.0.1" in str(error)

    def test_that_is_slow_is_given_up_when_the_caller_says_so(self, provider, opened):
        provider.answers.append("slow")
        provider.tell("here")

        async def give_up_and_ask_again():
            async with opened() as model:
                slow = asyncio.ensure_future(model.chat(HELLO))
                await provider.arrival()
                slow.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await slow
                return await model.chat(HELLO)

        assert asyncio.run(give_up_and_ask_again()).text == "here"
