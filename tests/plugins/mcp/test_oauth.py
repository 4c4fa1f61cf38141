"""OAuth against a real authorization server: tokens of jobs, sign-ins of people, hostile words."""

from __future__ import annotations

import asyncio
import json
import logging
import stat
import threading
from pathlib import Path

import httpx2
import pytest
from guarded_server import SECRET, listener

from headrace import Agent, AgentPlan, InputEvent, OutputEvent, action, use
from headrace.errors import ResourceError, ToolError
from headrace.local import LocalJob, run_files
from headrace_mcp import McpTools


def by_itself(guarded, **changed):
    """Tools of a job, which nobody signs in for."""
    oauth = {
        "grant": "client_credentials",
        "issuer": guarded.issuer,
        "client_id": "job",
        "client_secret_env": "SHOP_SECRET",
    }
    return McpTools(url=guarded.url, oauth={**oauth, **changed})


def by_somebody(guarded, **oauth):
    """Tools that a person signs in for."""
    return McpTools(url=guarded.url, oauth={"grant": "authorization_code", **oauth})


def browser(before=lambda url: None):
    """A person who opens the address and agrees."""

    def show(_issuer, url):
        def visit():
            before(url)
            httpx2.get(url, follow_redirects=True)

        threading.Thread(target=visit, daemon=True).start()

    return show


@pytest.fixture
def signed_in(guarded, run):
    """The file of a sign-in."""
    return Path(run(by_somebody(guarded).sign_in(browser())))


def kept(path):
    return json.loads(path.read_text())


class TestAJobByItself:
    def test_it_has_a_token_given_and_calls_tools(self, guarded, calling):
        assert calling(by_itself(guarded), "who") == "you are job"

    def test_the_token_is_for_this_server_and_what_it_asks_for(self, guarded, calling):
        calling(by_itself(guarded), "who")

        [token] = guarded.provider.access.values()
        assert (token.resource, token.scopes) == (guarded.url, ["shop"])

    def test_one_that_the_server_forgot_is_had_anew(self, guarded, using):
        async def use_twice(tools):
            await tools.call("who", {})
            guarded.provider.access.clear()
            return await tools.call("who", {})

        assert using(by_itself(guarded), use_twice) == "you are job"
        assert guarded.provider.made == 2

    def test_many_calls_at_once_have_one_made(self, guarded, using):
        async def use_often(tools):
            guarded.provider.access.clear()
            return await asyncio.gather(*(tools.call("who", {}) for _ in range(30)))

        assert using(by_itself(guarded), use_often) == ["you are job"] * 30
        assert guarded.provider.made == 2

    def test_a_wrong_secret_fails_for_good_and_is_not_shown(self, guarded, run, monkeypatch):
        monkeypatch.setenv("SHOP_SECRET", "wr0ng-0123456789")

        with pytest.raises(ResourceError, match=r"401.*the secret \*\*\* is wrong") as failure:
            run(by_itself(guarded).open())

        assert (failure.value.__cause__, failure.value.__context__) == (None, None)

    def test_a_failure_is_not_made_again_by_each_of_many_calls(self, guarded, using):
        async def use_often(tools):
            guarded.provider.access.clear()
            guarded.provider.machines.clear()
            calls = (tools.call("who", {}) for _ in range(30))
            return await asyncio.gather(*calls, return_exceptions=True)

        failures = using(by_itself(guarded), use_often)

        assert {type(failure) for failure in failures} == {ResourceError}
        assert guarded.asked_for("/token") == 2

    def test_an_authorization_server_that_is_down_is_worth_another_try(self, guarded, run):
        guarded.lies["/token"] = (503, {}, "later")

        with pytest.raises(ToolError, match=r"/token\) answered 503"):
            run(by_itself(guarded).open())


