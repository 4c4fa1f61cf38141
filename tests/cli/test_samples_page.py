"""The page of ``agents samples page``: in a real browser, and what it takes from others."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess

import httpx
import pytest
from tests.servers import AGENTS

KEYS = ("ada", "<b>ben</b>", "cy")


def sample(number, key):
    return {
        "v": 1, "id": f"{number:032x}-0", "job": "Desk", "agent": "Desk", "key": key,
        "key_id": f"s{key}", "time": 1_700_000_000.0 + number, "duration": 0.5, "models": ["gpt"],
        "input": {"ask": f"<img src=x onerror=alert({number})>"},
        "outputs": [f"<script>alert({number})</script> of {key}"],
        "records": [{"kind": "tool", "what": "finished", "name": "<i>stock</i>", "duration": 0.25,
                     "data": {"left": 4}}],
    }  # fmt: skip


class Page:
    """The server of a page, in a process of its own."""

    def __init__(self, folder, *arguments):
        self.folder = folder
        self.process = subprocess.Popen(
            [*AGENTS, "samples", "page", "--folder", "aside", "--by", "Eva", *arguments],
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self.process.stderr.readline()
        found = re.search(r"(http://127\.0\.0\.1:\d+)/#token=(\S+)", line)
        assert found, line + self.process.stderr.read()
        self.address, (self.url, self.token) = found[0], found.groups()
        self.http = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    @property
    def allowed(self):
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def verdicts(self):
        """What was kept: by whom, of which sample, what."""
        lines = [
            json.loads(line)
            for path in (self.folder / "aside").rglob("*.jsonl")
            for line in path.read_text().splitlines()
        ]
        return [(one["by"], one["key_id"][1:], one["verdict"]) for one in lines]

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait(30)
        self.process.stderr.close()
        self.http.close()
        return self.process.returncode


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "aside" / "Desk").mkdir(parents=True)
    for number, key in enumerate(KEYS):
        one = sample(number, key)
        (tmp_path / "aside" / "Desk" / f"{one['id']}.json").write_text(json.dumps(one))
    return tmp_path


@pytest.fixture
def served(folder):
    page = Page(folder)
    yield page
    if page.process.poll() is None:
        page.end(signal.SIGKILL)


class TestRequests:
    def test_without_the_token_nobody_sees_or_says_anything(self, served):
        for wrong in ({}, {"Authorization": "Bearer x"}):
            assert served.http.get("/api/samples", headers=wrong).status_code == 401
            assert served.http.get(f"/api/samples/{0:032x}-0", headers=wrong).status_code == 401
            said = {"sample": f"{0:032x}-0", "verdict": "good"}
            assert served.http.post("/api/verdicts", json=said, headers=wrong).status_code == 401
        assert served.verdicts == []

    def test_another_site_s_name_that_leads_here_is_refused(self, served):
        headers = {**served.allowed, "Host": "evil.example"}

        assert served.http.get("/api/samples", headers=headers).status_code == 400

    def test_what_another_site_s_form_may_send_is_refused(self, served):
        body = json.dumps({"sample": f"{0:032x}-0", "verdict": "good"})
        headers = {**served.allowed, "Content-Type": "text/plain"}
        response = served.http.post("/api/verdicts", content=body, headers=headers)

        assert response.status_code == 415
        assert served.verdicts == []

    @pytest.mark.parametrize(
        ("said", "status"),
        [
            ({"verdict": "good"}, 404),
            ({"sample": "../x", "verdict": "good"}, 404),
            ({"sample": ["x"], "verdict": "good"}, 404),
            ({"sample": f"{0:032x}-0", "verdict": "great"}, 400),
            ({"sample": f"{0:032x}-0", "verdict": "good", "by": "Bo"}, 400),
            ({"sample": f"{0:032x}-0", "verdict": "good", "labels": "x"}, 400),
            ({"sample": f"{0:032x}-0", "verdict": "good", "labels": [1]}, 400),
            ({"sample": f"{0:032x}-0", "verdict": "good", "note": "x" * 3000}, 400),
            ({"sample": f"{0:032x}-0", "verdict": "good", "note": "x" * 30_000}, 413),
        ],
    )
    def test_what_is_no_verdict_is_refused(self, served, said, status):
        served.http.get("/api/samples", headers=served.allowed)
        response = served.http.post("/api/verdicts", json=said, headers=served.allowed)

        assert response.status_code == status
        assert response.json()["error"]
        assert served.verdicts == []

    def test_no_other_page_may_frame_it_or_run_a_script_in_it(self, served):
        policy = served.http.get("/").headers["content-security-policy"]

        assert "frame-ancestors 'none'" in policy
        assert "script-src 'self'" in policy

    def test_ctrl_c_ends_it(self, served):
        assert served.end(signal.SIGINT) in (0, 130)


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


class Judge:
    """The page as somebody uses it."""

    def __init__(self, context, served):
        self.page = context.new_page()
        self.wrong = []
        self.page.on("console", lambda said: self.wrong.append(said.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: self.wrong.append(dialog.message))
        self.page.goto(served.address)

    def sees(self, key):
        """Waits until the sample of a key is shown."""
        self.page.get_by_role("heading", name=f"Desk, key {key}", exact=True).wait_for()

    def press(self, name):
        self.page.get_by_role("button", name=name).click()

    def hears(self, text):
        self.page.get_by_role("status").filter(has_text=text).wait_for()


@pytest.fixture
def judge(browser, served):
    context = browser.new_context()
    yield Judge(context, served)
    context.close()


def test_one_judges_one_after_the_other_the_newest_first(judge, served):
    judge.sees("cy")
    judge.page.get_by_label("Note").fill("fine, g b s")
    judge.page.get_by_label("Labels").fill("tone, short")
    judge.press("Good")
    judge.sees("<b>ben</b>")
    judge.press("Skip")
    judge.sees("ada")
    judge.press("Bad")
    judge.hears("That was the last one.")

    assert served.verdicts == [("Eva", "cy", "good"), ("Eva", "ada", "bad")]
    assert judge.wrong == []


def test_keys_will_do(judge, served):
    judge.sees("cy")
    for key, then in (("s", "<b>ben</b>"), ("b", "ada")):
        judge.page.keyboard.press(key)
        judge.sees(then)

    assert served.verdicts == [("Eva", "<b>ben</b>", "bad")]


def test_what_an_agent_wrote_is_shown_as_text(judge):
    judge.sees("cy")
    judge.page.get_by_text("What happened").click()

    for text in ("<script>alert(2)</script> of cy", "onerror=alert(2)", "<i>stock</i>  250.0 ms"):
        assert judge.page.get_by_text(text).is_visible()
    assert judge.wrong == []


def test_what_was_judged_is_seen_again_with_what_was_said(judge):
    judge.sees("cy")
    judge.page.get_by_label("Note").fill("why not")
    judge.press("Good")
    judge.sees("<b>ben</b>")
    judge.page.get_by_label("Show").select_option("all")
    judge.sees("cy")

    assert judge.page.get_by_text("good, says Eva: why not").is_visible()


def test_the_token_leaves_the_address_and_a_reload_still_works(judge, served):
    judge.sees("cy")
    assert judge.page.url == f"{served.url}/"
    judge.page.reload()

    judge.sees("cy")


def test_who_comes_without_the_token_is_told_what_to_open(browser, served):
    context = browser.new_context()
    page = context.new_page()
    page.goto(served.url)
    page.get_by_role("status").filter(has_text="Open the address").wait_for()
    assert not page.get_by_role("button", name="Good").is_visible()
    context.close()


def test_a_verdict_that_cannot_be_kept_is_told_and_what_was_written_stays(judge, served):
    judge.sees("cy")
    judge.page.get_by_label("Note").fill("fine")
    served.end(signal.SIGKILL)
    judge.press("Good")
    judge.hears("The server cannot be reached.")

    assert judge.page.get_by_label("Note").input_value() == "fine"


@pytest.mark.parametrize(("width", "height"), [(320, 568), (1280, 800)])
def test_it_can_be_read_and_pressed_on_any_screen(browser, served, width, height):
    context = browser.new_context(viewport={"width": width, "height": height})
    judge = Judge(context, served)
    judge.sees("cy")
    for name in ("Good", "Bad", "Skip"):
        box = judge.page.get_by_role("button", name=name).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
    wide = judge.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width
    context.close()
