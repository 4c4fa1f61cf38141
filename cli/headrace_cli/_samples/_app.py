"""The routes of the page on which samples are judged."""

from __future__ import annotations

import threading
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from headrace_cli._errors import CommandError, WrongUseError
from headrace_cli._serving._guard import HEADERS, RefusedError, check_token, json_body
from headrace_cli._serving._listening import LOOPBACK_NAMES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from headrace.samples import Judged
    from headrace_cli._samples._desk import Desk

__all__ = ["application"]

_TYPES = {
    "samples.html": "text/html; charset=utf-8",
    "samples.js": "text/javascript; charset=utf-8",
    "samples.css": "text/css; charset=utf-8",
}
_MOST_BYTES = 16_384  # of a verdict
_MOST_LISTED = 1000


class _Desk:
    """The desk, which one request at a time is at: reading samples takes time."""

    def __init__(self, desk: Desk, by: str) -> None:
        self._desk = desk
        self._by = by
        self._lock = threading.Lock()
        self._known: dict[str, Judged] = {}

    def listed(self) -> dict[str, Any]:
        """The newest samples, the newest first, and by whom they are judged."""
        with self._lock:
            found = self._desk.judged()
            self._known = {one.sample.id: one for one in found}
        rows = [
            {
                "id": one.sample.id,
                "agent": one.sample.agent,
                "said": one.said,
                "mine": any(each.by == self._by for each in one.verdicts),
            }
            for one in reversed(found[-_MOST_LISTED:])
        ]
        return {"by": self._by, "samples": rows, "more": max(0, len(found) - _MOST_LISTED)}

    def whole(self, sample_id: str) -> dict[str, Any]:
        """A sample with what people said of it."""
        one = self._one(sample_id)
        said = [each.model_dump(mode="json") for each in one.verdicts]
        return {**one.sample.model_dump(mode="json"), "verdicts": said}

    def judge(self, data: dict[str, Any]) -> dict[str, Any]:
        """Keeps a verdict."""
        if unknown := data.keys() - {"sample", "verdict", "note", "labels"}:
            raise RefusedError(400, f"unknown fields: {', '.join(sorted(unknown))}")
        one = self._one(data.get("sample"))
        labels = data.get("labels", [])
        if not isinstance(labels, list):
            raise RefusedError(400, '"labels" must be a list')
        with self._lock:
            made, fed = self._desk.judge(
                one.sample,
                data.get("verdict", ""),
                self._by,
                data.get("note", ""),
                tuple(labels),
            )
            others = tuple(each for each in one.verdicts if each.by != self._by)
            self._known[one.sample.id] = one.model_copy(update={"verdicts": (*others, made)})
        return {**made.model_dump(mode="json"), "fed": fed is not None}

    def _one(self, sample_id: Any) -> Judged:
        found = self._known.get(sample_id) if isinstance(sample_id, str) else None
        if found is None:
            raise RefusedError(404, "there is no such sample: reload the page")
        return found


def application(desk: Desk, by: str, token: str) -> Starlette:
    """The page's application.

    Args:
        desk: The samples.
        by: Who judges.
        token: What each request for samples must bring: others on this machine do not have it.
    """
    at = _Desk(desk, by)

    def guarded(answer: Callable[[Request], Awaitable[Any]]) -> Callable[..., Any]:
        async def answered(request: Request) -> Response:
            try:
                check_token(request, token)
                return JSONResponse(await answer(request), headers=HEADERS)
            except RefusedError as error:
                told = {**HEADERS, **error.headers}
                return JSONResponse({"error": str(error)}, error.status, told)
            except WrongUseError as error:
                return JSONResponse({"error": error.message}, 400, HEADERS)
            except CommandError as error:
                return JSONResponse({"error": f"{error.message}: {error.why}"}, 500, HEADERS)

        return answered

    async def listed(_request: Request) -> dict[str, Any]:
        return await run_in_threadpool(at.listed)

    async def whole(request: Request) -> dict[str, Any]:
        return await run_in_threadpool(at.whole, request.path_params["id"])

    async def judge(request: Request) -> dict[str, Any]:
        return await run_in_threadpool(at.judge, await json_body(request, _MOST_BYTES))

    async def page(request: Request) -> Response:
        name = request.path_params.get("name", "samples.html")
        if name not in _TYPES:
            return JSONResponse({"error": "there is no such page"}, 404, HEADERS)
        content = (files(__package__ or "") / name).read_bytes()
        return Response(content, media_type=_TYPES[name], headers=HEADERS)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/assets/{name}", page),
            Route("/api/samples", guarded(listed)),
            Route("/api/samples/{id}", guarded(whole)),
            Route("/api/verdicts", guarded(judge), methods=["POST"]),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK_NAMES))],
    )
