"""Events as they happen (server-sent events, WHATWG HTML 9.2)."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.deps import ServiceDep
from api.security import Agent
from cxnlp.bootstrap import Service
from cxnlp.errors import InvalidQuery, shorten
from cxnlp.service.delivery import Told

router = APIRouter(prefix="/v1", tags=["events"])
MEDIA_TYPE: Final = "text/event-stream"
_AT_ONCE: Final = 100
_POLL_SECONDS: Final = 0.5
_HEARTBEAT_SECONDS: Final = 15.0
_EXAMPLE: Final = 'id: 42\nevent: flag.raised\ndata: {"type":"flag.raised","data":{"flag":{},"record":{},"seq":42}}\n\n'


@router.get(
    "/events",
    summary="Follow what happens",
    response_class=StreamingResponse,
    responses={200: {"description": "A stream without end", "content": {MEDIA_TYPE: {"example": _EXAMPLE}}}},
)
async def get_events(
    request: Request,
    service: ServiceDep,
    _: Agent,
    after: Annotated[str | None, Query(description="Number of the last event seen; 0 for all that are kept. Without, only new ones come.")] = None,
    types: Annotated[list[str] | None, Query(description="Such as `flag.*`; repeatable or divided by commas.")] = None,
    last_event_id: Annotated[str | None, Header(description="As browsers send it when they come back.")] = None,
) -> StreamingResponse:
    """Send events as they happen, as webhooks are told of them. An id older than the 30 days kept is answered with a `reset` event."""
    patterns = [name for part in types or () for name in part.split(",") if name] or None
    given = _number(last_event_id or after)
    position = await run_in_threadpool(service.store.events.last_seq) if given is None else given
    first = await run_in_threadpool(service.delivery.events, position, _AT_ONCE, patterns)  # a mistake is still an answer here
    stream = _follow(service, first, patterns, request.app.state.stopping)
    return StreamingResponse(stream, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


async def _follow(service: Service, told: Told, patterns: Sequence[str] | None, stopping: threading.Event) -> AsyncIterator[bytes]:
    """Yield events until the client or the server goes. Between two looks at the store nothing but this coroutine is held."""
    said_at = time.monotonic()
    yield b"retry: 2000\n\n"
    while not stopping.is_set():
        if frames := _frames(told):
            yield frames
            said_at = time.monotonic()
        elif time.monotonic() - said_at > _HEARTBEAT_SECONDS:
            # An id without data moves the place from which a browser goes on.
            yield b": heartbeat\nid: %d\n\n" % told.position
            said_at = time.monotonic()
        if len(told.messages) < _AT_ONCE:
            await asyncio.sleep(_POLL_SECONDS)
        told = await run_in_threadpool(service.delivery.events, told.position, _AT_ONCE, patterns)


def _frames(told: Told) -> bytes:
    if told.reset:
        return b'id: %d\nevent: reset\ndata: {"type":"reset","position":%d}\n\n' % (told.position, told.position)
    frames = (b"id: %d\nevent: %s\ndata: %s\n\n" % (m.seq, m.type.encode(), orjson.dumps(m.body)) for m in told.messages)
    return b"".join(frames)


def _number(given: str | None) -> int | None:
    if given is None or given == "":
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise InvalidQuery(f"the last event id is {shorten(given)!r}; send the number of an event, such as 42")
    return int(given)
