"""The conformance class of chat models."""

from __future__ import annotations

import asyncio
import pickle
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import pytest

from headrace.chat import (
    ChatDelta,
    ChatRequest,
    ChatResponse,
    Image,
    Message,
    OutputSchema,
    ToolCall,
    ToolSpec,
    Usage,
)
from headrace.errors import ModelError
from headrace.testing._suite import Suite
from headrace.values import decode, encode

if TYPE_CHECKING:
    from headrace.interfaces import ChatModel

__all__ = ["ChatBackend", "ChatModelSuite"]

WEATHER = ToolSpec(
    name="weather",
    description="Tells the weather of a city.",
    parameters={
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city"],
        "additionalProperties": False,
    },
)
CLOCK = ToolSpec(name="clock", description="Tells the time.")
REPORT = OutputSchema(
    name="report",
    json_schema={
        "type": "object",
        "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
        "required": ["city", "degrees"],
        "additionalProperties": False,
    },
)
PIXEL = Image.from_bytes(b"\x89PNG\r\n\x1a\n" + bytes(24))

CODES = (
    "rate_limited",
    "overloaded",
    "timeout",
    "context_too_long",
    "bad_request",
    "unauthorised",
)
"""The failures that every provider has a form of."""


class ChatBackend(ABC):
    """What the suite needs of the place that answers the model: a server on loopback, mostly.

    It takes the requests that the model sends, holds each against the provider's own types, and
    gives the answers that the test has put there, in the provider's own form.
    """

    @abstractmethod
    def model(self) -> ChatModel:
        """A model that asks this backend; not yet open."""

    @abstractmethod
    def answer(self, *responses: ChatResponse) -> None:
        """Puts answers there, in order; the last one is given to all requests that follow."""

    @abstractmethod
    def fail(self, code: str, retry_after: float | None = None) -> None:
        """Fails all requests, in the way that the provider fails for a code of ``ModelError``."""

    @abstractmethod
    def cut(self) -> None:
        """Ends the connection of all requests without an answer."""

    @abstractmethod
    def requests(self) -> list[dict[str, Any]]:
        """The bodies of the requests so far, as they came, each valid for the provider."""

    def tool_choice(self, body: dict[str, Any]) -> Any:
        """What a request's body says of the tool that is to be called.

        To be overridden where the provider does not call it ``tool_choice``.
        """
        return body.get("tool_choice")


