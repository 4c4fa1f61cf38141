"""The page of ``agents serve``, in a real browser: what one types, sees, hears and finds again."""

from __future__ import annotations

import os
import shutil
import signal

import pytest
from tests.servers import Server

# A stand-in for a model's intelligence, which writes as the message says.
AGENT = '''
import asyncio

from headrace import use
from headrace.agents import ChatAgent
from headrace.chat import ChatDelta, ChatResponse, Message
from headrace.errors import ModelError
from headrace.interfaces import ChatModel


class Parrot(ChatModel):
    async def chat(self, request):
        raise NotImplementedError

    async def stream(self, request, on_delta):
        said = request.messages[-1].content
        text = "word " * 3_000 if said == "at length" else f"<b>{said}</b>, you say"
        on_delta(ChatDelta(text=text))
        if said == "fail":
            raise ModelError("a secret", code="bad_request")
        if said == "wait":
            await asyncio.get_running_loop().create_future()
        return ChatResponse(message=Message(role="assistant", content=text), model="none")


class Host(ChatAgent):
    """Says what it hears."""

    model = use("chat_models", "shop:Parrot")
'''
SIZES = {"narrow and dark": (320, 568, "dark"), "wide and light": (1280, 800, "light")}


@pytest.fixture(scope="module")
def browser():
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if program is None:
        if os.environ.get("HEADRACE_REQUIRE_BROWSER") == "1":
            pytest.fail("there is no browser")
        pytest.skip("there is no browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def serve(tmp_path):
    (tmp_path / "shop.py").write_text(AGENT)
    started = []

    def serve(*arguments, **environment):
        started.append(Server(tmp_path, "shop.py:Host", *arguments, **environment))
        return started[-1]

    yield serve
    for server in started:
        server.end(signal.SIGKILL)


@pytest.fixture
def server(serve):
    return serve()


class Chat:
    """The page as somebody uses it."""

    def __init__(self, context, server):
        self.page = context.new_page()
        self.wrong = []
        self.asked = []
        self.page.on("console", lambda said: self.wrong.append(said.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda one: self.asked.append(one.url))
        self.page.goto(server.url)
        self.page.get_by_role("heading", name="Host").wait_for()
        self.message = self.page.get_by_label("Message")
        self.send = self.page.get_by_role("button", name="Send")

    def say(self, text, *, until=None):
        """Says something; waits for the end of the answer, or for what it tells."""
        self.message.fill(text)
        self.message.press("Enter")
        (self.send if until is None else self.page.get_by_text(until)).last.wait_for()

    @property
    def conversation(self):
        """Who said what, as it stands there."""
        return [
            (item.locator("b").inner_text(), item.locator("span").inner_text())
            for item in self.page.get_by_role("log").get_by_role("listitem").all()
        ]

    def hears(self, text):
        """Waits until the status tells something."""
        self.page.get_by_role("status").filter(has_text=text).wait_for()


@pytest.fixture
def chat(browser, server):
    context = browser.new_context()
    yield Chat(context, server)
    context.close()


def test_one_chats_by_key_and_by_button(chat, server):
    chat.say("tea")
    chat.message.fill("cake")
    chat.send.click()
    chat.page.get_by_text("<b>cake</b>, you say").wait_for()  # as text, not as HTML

    assert chat.conversation == [
        ("You", "tea"),
        ("Host", "<b>tea</b>, you say"),
        ("You", "cake"),
        ("Host", "<b>cake</b>, you say"),
    ]
    assert chat.wrong == []
    assert all(url.startswith((server.url, "data:")) for url in chat.asked)


def test_one_begins_by_typing_and_goes_on_typing(chat):
    chat.page.keyboard.type("tea")
    chat.page.keyboard.press("Shift+Enter")
    chat.page.keyboard.type("and cake")
    chat.page.keyboard.press("Enter")
    chat.send.wait_for()
    chat.page.keyboard.type("more")

    assert chat.conversation[0] == ("You", "tea\nand cake")
    assert chat.message.input_value() == "more"


def test_enter_that_ends_a_word_of_an_input_method_sends_nothing(chat):
    chat.message.fill("ocha")
    chat.message.dispatch_event("keydown", {"key": "Enter", "isComposing": True})

    assert chat.conversation == []
    assert chat.message.input_value() == "ocha"


@pytest.mark.parametrize(("width", "height", "colours"), SIZES.values(), ids=SIZES)
def test_a_long_answer_ends_where_it_can_be_read(browser, server, width, height, colours):
    size = {"width": width, "height": height}
    context = browser.new_context(viewport=size, color_scheme=colours)
    chat = Chat(context, server)
    chat.say("at length")

    last = chat.page.get_by_role("listitem").last.bounding_box()
    form = chat.message.bounding_box()
    assert last["y"] + last["height"] <= form["y"]
    assert last["x"] >= 0
    assert last["x"] + last["width"] <= width
    assert form["y"] + form["height"] <= height
    context.close()


def test_who_has_scrolled_up_to_read_stays_there(chat):
    chat.say("at length")
    log = chat.page.get_by_label("Conversation", exact=True).and_(chat.page.locator("main"))
    chat.say("wait", until="wait</b>, you say")
    log.evaluate("log => { log.scrollTop = 0; }")
    chat.page.get_by_role("button", name="Stop").click()
    chat.send.wait_for()

    top = chat.page.get_by_role("listitem").first.bounding_box()
    assert top["y"] > 0


def test_an_answer_that_fails_midway_keeps_its_part_and_says_so(chat):
    chat.say("fail")

    assert chat.conversation == [("You", "fail"), ("Host", "<b>fail</b>, you say")]
    assert chat.page.get_by_role("log").get_by_text("The agent could not answer.").is_visible()
    assert "a secret" not in chat.page.content()
    assert chat.message.input_value() == "fail"  # to be sent again


def test_one_may_stop_listening(chat):
    chat.say("wait", until="wait</b>, you say")
    chat.page.get_by_role("button", name="Stop").click()
    chat.page.get_by_text("You have stopped listening").wait_for()

    assert chat.message.input_value() == ""


def test_a_reload_shows_the_conversation_again(chat):
    chat.say("tea")
    chat.say("fail")
    before = chat.conversation
    chat.page.reload()
    chat.page.get_by_text("<b>tea</b>, you say").wait_for()

    assert chat.conversation == before
    assert chat.page.get_by_text("The agent could not answer.").is_visible()


def test_another_conversation_shows_nothing_of_this_one(chat):
    chat.say("tea")
    first = chat.page.get_by_label("Conversation", exact=True).and_(chat.page.locator("input"))
    name = first.input_value()
    first.fill("another")
    first.press("Tab")
    chat.page.get_by_text("you say").wait_for(state="detached")
    first.fill(name)
    first.press("Tab")

    chat.page.get_by_text("<b>tea</b>, you say").wait_for()


def test_a_connection_that_breaks_midway_is_told(chat, server):
    chat.say("wait", until="wait</b>, you say")
    server.end(signal.SIGKILL)

    chat.page.get_by_text("The connection broke before the answer was whole").wait_for()


def test_a_server_that_comes_back_is_found(chat, server, serve):
    server.end(signal.SIGKILL)
    chat.message.fill("tea")
    chat.message.press("Enter")
    chat.hears("cannot be reached")
    kept = chat.message.input_value()
    serve("--port", server.url.rpartition(":")[2])
    chat.hears("there again")
    chat.message.press("Enter")
    chat.page.get_by_text("<b>tea</b>, you say").wait_for()

    assert kept == "tea"


def test_the_field_that_is_the_key_is_called_by_its_name(browser, serve):
    context = browser.new_context()
    chat = Chat(context, serve("--key", "guest"))
    chat.page.get_by_label("guest", exact=True).wait_for()
    context.close()


def test_a_token_is_asked_for(browser, serve):
    token = "a-token-of-some-length"  # noqa: S105 - of this test
    context = browser.new_context()
    chat = Chat(context, serve(HEADRACE_SERVE_TOKEN=token))
    chat.message.fill("tea")
    chat.message.press("Enter")
    chat.hears("the token is missing or wrong")
    chat.page.keyboard.type(token)  # the field has the focus
    chat.page.keyboard.press("Enter")

    chat.page.get_by_text("<b>tea</b>, you say").wait_for()
    context.close()
