"""What models are told of a server's tools, and what calls give."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest

from headrace.chat import ToolResult
from headrace.errors import ToolError
from headrace_mcp import McpTools

PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)


def names(tools):
    return [spec.name for spec in tools.specs()]


async def opened_names(tools):
    return names(tools)


def text(*parts):
    return {"content": [{"type": "text", "text": part} for part in parts]}


# ---------------------------------------------------------------- what is offered
def test_a_tool_has_the_servers_description_and_schema(wire, tool, using):
    wire.offers(tool("echo", {"text": {"type": "string"}}))

    [spec] = using(McpTools(command=wire.command), lambda tools: asyncio.sleep(0, tools.specs()))

    assert spec.description == "Does echo."
    assert spec.parameters["properties"] == {"text": {"type": "string"}}


def test_all_pages_of_the_list_are_asked_for(wire, using):
    wire.offers("a", "b", "c", "d", "e", page=2)

    assert using(McpTools(command=wire.command), opened_names) == ["a", "b", "c", "d", "e"]


def test_a_prefix_stands_before_each_name(wire, using):
    wire.offers("a", "b")

    assert using(McpTools(command=wire.command, prefix="x_"), opened_names) == ["x_a", "x_b"]


def test_a_tool_with_a_prefix_is_called_by_the_servers_name(wire, calling):
    wire.offers("echo")

    assert calling(McpTools(command=wire.command, prefix="x_"), "x_echo") == "echo: {}"


def test_a_name_that_models_do_not_know_is_made_fit(wire, using):
    wire.offers("files/read it")

    assert using(McpTools(command=wire.command), opened_names) == ["files_read_it"]


def test_a_name_that_was_made_fit_is_called_by_the_servers_name(wire, calling):
    wire.offers("files/read it")

    assert calling(McpTools(command=wire.command), "files_read_it") == "files/read it: {}"


def test_include_chooses_by_the_servers_names(wire, using):
    wire.offers("files/read", "files/write", "shell")

    assert using(McpTools(command=wire.command, include=["files/*"]), opened_names) == [
        "files_read",
        "files_write",
    ]


def test_exclude_wins_over_include(wire, using):
    wire.offers("files/read", "files/write", "shell")
    tools = McpTools(command=wire.command, include=["files/*"], exclude=["*/write"])

    assert using(tools, opened_names) == ["files_read"]


def test_a_tool_that_is_excluded_cannot_be_called(wire, calling):
    wire.offers("read", "write")

    with pytest.raises(ToolError, match="no tool called 'write'"):
        calling(McpTools(command=wire.command, exclude=["write"]), "write")


def test_a_description_is_bounded(wire, tool, using):
    wire.offers({**tool("a"), "description": "x" * 100_000})

    [spec] = using(McpTools(command=wire.command), lambda tools: asyncio.sleep(0, tools.specs()))

    assert len(spec.description) < 4_100


def test_what_cannot_be_seen_is_taken_out_of_descriptions(wire, tool, using):
    hidden = "Rea\x1b[31mds.\u202eevil\U000e0041\u200b"
    wire.offers({**tool("a", {"b": {"type": "string", "description": "\u2066x\x00"}})})
    wire.offers({**wire.script["tools"][0], "description": hidden})

    [spec] = using(McpTools(command=wire.command), lambda tools: asyncio.sleep(0, tools.specs()))

    assert spec.description == "Rea[31mds.evil"
    assert spec.parameters["properties"]["b"]["description"] == "x"


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ({"inputSchema": {"type": "object", "title": "x" * 40_000}}, "longer than"),
        ({"name": "x" * 300}, "longer than 200"),
        ({"name": "a\u202eb"}, "cannot be seen"),
    ],
    ids=["long schema", "long name", "hidden name"],
)
def test_a_tool_that_no_model_should_be_told_of_is_left_out(wire, tool, run, part, why):
    wire.offers("echo", {**tool("bad"), **part})

    pin = run(McpTools(command=wire.command).pin())

    assert [one["name"] for one in pin["tools"]] == ["echo"]
    assert why in pin["left_out"][0]["why"]


def test_a_schema_that_is_nested_without_end_is_left_out(wire, tool, run):
    schema = {"type": "object"}
    for _ in range(60):
        schema = {"type": "object", "properties": {"a": schema}}
    wire.offers("echo", {**tool("bad"), "inputSchema": schema})

    pin = run(McpTools(command=wire.command).pin())

    assert pin["left_out"][0]["name"] == "bad"


def test_a_list_that_is_not_what_the_protocol_says_names_the_place(wire, tool, run):
    wire.offers("echo", {**tool("bad"), "inputSchema": {"type": "array"}})

    with pytest.raises(ToolError, match=r"tools\.1\.inputSchema\.type: Input should be 'object'"):
        run(McpTools(command=wire.command).pin())


def test_a_server_may_have_no_tools_at_all(wire, using):
    wire.offers(capabilities={})

    assert using(McpTools(command=wire.command), opened_names) == []


def test_what_the_server_says_of_itself_is_kept_out_of_the_prompt(wire, using):
    tools = McpTools(command=wire.command)

    assert using(tools, lambda tools: asyncio.sleep(0, tools.instructions())) == ""


def test_what_the_server_says_of_itself_is_in_the_prompt_where_that_is_wanted(wire, using):
    wire.offers("echo", instructions="Be careful.\x07")
    tools = McpTools(command=wire.command, instructions=True)

    assert using(tools, lambda tools: asyncio.sleep(0, tools.instructions())) == "Be careful."


# ---------------------------------------------------------------- results
@pytest.fixture
def result(wire, tool, calling):
    """What a call gives where the server answers so."""

    def given(answer, *, form=None, **arguments):
        listed = tool("answer", {"result": {"type": "object"}})
        if form is not None:
            listed["outputSchema"] = form
        wire.offers(listed)
        tools = McpTools(command=wire.command, **arguments)
        return calling(tools, "answer", {"result": answer})

    return given


def test_texts_are_joined(result):
    assert result(text("one", "two")) == "one\ntwo"


def test_data_come_as_data_where_the_tool_has_a_form_for_them(result):
    answer = {**text('{"length": 2}'), "structuredContent": {"length": 2}}

    assert result(answer, form={"type": "object"}) == {"length": 2}


def test_the_text_is_given_where_the_tool_has_no_form(result):
    assert result({**text("two metres"), "structuredContent": {"length": 2}}) == "two metres"


def test_data_are_given_where_there_is_nothing_else(result):
    assert result({"content": [], "structuredContent": {"length": 2}}) == {"length": 2}


def test_a_form_that_would_take_forever_to_hold_data_against_is_not(result):
    slow = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    data = {"a": "a" * 64 + "!"}

    assert result({"content": [], "structuredContent": data}, form=slow) == data


def test_a_picture_is_described(result):
    picture = {"type": "image", "mimeType": "image/png", "data": base64.b64encode(PNG).decode()}

    assert result({"content": [picture]}) == "[image, image/png, 32 bytes: not shown]"


def test_a_picture_is_given_where_that_is_wanted(result):
    picture = {"type": "image", "mimeType": "image/png", "data": base64.b64encode(PNG).decode()}

    given = result({"content": [picture, *text("a dot")["content"]]}, images=True)

    assert isinstance(given, ToolResult)
    assert given.text == "[image, image/png, 32 bytes: below]\na dot"
    assert base64.b64decode(given.images[0].data) == PNG


def test_a_picture_that_is_enclosed_is_given_too(result):
    blob = base64.b64encode(PNG).decode()
    enclosed = {"uri": "shop://logo", "mimeType": "image/png", "blob": blob}
    file = {"uri": "shop://file", "mimeType": "application/pdf", "blob": blob}
    content = [{"type": "resource", "resource": each} for each in (enclosed, file)]

    given = result({"content": content}, images=True)

    assert given.text == (
        "[shop://logo, image/png, 32 bytes: below]\n"
        "[shop://file, application/pdf, 32 bytes: not shown]"
    )
    assert [base64.b64decode(image.data) for image in given.images] == [PNG]


@pytest.mark.parametrize("data", ["bm8gcGljdHVyZQ==", "!!!!", ""])
def test_what_only_says_that_it_is_a_picture_is_described(result, data):
    picture = {"type": "image", "mimeType": "image/png", "data": data}

    assert "not shown" in result({"content": [picture]}, images=True)


def test_a_sound_is_described(result):
    sound = {"type": "audio", "mimeType": "audio/wav", "data": base64.b64encode(bytes(7)).decode()}

    assert result({"content": [sound]}) == "[audio, audio/wav, 7 bytes: not shown]"


def test_a_text_that_is_enclosed_is_given(result):
    enclosed = {"type": "resource", "resource": {"uri": "shop://note", "text": "a note"}}

    assert result({"content": [enclosed]}) == "a note"


def test_bytes_that_are_enclosed_are_described(result):
    blob = base64.b64encode(bytes(10)).decode()
    enclosed = {"type": "resource", "resource": {"uri": "shop://zip", "blob": blob}}

    assert result({"content": [enclosed]}) == "[shop://zip, 10 bytes: not shown]"


def test_a_link_is_described(result):
    link = {"type": "resource_link", "name": "plan", "uri": "shop://plan", "size": 12}

    assert result({"content": [link]}) == "[resource plan at shop://plan, 12 bytes]"


def test_a_long_text_is_cut_and_says_so(result):
    assert result(text("x" * 500), max_result=100) == "x" * 100 + "\n[cut: 400 more]"


def test_long_data_are_the_beginning_of_their_text(result):
    answer = {"content": [], "structuredContent": {"a": "x" * 500}}

    given = result(answer, max_result=100)

    assert given.startswith('{"a":"xxx')
    assert given.endswith(" more]")


def test_data_that_are_nested_too_deep_to_be_kept_are_a_failure(result):
    deep: list = []
    for _ in range(95):
        deep = [deep]

    with pytest.raises(ToolError, match="nested too deep"):
        result({"content": [], "structuredContent": {"a": deep}})


def test_a_failure_by_the_servers_word_has_its_text(wire, tool, calling):
    wire.offers(tool("failing", {"reason": {"type": "string"}}))

    with pytest.raises(ToolError, match=r"^no: tired$"):
        calling(McpTools(command=wire.command), "failing", {"reason": "tired"})


def test_a_failure_without_a_word_says_so(wire, calling):
    wire.offers("silent")

    with pytest.raises(ToolError, match="did not say why"):
        calling(McpTools(command=wire.command), "silent")


def test_a_refusal_tells_its_reason_and_its_data(wire, calling):
    wire.offers("refuse")

    with pytest.raises(ToolError, match=r'refused: busy\[0m \(\{"queue":7\}\)'):
        calling(McpTools(command=wire.command), "refuse")


@pytest.mark.parametrize("name", ["unreadable", "lone", "bad"])
def test_an_answer_that_cannot_be_read_fails_its_call_alone(wire, using, name):
    wire.offers(name, "echo")

    async def use(tools):
        with pytest.raises(ToolError, match="answer"):
            await tools.call(name, {})
        return await tools.call("echo", {})

    assert using(McpTools(command=wire.command), use) == "echo: {}"


def test_what_is_no_message_on_the_servers_output_does_no_harm(wire, calling):
    wire.offers("junk")

    assert calling(McpTools(command=wire.command), "junk") == "after the junk"


# ---------------------------------------------------------------- arguments
SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": ["integer", "null"]},
        "unit": {"enum": ["C", "F"]},
    },
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "city is missing"),
        ({"city": 5}, "city must be string, not 5"),
        ({"city": "Bern", "days": "two"}, 'days must be integer or null, not "two"'),
        ({"city": "Bern", "days": True}, "days must be integer or null, not true"),
        ({"city": "Bern", "days": 1.5}, "days must be integer or null, not 1.5"),
        ({"city": "Bern", "unit": "K"}, r'unit must be one of \["C","F"\]'),
        ({"city": "Bern", "town": "x"}, "there is no argument 'town'"),
        ({}, r"\(it takes: city, days, unit\)"),
    ],
)
def test_arguments_that_cannot_be_meant_are_told(wire, tool, calling, arguments, said):
    wire.offers({**tool("echo"), "inputSchema": SCHEMA})

    with pytest.raises(ToolError, match=said):
        calling(McpTools(command=wire.command), "echo", arguments)


@pytest.mark.parametrize(
    "arguments", [{"city": "Bern"}, {"city": "Bern", "days": None}, {"city": "B", "days": 2.0}]
)
def test_arguments_that_fit_reach_the_server(wire, tool, calling, arguments):
    wire.offers({**tool("echo"), "inputSchema": SCHEMA})

    given = calling(McpTools(command=wire.command), "echo", arguments)

    assert given == f"echo: {json.dumps(arguments, sort_keys=True)}"


# ---------------------------------------------------------------- resources and prompts
def test_resources_and_prompts_are_not_offered_unless_wanted(workshop_url, using):
    assert "read_resource" not in using(McpTools(url=workshop_url), opened_names)


def test_a_server_without_resources_and_prompts_offers_none(wire, using):
    tools = McpTools(command=wire.command, resources=True, prompts=True)

    assert using(tools, opened_names) == ["echo"]


def test_a_tool_of_the_same_name_gives_way_to_the_one_for_resources(wire, run):
    wire.offers("read_resource")
    pin = run(McpTools(command=wire.command).pin())

    from headrace_mcp._names import model_names

    names = model_names((tool["name"] for tool in pin["tools"]), "", ["read_resource"])

    assert names["read_resource"].startswith("read_resource_")


def test_resources_are_listed_with_their_templates(workshop_url, calling):
    listed = calling(McpTools(url=workshop_url, resources=True), "list_resources")

    assert [one["name"] for one in listed["resources"]] == ["shop://logo"]
    assert [one["name"] for one in listed["templates"]] == ["shop://price/{wood}"]


def test_a_resource_of_text_is_read(workshop_url, calling):
    tools = McpTools(url=workshop_url, resources=True, prefix="w_")

    assert calling(tools, "w_read_resource", {"uri": "shop://price/oak"}) == "oak: 7 a metre"


def test_a_resource_of_bytes_is_described(workshop_url, calling):
    tools = McpTools(url=workshop_url, resources=True)

    given = calling(tools, "read_resource", {"uri": "shop://logo"})

    assert given == "[shop://logo, image/png, 9 bytes: not shown]"


def test_a_resource_that_is_not_there_is_a_tool_error_that_names_it(workshop_url, calling):
    with pytest.raises(ToolError, match="shop://nothing"):
        calling(
            McpTools(url=workshop_url, resources=True), "read_resource", {"uri": "shop://nothing"}
        )


def test_prompts_are_listed_with_their_arguments(workshop_url, calling):
    [prompt] = calling(McpTools(url=workshop_url, prompts=True), "list_prompts")

    assert prompt["name"] == "offer"
    assert prompt["arguments"] == [{"name": "wood", "description": "", "required": True}]


def test_a_prompt_is_filled(workshop_url, calling):
    arguments = {"name": "offer", "arguments": {"wood": "ash"}}

    given = calling(McpTools(url=workshop_url, prompts=True), "get_prompt", arguments)

    assert given == "user: Write an offer for ash."


def test_a_prompt_without_what_it_needs_is_a_tool_error(workshop_url, calling):
    with pytest.raises(ToolError, match="wood"):
        calling(McpTools(url=workshop_url, prompts=True), "get_prompt", {"name": "offer"})
