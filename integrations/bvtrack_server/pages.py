"""The map's static files, served with a strict content-security policy; the data come from MLflow's own REST API."""

from __future__ import annotations

import os

from fastapi import FastAPI
from mlflow.server.handlers import STATIC_PREFIX_ENV_VAR
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from bvtrack_server.document import PAGE

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; frame-ancestors 'self'; form-action 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",  # revalidated each time (304): a new version shows at once
}


class Pages(StaticFiles):
    """The files of the map, each with `HEADERS`."""

    def __init__(self) -> None:
        super().__init__(directory=PAGE, html=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await super().__call__(scope, receive, send_with_headers)


def add_pages(app: FastAPI) -> FastAPI:
    """`app` with the map in front of its own routes, the last of which matches every path."""
    path = f"{os.environ.get(STATIC_PREFIX_ENV_VAR, '')}/bvtrack"
    app.router.routes[:0] = [Route(path, _with_slash), Mount(path, Pages())]
    return app


def check_that_it_is_uvicorn() -> None:
    """Raise `RuntimeError` under MLflow's other servers, which do not support FastAPI."""
    server = os.environ.get("_MLFLOW_SGI_NAME", "uvicorn")
    if server != "uvicorn":
        raise RuntimeError(f"the map expects uvicorn, MLflow's default server, and got {server}; leave out --{server}-opts")


def _with_slash(request: Request) -> Response:
    """A relative redirect, which is right behind any proxy, whatever its host and scheme."""
    return RedirectResponse("bvtrack/")