class TestHostileWords:
    """What a server says of where tokens are had is not believed."""

    def fails(self, guarded, run, said, **changed):
        with pytest.raises(ResourceError, match=said):
            run(by_itself(guarded, **changed).open())
        assert guarded.provider.made == 0
        assert guarded.asked_for("/token") == 0

    def test_another_authorization_server_is_not_asked(self, guarded, run):
        async def whole():
            async with listener() as (other, met):
                guarded.names(other)
                with pytest.raises(ResourceError, match="is not the one that the agent names"):
                    await by_itself(guarded).open()
                return met

        assert run(whole()) == []

    def test_of_several_the_one_that_the_agent_names_is_asked(self, guarded, calling):
        guarded.names("https://elsewhere.example", guarded.issuer)

        assert calling(by_itself(guarded), "who") == "you are job"

    def test_metadata_at_another_host_are_not_read(self, guarded, run):
        async def whole():
            async with listener() as (other, met):
                told = {"www-authenticate": f'Bearer resource_metadata="{other}/x"'}
                guarded.lies["/mcp"] = (401, told, "")
                with pytest.raises(ResourceError, match="at another host"):
                    await by_itself(guarded).open()
                return met

        assert run(whole()) == []

    @pytest.mark.parametrize(
        ("url", "why"),
        [
            ("http://auth.example/token", "must begin with https://"),
            ("http://me:pw@127.0.0.1/token", "holds a user or a password"),
        ],
    )
    def test_a_token_endpoint_that_others_could_listen_to_gets_no_secret(
        self, guarded, run, url, why
    ):
        guarded.says_of_itself(token_endpoint=url)

        self.fails(guarded, run, why)

    def test_metadata_of_another_issuer_are_refused(self, guarded, run):
        guarded.says_of_itself(issuer="https://auth.example")

        self.fails(guarded, run, "issuer mismatch")

    @pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"issuer": 1}'])
    def test_metadata_that_are_none_are_told(self, guarded, run, body):
        guarded.lies["/.well-known/oauth-authorization-server"] = (200, {}, body)

        self.fails(guarded, run, "No authorization server metadata")

    def test_metadata_without_end_are_not_read_to_it(self, guarded, run):
        guarded.lies["/.well-known/oauth-authorization-server"] = (200, {}, "x" * 300_000)

        self.fails(guarded, run, "more than 262144 bytes")

    def test_a_token_endpoint_that_leads_to_another_host_is_not_followed(self, guarded, run):
        async def whole():
            async with listener() as (other, met):
                guarded.lies["/token"] = (307, {"location": f"{other}/token"}, "")
                with pytest.raises(ResourceError, match="not followed"):
                    await by_itself(guarded).open()
                return met

        assert run(whole()) == []

    def test_a_token_that_is_none_is_told(self, guarded, run):
        guarded.lies["/token"] = (200, {}, {"access_token": ["x"], "token_type": "mac"})

        with pytest.raises(ResourceError, match=r"the MCP server 127\.0\.0\.1"):
            run(by_itself(guarded).open())

    def test_the_server_leading_elsewhere_takes_no_token_along(self, guarded, run):
        async def whole():
            async with listener() as (other, met):
                tools = by_itself(guarded)
                await tools.open()
                guarded.lies["/mcp"] = (307, {"location": f"{other}/mcp"}, "")
                with pytest.raises(ToolError):
                    await tools.call("who", {})
                await tools.close()
                return met

        assert run(whole()) == []


