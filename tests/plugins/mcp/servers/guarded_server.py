"""A server that lets nobody in without a token, and the authorization server that gives tokens.

Both are written with the SDK's server side and listen on ports of their own, so they are two hosts
to a client. They run in a thread of the tests, which can make them forget, refuse and lie.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import socket
import threading
import time
from contextlib import asynccontextmanager
from urllib.parse import unquote

import uvicorn
from mcp.server.auth.handlers.token import TokenHandler
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.middleware.client_auth import ClientAuthenticator
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizeError,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.routes import create_auth_routes
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthToken
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SECRET = "s3cret-0123456789"  # noqa: S105


class Provider:
    """The authorization server's memory.

    Attributes:
        lifetime: Seconds that a token lives.
        denies: Whether the person says no.
        machines: Secrets of clients that need no person, by their ids.
        made: How many tokens were given.
    """

    def __init__(self):
        self.lifetime = 3600
        self.denies = False
        self.machines = {}
        self.clients = {}
        self.codes = {}
        self.access = {}
        self.refresh = {}
        self.made = 0

    async def get_client(self, client_id):
        return self.clients.get(client_id)

    async def register_client(self, client_info):
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client, params):
        if self.denies:
            raise AuthorizeError("access_denied", "the person said no")
        code = AuthorizationCode(
            code=secrets.token_urlsafe(32),
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            client_id=client.client_id,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
        )
        self.codes[code.code] = code
        return construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state)

    async def load_authorization_code(self, client, authorization_code):
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(self, client, authorization_code):
        del self.codes[authorization_code.code]
        return self.give(client.client_id, authorization_code.scopes, authorization_code.resource)

    async def load_refresh_token(self, client, refresh_token):
        return self.refresh.get(refresh_token)

    async def exchange_refresh_token(self, client, refresh_token, scopes):
        del self.refresh[refresh_token.token]  # of use once
        return self.give(client.client_id, scopes, refresh_token.resource)

    async def load_access_token(self, token):
        return self.access.get(token)

    async def verify_token(self, token):
        return self.access.get(token)

    async def revoke_token(self, token):
        self.access.pop(token.token, None)

    def give(self, client_id, scopes, resource, *, again=True):
        self.made += 1
        token, more = f"access-{secrets.token_hex(16)}", f"refresh-{secrets.token_hex(16)}"
        known = {"client_id": client_id, "scopes": scopes, "resource": resource}
        self.access[token] = AccessToken(token=token, **known)
        if again:
            self.refresh[more] = RefreshToken(token=more, **known)
        return OAuthToken(
            access_token=token,
            expires_in=self.lifetime,
            scope=" ".join(scopes),
            refresh_token=more if again else None,
        )


class Guarded:
    """Both servers.

    Attributes:
        url: The MCP server's address.
        issuer: The authorization server's.
        provider: What the authorization server knows.
        lies: For a path what is answered instead: status, headers, body.
        asked: What was asked of either: port, method, path, headers.
    """

    def __init__(self):
        self.provider = Provider()
        self.lies = {}
        self.asked = []
        self.sockets = [socket.create_server(("127.0.0.1", 0), backlog=512) for _ in range(2)]
        here, there = (f"http://127.0.0.1:{one.getsockname()[1]}" for one in self.sockets)
        self.url, self.issuer = f"{here}/mcp", there
        settings = AuthSettings(
            issuer_url=there,
            resource_server_url=self.url,
            required_scopes=["shop"],
            validate_token_resource=True,
            client_registration_options=ClientRegistrationOptions(
                enabled=True, valid_scopes=["shop"], default_scopes=["shop"]
            ),
        )
        self.apps = {
            self.sockets[0].getsockname()[1]: self.shop(settings),
            self.sockets[1].getsockname()[1]: self.authority(settings),
        }
        self.mcp = self.apps[self.sockets[0].getsockname()[1]]
        config = uvicorn.Config(
            self.app, interface="asgi3", log_level="error", timeout_graceful_shutdown=1
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        asyncio.run(self.server.serve(sockets=self.sockets))

    def close(self):
        self.server.should_exit = True
        self.thread.join(30)

    def shop(self, settings):
        server = MCPServer("guarded", auth=settings, token_verifier=self.provider)

        @server.tool(structured_output=False)
        def who() -> str:
            """Says who asks."""
            return f"you are {get_access_token().client_id}"

        return server.streamable_http_app(json_response=True)

    def authority(self, settings):
        routes = create_auth_routes(
            self.provider,
            settings.issuer_url,
            client_registration_options=settings.client_registration_options,
        )
        handler = TokenHandler(self.provider, ClientAuthenticator(self.provider))

        async def token(request):
            form = await request.form()
            if form.get("grant_type") != "client_credentials":
                return await handler.handle(request)
            kind, _, written = request.headers.get("authorization", "").partition(" ")
            client, _, secret = base64.b64decode(written).decode().partition(":")
            client, secret = unquote(client), unquote(secret)
            if kind != "Basic" or self.provider.machines.get(client) != secret:
                said = f"the secret {secret} is wrong"  # as no server should
                return JSONResponse({"error": "invalid_client", "hint": said}, 401)
            scopes = form.get("scope", "").split()
            given = self.provider.give(client, scopes, form.get("resource"), again=False)
            return JSONResponse(given.model_dump(exclude_none=True))

        kept = [route for route in routes if route.path != "/token"]
        return Starlette(routes=[*kept, Route("/token", token, methods=["POST"])])

    async def app(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await self.mcp(scope, receive, send)
            return
        port, path = scope["server"][1], scope["path"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append((port, scope["method"], path, headers))
        if path in self.lies:
            status, told, body = self.lies[path]
            text = body if isinstance(body, str) else json.dumps(body)
            await Response(text, status, told)(scope, receive, send)
        else:
            await self.apps[port](scope, receive, send)

    # ------------------------------------------------------------ for tests
    def asked_for(self, path):
        """How often a path was asked for."""
        return [one for _, _, one, _ in self.asked].count(path)

    @property
    def metadata(self):
        """What the authorization server says of itself, to be changed."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "registration_endpoint": f"{self.issuer}/register",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
        }

    def says_of_itself(self, **changed):
        """Has the authorization server say something else."""
        body = {name: one for name, one in {**self.metadata, **changed}.items() if one is not None}
        self.lies["/.well-known/oauth-authorization-server"] = (200, {}, body)

    def names(self, *authorities):
        """Has the MCP server name other authorization servers."""
        body = {"resource": self.url, "authorization_servers": list(authorities)}
        self.lies["/.well-known/oauth-protected-resource/mcp"] = (200, {}, body)


@asynccontextmanager
async def listener():
    """Somebody else's host on this machine: gives its address, and who connected."""
    met = []

    async def meet(reader, writer):
        met.append(await reader.readline())
        writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", met
