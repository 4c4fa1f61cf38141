"""The conformance class of toolsets."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import pytest

from headrace.chat import ToolSpec
from headrace.errors import ToolError
from headrace.testing._suite import Suite
from headrace.values import decode, encode, to_jsonable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from headrace.interfaces import Toolset

__all__ = ["ToolsetSuite"]

T = TypeVar("T")

MANY = 50
"""Calls that are made side by side."""
TURNS = 12
"""Turns of the loop after which a call is cancelled, at most."""
NOWHERE = "no_such_argument"


class ToolsetSuite(Suite):
    """What the runtime relies on in a toolset.

    ::

        class TestMyTools(ToolsetSuite):
            working_call = ("weather", {"city": "Bern"})
            failing_call = ("weather", {"city": "Atlantis"})

            def make(self):
                return MyTools()

    A server or a folder that the toolset needs comes from a fixture with ``autouse=True``, which
    puts it on ``self``.
    """

    working_call: ClassVar[tuple[str, Mapping[str, Any]]]
    """A tool's name and arguments: a call that works, as often as it is made."""
    failing_call: ClassVar[tuple[str, Mapping[str, Any]]]
    """A call whose arguments fit, and which fails all the same."""

    def make(self) -> Toolset:
        """Gives a new toolset, not yet open; to be overridden. All that it gives are alike."""
        raise NotImplementedError("override `make`")

    # ------------------------------------------------------------ what models are told
    def test_names_are_fit_for_models_and_each_is_there_once(self) -> None:
        """If this fails: providers refuse every request that offers the tools."""

        async def look(tools: Toolset) -> list[ToolSpec]:
            return list(tools.specs())

        specs = self.using(look)

        assert specs, "it has no tools"
        for spec in specs:
            # A spec that was not checked when it was made (model_construct) is found here.
            assert ToolSpec.model_validate(spec.model_dump()) == spec
        names = [spec.name for spec in specs]
        assert sorted(set(names)) == sorted(names)

    def test_each_tool_says_what_it_does(self) -> None:
        """If this fails: a model cannot know when to call it."""

        async def look(tools: Toolset) -> list[str]:
            return [spec.name for spec in tools.specs() if not spec.description.strip()]

        assert self.using(look) == []

    def test_specs_are_the_same_each_time_also_after_calls(self) -> None:
        """If this fails: requests differ on replay, and providers' caches never match."""

        async def look(tools: Toolset) -> list[list[ToolSpec]]:
            first = list(tools.specs())
            await tools.call(*self.working_call)
            return [first, list(tools.specs())]

        before, after = self.using(look)
        again, _ = self.using(look)

        assert before == after
        assert before == again, "a toolset that was made alike has other tools, or another order"

    def test_schemas_are_json_schemas_of_an_object(self) -> None:
        """If this fails: a provider refuses the tool, or a model cannot know its arguments."""

        async def look(tools: Toolset) -> list[ToolSpec]:
            return list(tools.specs())

        for spec in self.using(look):
            schema = spec.parameters
            assert json.loads(json.dumps(schema, allow_nan=False)) == schema, spec.name
            assert schema.get("type") == "object", spec.name
            properties = schema.get("properties", {})
            assert isinstance(properties, dict), spec.name
            for argument, part in properties.items():
                assert isinstance(part, (dict, bool)), f"{spec.name}: {argument}"
            required = schema.get("required", [])
            assert isinstance(required, list), spec.name
            assert set(required) <= set(properties), f"{spec.name} wants what it does not describe"

    def test_instructions_are_a_text_that_is_the_same_each_time(self) -> None:
        """If this fails: the system prompt differs on replay, and is never cached."""

        async def look(tools: Toolset) -> list[str]:
            first = tools.instructions()
            await tools.call(*self.working_call)
            return [first, tools.instructions()]

        before, after = self.using(look)
        again, _ = self.using(look)

        assert isinstance(before, str)
        assert before == after == again

    def test_suggestions_are_a_text(self) -> None:
        """If this fails: the system prompt of a conversation cannot be put together."""

        async def look(tools: Toolset) -> str:
            return await tools.suggestions("What is to be done?")

        assert isinstance(self.using(look), str)

    # ------------------------------------------------------------ calls
    def test_the_tools_that_are_called_here_are_offered(self) -> None:
        """If this fails: ``working_call`` or ``failing_call`` names no tool."""

        async def look(tools: Toolset) -> set[str]:
            return {spec.name for spec in tools.specs()}

        assert {self.working_call[0], self.failing_call[0]} <= self.using(look)

    def test_a_result_can_be_recorded_and_given_back(self) -> None:
        """If this fails: a durable call cannot be kept, and every call of the tool fails."""

        async def look(tools: Toolset) -> Any:
            return await tools.call(*self.working_call)

        result = self.using(look)

        assert decode(json.loads(json.dumps(encode(result)))) == result

    def test_a_result_can_be_told_to_a_model(self) -> None:
        """If this fails: the runtime cannot make a text of what the tool gave."""

        async def look(tools: Toolset) -> Any:
            return await tools.call(*self.working_call)

        result = self.using(look)

        assert isinstance(result, str) or json.dumps(to_jsonable(result), allow_nan=False)

    def test_a_call_leaves_its_arguments_as_they_were(self) -> None:
        """If this fails: what is recorded is not what was called, and a replay goes astray."""
        name, arguments = self.working_call
        given = json.loads(json.dumps(arguments))

        async def look(tools: Toolset) -> Any:
            return await tools.call(name, given)

        self.using(look)

        assert given == arguments

    def test_many_calls_side_by_side_all_work(self) -> None:
        """If this fails: a worker with many runs at a time loses calls."""

        async def look(tools: Toolset) -> list[Any]:
            return await asyncio.gather(*(tools.call(*self.working_call) for _ in range(MANY)))

        assert len(self.using(look)) == MANY

    # ------------------------------------------------------------ failures
    def test_a_failure_is_a_tool_error_that_says_something(self) -> None:
        """If this fails: the run fails where the model should have been told."""
        assert str(self.failing(self.failing_call)).strip()

    def test_a_failure_can_be_sent_to_another_process(self) -> None:
        """If this fails: engines with several processes lose the reason."""
        error = self.failing(self.failing_call)

        assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - made here

    def test_after_a_failure_it_goes_on_working(self) -> None:
        """If this fails: one bad call spoils the worker."""

        async def look(tools: Toolset) -> None:
            with pytest.raises(ToolError):
                await tools.call(*self.failing_call)
            await tools.call(*self.working_call)

        self.using(look)

    def test_a_tool_that_is_not_there_is_a_tool_error_that_names_it(self) -> None:
        """If this fails: a model that makes up a tool is not told, or the run fails."""
        assert "no_such_tool" in str(self.failing(("no_such_tool", {})))

    def test_an_argument_that_is_missing_is_named(self) -> None:
        """If this fails: a model cannot mend its call."""
        name, arguments = self.working_call
        required = self._schema(name).get("required", [])
        if not required:
            pytest.skip("the tool of working_call has no argument that it must be given")
        less = {one: value for one, value in arguments.items() if one != required[0]}

        assert required[0] in str(self.failing((name, less)))

    def test_an_argument_of_another_type_is_named(self) -> None:
        """If this fails: a model cannot mend its call, or the tool takes anything."""
        name, arguments = self.working_call
        properties = self._schema(name).get("properties", {})
        plain = {"string", "integer", "number", "boolean"}
        typed = [one for one, part in properties.items() if part.get("type") in plain]
        if not typed:
            pytest.skip("the tool of working_call has no argument of a plain type")

        error = self.failing((name, {**arguments, typed[0]: {"not": ["this"]}}))

        assert typed[0] in str(error)

    def test_an_argument_that_is_not_known_is_named(self) -> None:
        """If this fails: a model that makes up an argument takes it for granted."""
        name, arguments = self.working_call
        if self._schema(name).get("additionalProperties") is not False:
            pytest.skip("the schema of working_call's tool allows for more arguments")

        assert NOWHERE in str(self.failing((name, {**arguments, NOWHERE: 1})))

    # ------------------------------------------------------------ life
    def test_a_call_that_is_cancelled_leaves_it_usable(self) -> None:
        """If this fails: after one time-out the tools are of no more use to the worker."""

        async def look(tools: Toolset) -> None:
            for turns in range(TURNS):
                task = asyncio.ensure_future(tools.call(*self.working_call))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await tools.call(*self.working_call)

        self.using(look)

    def test_calls_beside_one_that_is_cancelled_work(self) -> None:
        """If this fails: one run's time-out fails the calls of others."""

        async def look(tools: Toolset) -> list[Any]:
            tasks = [asyncio.ensure_future(tools.call(*self.working_call)) for _ in range(3)]
            await asyncio.sleep(0)
            tasks[1].cancel()
            await asyncio.gather(tasks[1], return_exceptions=True)
            return list(await asyncio.gather(tasks[0], tasks[2]))

        assert len(self.using(look)) == 2

    def test_it_can_be_closed_twice(self) -> None:
        """If this fails: a worker that ends in disorder ends with another error."""

        async def look(tools: Toolset) -> None:
            await tools.close()

        self.using(look)

    def test_it_can_be_closed_without_having_been_opened(self) -> None:
        """If this fails: a worker that fails to start ends with another error."""
        self.run(self.make().close())

    def test_nothing_of_it_runs_on_after_it_is_closed(self) -> None:
        """If this fails: each restart of a job leaves something behind on the worker."""
        tools = self.make()

        async def look() -> set[asyncio.Task[Any]]:
            before = asyncio.all_tasks()
            await tools.open()
            await tools.call(*self.working_call)
            await tools.close()
            return {task for task in asyncio.all_tasks() - before if not task.done()}

        assert self.run(look()) == set()

    # ------------------------------------------------------------ helpers
    def using(self, use: Callable[[Toolset], Awaitable[T]]) -> T:
        """Opens a toolset, uses it, closes it."""
        tools = self.make()

        async def whole() -> T:
            await tools.open()
            try:
                return await use(tools)
            finally:
                await tools.close()

        return self.run(whole())

    def failing(self, call: tuple[str, Mapping[str, Any]]) -> ToolError:
        """Makes a call that fails; gives the error."""

        async def look(tools: Toolset) -> ToolError:
            with pytest.raises(ToolError) as failure:
                await tools.call(*call)
            return failure.value

        return self.using(look)

    def _schema(self, name: str) -> dict[str, Any]:
        async def look(tools: Toolset) -> dict[str, Any]:
            return next(spec.parameters for spec in tools.specs() if spec.name == name)

        return self.using(look)