class TestSigningIn:
    def test_who_has_signed_in_once_calls_tools_from_then_on(self, guarded, signed_in, calling):
        [client] = guarded.provider.clients

        assert [calling(by_somebody(guarded), "who") for _ in range(2)] == [f"you are {client}"] * 2

    def test_the_file_is_its_owners_alone(self, signed_in):
        assert stat.S_IMODE(signed_in.stat().st_mode) == 0o600
        assert stat.S_IMODE(signed_in.parent.stat().st_mode) == 0o700
        assert [path.name for path in signed_in.parent.iterdir()] == [signed_in.name]

    def test_nobody_having_signed_in_says_what_to_type_and_what_jobs_do(self, guarded, run):
        with pytest.raises(ResourceError, match=r"agents login TARGET.*client_credentials"):
            run(by_somebody(guarded).open())

    def test_a_file_that_others_can_read_is_not_used(self, guarded, signed_in, run):
        signed_in.chmod(0o640)

        with pytest.raises(ResourceError, match="chmod 600"):
            run(by_somebody(guarded).open())

    @pytest.mark.parametrize("text", ["", "{}", "[]", "{", '{"format": 1, "url": "URL"}'])
    def test_a_file_that_holds_something_else_is_told(self, guarded, signed_in, run, text):
        signed_in.write_text(text.replace("URL", guarded.url))

        with pytest.raises(ResourceError, match="holds no sign-in"):
            run(by_somebody(guarded).open())

    def test_tokens_are_not_kept_in_a_project(self, guarded, run, monkeypatch, tmp_path):
        (tmp_path / "pyproject.toml").touch()
        monkeypatch.setenv("HEADRACE_MCP_TOKENS", str(tmp_path / "a" / "tokens"))

        with pytest.raises(ResourceError, match="lies in the project"):
            run(by_somebody(guarded).sign_in(browser()))

        assert [path.name for path in tmp_path.iterdir()] == ["pyproject.toml"]

    def test_a_person_who_says_no_is_told(self, guarded, run):
        guarded.provider.denies = True

        with pytest.raises(ResourceError, match="refused: access_denied: the person said no"):
            run(by_somebody(guarded).sign_in(browser()))

    def test_a_person_who_does_nothing_is_not_waited_for_for_ever(self, guarded, run):
        with pytest.raises(ResourceError, match=r"nobody signed in within 0\.1 s"):
            run(by_somebody(guarded).sign_in(lambda *_: None, seconds=0.1))

    def test_who_comes_back_from_somewhere_else_is_not_let_in(self, guarded, run):
        answers = []

        def first_somebody_else(url):
            back = httpx2.URL(url).params["redirect_uri"]
            paths = ("?code=x&state=y", "?code=x", "?error=no", "/../x")
            answers.extend(httpx2.get(back + path).status_code for path in paths)

        run(by_somebody(guarded).sign_in(browser(first_somebody_else)))

        assert answers == [400, 400, 400, 404]

    def test_a_server_that_lets_everybody_in_needs_no_sign_in(self, guarded, run):
        guarded.lies["/mcp"] = (200, {}, "")

        with pytest.raises(ResourceError, match="it lets everybody in"):
            run(by_somebody(guarded).sign_in(browser()))

    def test_a_client_that_was_registered_by_hand_needs_no_registration(self, guarded, run):
        async def whole():
            with pytest.raises(ResourceError):
                await by_somebody(guarded, client_id="mine").sign_in(lambda *_: None, seconds=0.1)

        run(whole())

        assert guarded.asked_for("/register") == 0

    def test_an_authorization_server_without_pkce_is_refused(self, guarded, run):
        guarded.says_of_itself(code_challenge_methods_supported=["plain"])

        with pytest.raises(ResourceError, match="does not do PKCE"):
            run(by_somebody(guarded).sign_in(browser()))

    @pytest.mark.parametrize("other", ["http://auth.example", "https://10.0.0.1", "ftp://a"])
    def test_an_authorization_server_that_others_could_listen_to_is_refused(
        self, guarded, run, other
    ):
        guarded.names(other)

        with pytest.raises(ResourceError):
            run(by_somebody(guarded).sign_in(browser()))

        assert guarded.provider.clients == {}

    def test_one_that_the_agent_does_not_name_is_refused(self, guarded, run):
        tools = by_somebody(guarded, issuer="https://auth.example")

        with pytest.raises(ResourceError, match="is not the one that the agent names"):
            run(tools.sign_in(browser()))

        assert guarded.provider.clients == {}

    @pytest.mark.parametrize("where", ["http://127.0.0.1.example/go", "javascript:alert(1)"])
    def test_an_address_that_is_no_place_to_sign_in_at_is_not_shown(self, guarded, run, where):
        guarded.says_of_itself(authorization_endpoint=where)
        shown = []

        with pytest.raises(ResourceError):
            run(by_somebody(guarded).sign_in(lambda *told: shown.append(told)))

        assert shown == []


