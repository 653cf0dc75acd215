"""How large a body may be, held while it comes in."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem_of
from cxnlp.errors import TooLarge

MOST_RECORDS_BYTES: Final = 64 << 20
MOST_UPLOAD_BYTES: Final = 2 << 30
MOST_OTHER_BYTES: Final = 1 << 20
_LIMITS: Final[Mapping[str, int | None]] = {
    "/v1/feedback": MOST_RECORDS_BYTES,
    "/v1/analyze": MOST_RECORDS_BYTES,
    "/v1/feedback/upload": MOST_UPLOAD_BYTES,
    "/v1/feedback/bulk": None,  # read line by line, so that no length matters
}


class _Overflow(Exception):
    """More came in than is allowed."""


class BodyLimit:
    """ASGI middleware that answers 413 to a body over the limit of its path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on while it is within its limit."""
        limit = _LIMITS.get(scope["path"], MOST_OTHER_BYTES) if scope["type"] == "http" else None
        if limit is None:
            return await self._app(scope, receive, send)
        sent = dict(scope["headers"]).get(b"content-length", b"")
        if sent.isdigit() and int(sent) > limit:
            return await _refuse(limit, scope, receive, send)
        return await self._count(limit, scope, receive, send)

    async def _count(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        n_bytes = 0
        has_started = False

        async def counted() -> Message:
            nonlocal n_bytes
            message = await receive()
            n_bytes += len(message.get("body", b""))
            if n_bytes > limit:
                raise _Overflow
            return message

        async def guarded(message: Message) -> None:
            # The framework turns a failed read into a 400 of its own, which is not what happened.
            nonlocal has_started
            if n_bytes <= limit or has_started:
                has_started = True
                await send(message)

        with suppress(_Overflow):
            await self._app(scope, counted, guarded)
        if n_bytes > limit and not has_started:
            await _refuse(limit, scope, receive, send)


async def _refuse(limit: int, scope: Scope, receive: Receive, send: Send) -> None:
    remedy = "send fewer records at once, or any number to /v1/feedback/bulk" if scope["path"] in _LIMITS else "send less"
    answer = problem_of(TooLarge(f"the body is over {limit >> 20} MB; {remedy}"))
    answer.headers["connection"] = "close"
    await answer(scope, receive, send)