class ChatModelSuite(Suite):
    """What the runtime relies on in a chat model.

    ::

        class TestMyModel(ChatModelSuite):
            @pytest.fixture
            def backend(self):
                with MyServer() as server:
                    yield server        # a ChatBackend
    """

    shows_images = True
    """Whether the provider takes images."""
    caps_tokens = True
    """Whether the provider has a limit of tokens for one answer."""
    forces_tools = True
    """Whether the provider can be made to call a tool."""

    @pytest.fixture
    def backend(self) -> ChatBackend:
        """Gives the backend; to be overridden."""
        raise NotImplementedError("override the fixture `backend`")

    # ------------------------------------------------------------ answers
    def test_a_text_is_answered_by_a_text(self, backend: ChatBackend) -> None:
        """If this fails: the simplest request does not work."""
        backend.answer(said("Rain."))

        response = self.ask(backend, request("How is the weather?"))

        assert response.text == "Rain."
        assert response.message.role == "assistant"
        assert response.finish_reason == "stop"

    def test_usage_is_told(self, backend: ChatBackend) -> None:
        """If this fails: limits of tokens and budgets cannot work."""
        backend.answer(said("Rain.", usage=Usage(input_tokens=7, output_tokens=3)))

        response = self.ask(backend, request("Hello"))

        assert (response.usage.input_tokens, response.usage.output_tokens) == (7, 3)

    def test_the_model_that_answered_is_named(self, backend: ChatBackend) -> None:
        """If this fails: nobody can tell which model an answer came from."""
        backend.answer(said("Rain."))

        assert self.ask(backend, request("Hello")).model

    def test_the_system_prompt_reaches_the_provider(self, backend: ChatBackend) -> None:
        """If this fails: instructions are lost."""
        backend.answer(said("Rain."))
        system = Message(role="system", content="Answer in one word: zebra-crossing.")

        self.ask(backend, ChatRequest(messages=(system, Message(role="user", content="Hello"))))

        assert "zebra-crossing" in str(backend.requests()[-1])

    def test_a_request_of_one_system_message_is_answered(self, backend: ChatBackend) -> None:
        """If this fails: an agent that only has instructions cannot ask."""
        backend.answer(said("Rain."))
        system = Message(role="system", content="Say how the weather is.")

        assert self.ask(backend, ChatRequest(messages=(system,))).text == "Rain."

    def test_an_answer_cut_by_its_limit_says_so(self, backend: ChatBackend) -> None:
        """If this fails: half an answer is taken for a whole one."""
        backend.answer(said("It is r", finish_reason="length"))

        response = self.ask(backend, request("Hello", max_tokens=5))

        assert (response.text, response.finish_reason) == ("It is r", "length")

    # ------------------------------------------------------------ tools
    def test_tool_calls_come_with_their_arguments(self, backend: ChatBackend) -> None:
        """If this fails: models cannot use tools."""
        backend.answer(called(("a", "weather", {"city": "Zürich", "days": 2})))

        response = self.ask(backend, request("Weather?", tools=(WEATHER,)))

        [call] = response.message.tool_calls
        assert (call.name, call.arguments) == ("weather", {"city": "Zürich", "days": 2})
        assert call.id
        assert response.finish_reason == "tool_calls"

    def test_several_calls_of_one_answer_keep_their_order_and_have_ids_of_their_own(
        self, backend: ChatBackend
    ) -> None:
        """If this fails: tools that are called side by side get each other's results."""
        backend.answer(
            called(("a", "weather", {"city": "Bern"}), ("b", "clock", {}), ("c", "clock", {}))
        )

        response = self.ask(backend, request("Weather?", tools=(WEATHER, CLOCK)))

        assert [call.name for call in response.message.tool_calls] == ["weather", "clock", "clock"]
        assert len({call.id for call in response.message.tool_calls}) == 3

    def test_a_conversation_with_calls_and_results_can_go_on(self, backend: ChatBackend) -> None:
        """If this fails: a model never sees what its tools gave."""
        backend.answer(
            called(("a", "weather", {"city": "Bern"}), ("b", "clock", {})), said("Rain at noon.")
        )

        async def talk(model: ChatModel) -> ChatResponse:
            asked = request("Weather?", tools=(WEATHER, CLOCK))
            answer = (await model.chat(asked)).message
            first, second = answer.tool_calls
            results = (
                Message(role="tool", content="sleet-in-bern", tool_call_id=first.id),
                Message(role="tool", content="noon-exactly", tool_call_id=second.id),
            )
            kept = decode(encode(answer))  # as a journal gives it back
            assert kept == answer
            return await model.chat(
                asked.model_copy(update={"messages": (*asked.messages, kept, *results)})
            )

        assert self.using(backend, talk).text == "Rain at noon."
        sent = str(backend.requests()[-1])
        assert "sleet-in-bern" in sent
        assert "noon-exactly" in sent

    def test_a_tool_that_must_be_called_is_asked_for(self, backend: ChatBackend) -> None:
        """If this fails: ``tool_choice`` is ignored; set ``forces_tools`` if there is no such."""
        if not self.forces_tools:
            pytest.skip("the provider cannot be made to call a tool")
        backend.answer(called(("a", "weather", {"city": "Bern"})))
        sent = []
        for choice in ("auto", "none", "required", "weather"):
            self.ask(backend, request("Weather?", tools=(WEATHER, CLOCK), tool_choice=choice))
            sent.append(str(backend.tool_choice(backend.requests()[-1])))

        assert len(set(sent)) == 4
        assert "weather" in sent[-1]

    # ------------------------------------------------------------ more than text
    def test_images_reach_the_provider(self, backend: ChatBackend) -> None:
        """If this fails: pictures are lost; set ``shows_images`` if there is no such."""
        if not self.shows_images:
            pytest.skip("the provider takes no images")
        backend.answer(said("A dot."))
        message = Message(role="user", content="What is this?", images=(PIXEL,))

        self.ask(backend, ChatRequest(messages=(message,)))

        assert str(PIXEL.data) in str(backend.requests()[-1])

    def test_a_form_is_kept_to_by_a_structured_model(self, backend: ChatBackend) -> None:
        """If this fails: the model says that it is ``structured`` and does not send the form."""
        backend.answer(said('{"city": "Bern", "degrees": 3}'))

        async def talk(model: ChatModel) -> ChatResponse | None:
            return (
                await model.chat(request("Weather?", output=REPORT)) if model.structured else None
            )

        response = self.using(backend, talk)
        if response is None:
            pytest.skip("the model is not structured: the runtime tells it the form in words")
        assert response.text == '{"city": "Bern", "degrees": 3}'
        assert "degrees" in str(backend.requests()[-1])

    def test_limits_and_stops_reach_the_provider(self, backend: ChatBackend) -> None:
        """If this fails: answers are longer than they may be."""
        if not self.caps_tokens:
            pytest.skip("the provider has no limit of tokens")
        backend.answer(said("Rain."))

        self.ask(backend, request("Hello", max_tokens=123, temperature=0.25, stop=("END.",)))

        sent = str(backend.requests()[-1])
        assert "123" in sent
        assert "0.25" in sent
        assert "END." in sent

    def test_a_stream_gives_the_same_answer_and_its_parts(self, backend: ChatBackend) -> None:
        """If this fails: what is streamed is not what ``chat`` would have given."""
        backend.answer(said("It is raining.", usage=Usage(input_tokens=7, output_tokens=3)))
        parts: list[ChatDelta] = []

        async def talk(model: ChatModel) -> ChatResponse:
            return await model.stream(request("Weather?"), parts.append)

        response = self.using(backend, talk)

        assert response.text == "It is raining."
        assert "".join(part.text for part in parts) == response.text
        assert (response.usage.input_tokens, response.usage.output_tokens) == (7, 3)
        assert response.finish_reason == "stop"

    def test_a_stream_of_tool_calls_gives_them_whole(self, backend: ChatBackend) -> None:
        """If this fails: a streamed answer cannot use tools."""
        backend.answer(called(("a", "weather", {"city": "Zürich", "days": 2}), ("b", "clock", {})))

        async def talk(model: ChatModel) -> ChatResponse:
            return await model.stream(request("?", tools=(WEATHER, CLOCK)), lambda _: None)

        response = self.using(backend, talk)

        assert [(call.name, call.arguments) for call in response.message.tool_calls] == [
            ("weather", {"city": "Zürich", "days": 2}),
            ("clock", {}),
        ]
        assert response.finish_reason == "tool_calls"

    # ------------------------------------------------------------ failures
    @pytest.mark.parametrize("code", CODES)
    def test_a_failure_has_its_code(self, backend: ChatBackend, code: str) -> None:
        """If this fails: the runtime tries again what cannot help, or not what could."""
        backend.fail(code)

        error = self.failing(backend)

        assert error.code == code

    @pytest.mark.parametrize("code", CODES)
    def test_a_failure_of_a_stream_has_its_code(self, backend: ChatBackend, code: str) -> None:
        """If this fails: streaming changes what a failure is."""
        backend.fail(code)

        assert self.failing(backend, streamed=True).code == code

    def test_how_long_to_wait_is_told(self, backend: ChatBackend) -> None:
        """If this fails: a limited provider is asked again too soon."""
        backend.fail("rate_limited", retry_after=17)

        assert self.failing(backend).retry_after == pytest.approx(17, abs=1.5)

    @pytest.mark.parametrize("streamed", [False, True], ids=["chat", "stream"])
    def test_a_cut_connection_is_a_failure_of_the_connection(
        self, backend: ChatBackend, *, streamed: bool
    ) -> None:
        """If this fails: a network that hiccups fails the job."""
        backend.cut()

        assert self.failing(backend, streamed=streamed).code == "connection"

    def test_the_client_does_not_try_again_by_itself(self, backend: ChatBackend) -> None:
        """If this fails: retries multiply, and waits are counted by nobody."""
        backend.fail("overloaded")

        self.failing(backend)

        assert len(backend.requests()) == 1

    def test_an_error_can_be_kept_and_given_back(self, backend: ChatBackend) -> None:
        """If this fails: a recorded failure is not the same when it is replayed."""
        backend.fail("rate_limited", retry_after=17)

        error = self.failing(backend)
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - made here

        assert (str(again), again.code, again.retry_after) == (
            str(error),
            error.code,
            error.retry_after,
        )

    # ------------------------------------------------------------ its life
    def test_fifty_requests_at_a_time_get_their_own_answers(self, backend: ChatBackend) -> None:
        """If this fails: one model object cannot serve many runs."""
        backend.answer(said("Rain."))

        async def talk(model: ChatModel) -> list[ChatResponse]:
            return await asyncio.gather(*(model.chat(request(f"{n}?")) for n in range(50)))

        assert {response.text for response in self.using(backend, talk)} == {"Rain."}

    def test_a_cancelled_request_leaves_the_model_usable(self, backend: ChatBackend) -> None:
        """If this fails: a time-out of one run breaks the others."""
        backend.answer(said("Rain."))

        async def talk(model: ChatModel) -> ChatResponse:
            first = asyncio.ensure_future(model.chat(request("One?")))
            await asyncio.sleep(0)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            return await model.chat(request("Two?"))

        assert self.using(backend, talk).text == "Rain."

    def test_closing_twice_is_harmless(self, backend: ChatBackend) -> None:
        """If this fails: the end of a worker raises."""

        async def twice() -> None:
            model = backend.model()
            await model.open()
            await model.close()
            await model.close()

        self.run(twice())

    # ------------------------------------------------------------ helpers
    def using(self, backend: ChatBackend, talk: Any) -> Any:
        """Runs ``talk`` with an open model."""

        async def go() -> Any:
            model = backend.model()
            await model.open()
            try:
                return await talk(model)
            finally:
                await model.close()

        return self.run(go())

    def ask(self, backend: ChatBackend, asked: ChatRequest) -> ChatResponse:
        """Asks once."""
        response: ChatResponse = self.using(backend, lambda model: model.chat(asked))
        return response

    def failing(self, backend: ChatBackend, *, streamed: bool = False) -> ModelError:
        """Asks once and gives the error."""

        async def talk(model: ChatModel) -> ChatResponse:
            if streamed:
                return await model.stream(request("Hello"), lambda _: None)
            return await model.chat(request("Hello"))

        with pytest.raises(ModelError) as caught:
            self.using(backend, talk)
        return caught.value


def request(text: str, **more: Any) -> ChatRequest:
    """A request of one text."""
    return ChatRequest(messages=(Message(role="user", content=text),), **more)


def said(text: str, **more: Any) -> ChatResponse:
    """An answer of one text."""
    return ChatResponse(message=Message(role="assistant", content=text), **more)


def called(*calls: tuple[str, str, dict[str, Any]]) -> ChatResponse:
    """An answer that calls tools: id, name, arguments of each."""
    made = tuple(ToolCall(id=i, name=name, arguments=given) for i, name, given in calls)
    return ChatResponse(
        message=Message(role="assistant", tool_calls=made), finish_reason="tool_calls"
    )