class TestRenewing:
    def test_a_token_that_ends_is_renewed_and_kept(self, guarded, run, calling):
        guarded.provider.lifetime = 1  # so close to its end that it is not used any more
        file = Path(run(by_somebody(guarded).sign_in(browser())))
        before = kept(file)["tokens"]
        guarded.provider.lifetime = 3600

        assert calling(by_somebody(guarded), "who").startswith("you are")

        after = kept(file)["tokens"]
        assert {before["access_token"], before["refresh_token"]}.isdisjoint(after.values())
        assert after["refresh_token"] in guarded.provider.refresh
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    def test_a_token_that_the_server_forgot_is_renewed(self, guarded, signed_in, using):
        async def use_twice(tools):
            await tools.call("who", {})
            guarded.provider.access.clear()
            return await tools.call("who", {})

        assert using(by_somebody(guarded), use_twice).startswith("you are")

    def test_of_several_that_share_a_sign_in_one_renews_it(self, guarded, signed_in, run):
        async def whole():
            tools = [by_somebody(guarded) for _ in range(4)]
            for one in tools:
                await one.open()
            guarded.provider.access.clear()
            said = await asyncio.gather(*(one.call("who", {}) for one in tools for _ in range(5)))
            for one in tools:
                await one.close()
            return said

        assert len(run(whole())) == 20
        assert guarded.provider.made == 2

    def test_where_it_is_refused_somebody_has_to_sign_in_again(self, guarded, signed_in, run):
        guarded.provider.access.clear()
        guarded.provider.refresh.clear()

        with pytest.raises(ResourceError, match="sign in again with `agents login"):
            run(by_somebody(guarded).open())

    def test_an_authorization_server_that_is_down_is_worth_another_try(
        self, guarded, signed_in, run, calling
    ):
        guarded.provider.access.clear()
        guarded.lies["/token"] = (503, {}, "later")
        with pytest.raises(ToolError, match="answered 503"):
            run(by_somebody(guarded).open())
        del guarded.lies["/token"]

        assert calling(by_somebody(guarded), "who").startswith("you are")

    def test_a_server_that_wants_more_rights_says_which(self, guarded, signed_in, run):
        told = {"www-authenticate": 'Bearer error="insufficient_scope", scope="shop till"'}
        guarded.lies["/mcp"] = (403, told, "")

        with pytest.raises(ResourceError, match=r"more rights than were given \(shop till\)"):
            run(by_somebody(guarded).open())


class Asking(Agent):
    """Asks the server who it is."""

    url: str
    oauth: dict[str, str]

    def resources(self):
        return {"shop": use("tools", "mcp", url=self.url, oauth=self.oauth)}

    @action(InputEvent)
    async def ask(self, event, ctx):
        ctx.send(OutputEvent(output=await ctx.tool("who")))


def secrets_of(guarded):
    provider = guarded.provider
    clients = [one.client_secret for one in provider.clients.values() if one.client_secret]
    return {SECRET, *clients, *provider.access, *provider.refresh}


@pytest.mark.parametrize("grant", ["authorization_code", "client_credentials"])
def test_no_secret_is_in_plans_logs_states_or_recordings(
    guarded, run, grant, tmp_path, monkeypatch, caplog
):
    caplog.set_level(logging.DEBUG)
    seen = secrets_of(guarded)
    oauth = {"grant": grant}
    if grant == "authorization_code":
        run(by_somebody(guarded).sign_in(browser()))
        seen |= secrets_of(guarded)
        guarded.provider.access.clear()  # so that it is renewed, too
    else:
        oauth |= {"issuer": guarded.issuer, "client_id": "job", "client_secret_env": "SHOP_SECRET"}
    plan = AgentPlan.from_agent(Asking(url=guarded.url, oauth=oauth))
    written = tmp_path / "written"
    written.mkdir()
    (written / "in").write_text('"a"\n"b"\n')
    names = ("output", "state", "events", "record", "dead_letters")

    run_files(plan, LocalJob(input=written / "in", **{name: written / name for name in names}))
    seen |= secrets_of(guarded)
    known = [SECRET]
    if grant == "authorization_code":
        [file] = (tmp_path / "kept").glob("*.json")
        known = [*kept(file)["tokens"].values(), kept(file)["client"]["client_secret"]]
    guarded.lies["/token"] = (400, {}, {"error": "x", "echo": known})
    guarded.provider.access.clear()
    with pytest.raises((ResourceError, ToolError)) as failure:
        run(McpTools(url=guarded.url, oauth=oauth).open())

    texts = [path.read_bytes() for path in written.iterdir()]
    texts += [plan.model_dump_json().encode(), caplog.text.encode(), str(failure.value).encode()]
    assert "you are" in (written / "output").read_text()
    assert [one for one in seen if any(one.encode() in text for text in texts)] == []
