"""What every answer carries, and what happens when one fails in a way nobody foresaw."""

import logging
import traceback
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem

CSP: Final = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
_STYLED_CSP: Final = CSP + "; style-src 'self' 'unsafe-inline'; img-src 'self' data:"  # Swagger and Plotly write styles; heat maps are images
_CSPS: Final[Mapping[str, str]] = {"/docs": _STYLED_CSP, "/dashboard": _STYLED_CSP}
_FIXED: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_log = logging.getLogger(__name__)


class Guard:
    """ASGI middleware: security headers on every answer; an unforeseen error becomes a problem and a log line without its message.

    The message of a foreign library may quote what a customer said, so only the kind of error and its place are logged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        has_started = False

        async def dressed(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                _dress(MutableHeaders(scope=message), scope["path"])
            await send(message)

        try:
            return await self._app(scope, receive, dressed)
        except ClientDisconnect:
            return None
        except Exception as error:
            _log.error("%s %s failed: %s", scope["method"], _route(scope), _place(error))
            if has_started:
                raise ConnectionAbortedError("the answer broke off; its cause is logged") from None
            return await problem(500, "something went wrong here; the log says where")(scope, receive, dressed)


def _dress(headers: MutableHeaders, path: str) -> None:
    headers.update(_FIXED)
    headers["Content-Security-Policy"] = _CSPS.get(path, CSP)
    if path.startswith("/v1/"):
        headers.setdefault("Cache-Control", "no-store")


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "an unknown address")


def _place(error: Exception) -> str:
    frames = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(traceback.extract_tb(error.__traceback__)[-6:]))
    return f"{type(error).__name__} at {frames}"
