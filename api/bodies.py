"""JSON in and out, and streams of lines."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final

import orjson
from fastapi import Response
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from cxnlp.errors import InvalidFeedback
from cxnlp.ingest.lines import MOST_LINE_BYTES

LINES_AT_ONCE: Final = 500
MEDIA_TYPES: Final = {
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
"""Of files, by format."""
_PATIENCE_SECONDS: Final = 0.1


def to_response(body: object, status: int = 200) -> Response:
    """Return `body` as JSON; it is trusted, so nothing validates it again."""
    return Response(orjson.dumps(body), status, media_type="application/json")


def read_object(raw: bytes) -> dict[str, Any]:
    """Return the JSON object in a body.

    `NaN`, infinities and halves of surrogate pairs are let through, so that the validator can name the field that has them.

    Raises:
        InvalidFeedback: It is none; nothing of it is repeated.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        try:
            value = json.loads(raw)
        except (ValueError, RecursionError) as error:
            problem = "is nested too deep" if isinstance(error, RecursionError) else "is no JSON in UTF-8"
            raise InvalidFeedback("body", "", problem, 'send one JSON object such as {"text": "..."}') from None
    if not isinstance(value, dict):
        raise InvalidFeedback("body", "", "is no JSON object", 'send {"text": "..."} or {"items": [...]}')
    return value


def items_of(body: Mapping[str, Any]) -> list[Any] | None:
    """Return the records of `{"items": [...]}`; None if the body is one record."""
    if "items" not in body or any(name in body for name in ("text", "turns", "conversation")):
        return None
    if not isinstance(body["items"], list):
        raise InvalidFeedback("items", "", "is no list", 'send {"items": [{"text": "..."}, ...]}')
    return body["items"]


class LineStream(StreamingResponse):
    """NDJSON that is written while the request is still being read.

    Starlette would watch for the client's end by reading from the request, which would take lines away from the endpoint.
    """

    media_type = "application/x-ndjson"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the lines."""
        await self.stream_response(send)


class _Splitter:
    """Bytes to numbered lines, in flat memory; None stands for a line that is too long."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._is_skipping = False
        self._number = 0

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes | None]]:
        """Yield the lines that are complete now; blank ones are counted and passed over."""
        *whole, rest = chunk.split(b"\n")
        for part in whole:
            yield from self._end(part)
        self._hold(rest)

    def end(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield the last line if it has no line end."""
        yield from self._end(b"")

    def _hold(self, part: bytes) -> None:
        if not self._is_skipping:
            self._held += part
            if len(self._held) > MOST_LINE_BYTES:
                self._is_skipping = True
                self._held.clear()

    def _end(self, part: bytes) -> Iterator[tuple[int, bytes | None]]:
        self._hold(part)
        line, skipped = bytes(self._held), self._is_skipping
        self._held.clear()
        self._is_skipping = False
        self._number += 1
        if skipped:
            yield self._number, None
        elif line.strip():
            yield self._number, line.removeprefix(b"\xef\xbb\xbf") if self._number == 1 else line


async def batches_of_lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[tuple[int, bytes | None]]]:
    """Yield up to 500 numbered lines at a time as they come in; fewer when the sender pauses, so that one who waits for answers gets them."""
    splitter = _Splitter()
    lines: list[tuple[int, bytes | None]] = []
    n_bytes = 0
    coming: asyncio.Future[bytes] = asyncio.ensure_future(_next(chunks))
    try:
        while True:
            done, _ = await asyncio.wait({coming}, timeout=_PATIENCE_SECONDS if lines else None)
            if not done:
                yield lines
                lines, n_bytes = [], 0
                continue
            chunk = coming.result()
            if not chunk:
                break
            n_bytes += len(chunk)
            for line in splitter.feed(chunk):
                lines.append(line)
            while len(lines) >= LINES_AT_ONCE or (lines and n_bytes > MOST_LINE_BYTES):
                yield lines[:LINES_AT_ONCE]
                lines, n_bytes = lines[LINES_AT_ONCE:], 0
            coming = asyncio.ensure_future(_next(chunks))
        lines += splitter.end()
        if lines:
            yield lines
    finally:
        coming.cancel()


async def _next(chunks: AsyncIterator[bytes]) -> bytes:
    """Return the next chunk that is not empty; empty at the end."""
    async for chunk in chunks:
        if chunk:
            return chunk
    return b""
