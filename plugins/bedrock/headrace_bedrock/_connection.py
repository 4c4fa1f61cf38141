"""Where the service is, and who asks it: what all models of the plugin share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from headrace.errors import ResourceError
from headrace.interfaces import Resource
from headrace.providers import header_faults, read_secrets, url_faults, variable_faults

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace_bedrock._client import Client

__all__ = ["Connected"]

_TOKEN = "x-amz-security-token"  # noqa: S105 - the name of a header


@dataclass(kw_only=True, eq=False, repr=False)
class Connected(Resource):
    """The arguments that say how the service is reached, and its client while the model is open.

    They are part of the plan, so none of them holds a secret. Where none of them says who asks,
    the worker's own credentials do, as AWS's client finds them. Retries and time-outs are the
    runtime's.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    model: str = field(kw_only=False)
    """The model, an inference profile, or an ARN, as the provider calls it."""
    region: str | None = None
    """The region; the worker's (``AWS_DEFAULT_REGION``, or its profile's) where ``None``."""
    base_url: str | None = None
    """The server; the worker's, or else the region's own, where ``None``."""
    profile: str | None = None
    """The profile of the worker's AWS configuration; its usual one where ``None``."""
    access_key_env: str | None = None
    """The name of the environment variable that holds the id of an access key."""
    secret_key_env: str | None = None
    """The name of the environment variable that holds the key's secret."""
    session_token_env: str | None = None
    """The name of the environment variable that holds the token of a session."""
    api_key_env: str | None = None
    """The name of the environment variable that holds a key of Bedrock's own."""
    signed: bool = True
    """Whether requests are signed; ``False`` for a gateway that asks for no key, or for one in a
    header."""
    headers: Mapping[str, str] | None = None
    """Headers of every request."""
    secret_headers: Mapping[str, str] | None = None
    """Headers whose values are secrets: the environment variable of each."""

    what: ClassVar[str]
    """What it is, for errors: ``the bedrock chat model``."""
    _client: Client | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if faults := [*self._server_faults(), *self._faults()]:
            raise ResourceError(f"{self.what} cannot be set up: {'; '.join(faults)}")

    async def open(self) -> None:
        """Finds the credentials and makes the client.

        Raises:
            ResourceError: There are no credentials, or no region, or an environment variable that
                an argument names is not set; the text says which.
        """
        from headrace_bedrock._client import connect

        named = self._secret_names()
        values = read_secrets([name for name in named.values() if name is not None], self.what)
        secrets = {at: values[name] for at, name in named.items() if name is not None}
        secret_headers = {name: values[at] for name, at in (self.secret_headers or {}).items()}
        self._client = await connect(
            self.what,
            region=self.region,
            base_url=self.base_url,
            profile=self.profile,
            access_key=secrets.get("access_key_env"),
            secret_key=secrets.get("secret_key_env"),
            session_token=secrets.get("session_token_env"),
            api_key=secrets.get("api_key_env"),
            signed=self.signed,
            headers={**(self.headers or {}), **secret_headers},
            secrets=values.values(),
        )

    async def close(self) -> None:
        """Closes the client and its connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    @property
    def client(self) -> Client:
        """The open client.

        Raises:
            ResourceError: It is not open.
        """
        if self._client is None:
            raise ResourceError(f"{self.what} is not open: await model.open() first")
        return self._client

    def _faults(self) -> list[str]:
        """What is wrong with the arguments that are the model's own."""
        return []

    def _secret_names(self) -> dict[str, str | None]:
        """The environment variables that hold secrets, by the argument that names each."""
        return {
            "access_key_env": self.access_key_env,
            "secret_key_env": self.secret_key_env,
            "session_token_env": self.session_token_env,
            "api_key_env": self.api_key_env,
            **{f"secret_headers: {name}": at for name, at in (self.secret_headers or {}).items()},
        }

    def _server_faults(self) -> list[str]:
        faults = [] if self.model.strip() else ["model is empty"]
        faults += [
            f"{name} is empty: leave it out"
            for name, value in (("region", self.region), ("profile", self.profile))
            if value is not None and not value.strip()
        ]
        if self.base_url is not None:
            faults += url_faults(self.base_url)
        faults += header_faults(self.headers or {})
        if _TOKEN in map(str.lower, self.headers or {}):
            faults.append(f"headers: {_TOKEN} is a secret: use session_token_env")
        return faults + variable_faults(self._secret_names()) + self._asker_faults()

    def _asker_faults(self) -> list[str]:
        """Who asks is said in one way."""
        faults = []
        if (self.access_key_env is None) != (self.secret_key_env is None):
            faults.append("access_key_env and secret_key_env go together: one of them is missing")
        if self.session_token_env is not None and self.access_key_env is None:
            faults.append("session_token_env goes with access_key_env, which is missing")
        ways = {
            "profile": self.profile is not None,
            "access_key_env": self.access_key_env is not None,
            "api_key_env": self.api_key_env is not None,
            "signed=False": not self.signed,
        }
        said = [way for way, given in ways.items() if given]
        if len(said) > 1:
            faults.append(f"{' and '.join(said)} exclude each other: each says who asks")
        return faults
