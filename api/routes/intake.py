"""Receiving feedback: one record, a list, a stream of lines, a file."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, File, Query, Request, Response, UploadFile
from starlette.concurrency import run_in_threadpool

from api.bodies import LineStream, batches_of_lines, items_of, read_object, to_response
from api.deps import RawBody, ServiceDep
from api.schemas import CONVERSATION, COUNTS, RECORD, RECORD_EN, RECORD_ID, RecordId, answer, json_body
from api.security import Ingest
from cxnlp.bootstrap import Service
from cxnlp.errors import InvalidFeedback, TooLarge
from cxnlp.ingest.columns import parse_overrides
from cxnlp.ingest.readers import read
from cxnlp.ingest.rows import ReadOptions
from cxnlp.service import Outcome, count
from cxnlp.service.dialogue import add_turns

router = APIRouter(prefix="/v1/feedback", tags=["feedback"])
MOST_ITEMS: Final = 1_000
_MOST_REJECTIONS: Final = 100
_SHOWN: Final = COUNTS | {"items": [{"status": "accepted", "id": RECORD_ID, "row": 1}]}
_TURNS: Final = {"turns": [{"id": "m-12", "speaker": "customer", "text": "Still nothing, and nobody calls me back.", "at": "2026-11-01T09:42:00Z"}]}
_ADDED: Final = {"id": RECORD_ID, "version": 2, "accepted": 1, "duplicate": 0, "turns": [{"number": 3, "status": "accepted"}]}
_NDJSON: Final = (
    '{"external_id": "1", "text": "物流太慢了"}\n{"external_id": "2", "text": "Great service, will buy again"}\n{"external_id": "3", "text": ""}\n'
)


@router.post(
    "",
    summary="Send one record, or up to 1,000",
    responses=answer(_SHOWN, "Stored and safe. A list is always answered row by row; one record that cannot be used is a 422."),
    openapi_extra=json_body(
        'A record, or {"items": [records]}.',
        {"one": RECORD, "conversation": CONVERSATION, "list": {"items": [RECORD_EN, CONVERSATION]}},
    ),
)
def post_feedback(service: ServiceDep, raw: RawBody, _: Ingest) -> Response:
    """Store what came in; it is enriched within seconds."""
    body = read_object(raw)
    items = items_of(body)
    if items is not None and len(items) > MOST_ITEMS:
        raise TooLarge(f"items holds {len(items)} records; send at most {MOST_ITEMS}, or any number to /v1/feedback/bulk")
    outcomes = service.intake.receive(service.store, [body] if items is None else items)
    if items is None and (rejection := outcomes[0].rejection):
        raise InvalidFeedback(rejection.field, rejection.value, rejection.problem, rejection.remedy)
    return to_response(count(outcomes) | {"items": [outcome.to_json() for outcome in outcomes]})


@router.post(
    "/bulk",
    summary="Send any number of records, a line each",
    responses=answer(
        '{"status":"accepted","id":"r-...","row":1}\n{"summary":{"accepted":1,...}}\n', "A result a line, in order", LineStream.media_type
    ),
    openapi_extra={"requestBody": {"required": True, "content": {LineStream.media_type: {"schema": {"type": "string"}, "example": _NDJSON}}}},
)
async def post_bulk(request: Request, service: ServiceDep, _: Ingest) -> Response:
    """Store lines as they come in and answer each; a result that was sent is safe. Blank lines are passed over."""
    return LineStream(_receive_lines(service, request.stream()))


async def _receive_lines(service: Service, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    total: Counter[str] = Counter()
    defaults = service.intake.begin()
    async for lines in batches_of_lines(chunks):
        outcomes = await run_in_threadpool(service.intake.receive_lines, service.store, lines, defaults)
        total.update(count(outcomes))
        yield b"".join(orjson.dumps(outcome.to_json(), option=orjson.OPT_APPEND_NEWLINE) for outcome in outcomes)
    yield orjson.dumps({"summary": {status: total[status] for status in COUNTS}}, option=orjson.OPT_APPEND_NEWLINE)


@router.post(
    "/{record_id}/turns",
    summary="Go on with a conversation",
    responses=answer(_ADDED, "Stored and safe"),
    openapi_extra=json_body(
        "The new turns. With its number in the conversation, from 0, or an id of yours, a turn is stored once.", {"turns": _TURNS}
    ),
)
def post_turns(record_id: RecordId, service: ServiceDep, raw: RawBody, _: Ingest) -> Response:
    """Add turns to a live conversation, which is scored anew within seconds; a turn that is sent again is stored once."""
    try:
        return to_response(add_turns(service.intake, service.store, record_id, read_object(raw)).to_json())
    except InvalidFeedback as error:
        raise InvalidFeedback(error.field, service.masker.mask(error.value), error.problem, error.remedy) from None


@router.post(
    "/upload",
    summary="Send a file",
    responses=answer(COUNTS | {"notices": ["reviews.csv: its columns are read as ..."], "rejections": []}, "Stored, with the first 100 rejections"),
)
def post_upload(
    service: ServiceDep,
    _: Ingest,
    file: Annotated[UploadFile, File(description="CSV, TSV, Excel, JSON, JSONL, Parquet, WebVTT, SRT, a transcript, or one of them gzipped")],
    map: Annotated[list[str], Query(description="`field=column`, such as `text=review`; repeatable.")] = [],  # noqa: B006
    encoding: Annotated[str | None, Query(description="Of the file; guessed by default.")] = None,
) -> Response:
    """Store the records of a file; its columns are recognised by their names."""
    overrides = parse_overrides(map)
    reading = read("-", ReadOptions(name=file.filename or "upload", encoding=encoding, overrides=overrides), file.file)
    total: Counter[str] = Counter()
    rejections: list[dict[str, Any]] = []
    for outcome in service.intake.load(service.store, service.intake.read(reading, overrides)):
        total[outcome.status] += 1
        if outcome.rejection and len(rejections) < _MOST_REJECTIONS:
            rejections.append(_rejection(outcome))
    return to_response({status: total[status] for status in COUNTS} | {"notices": reading.notices, "rejections": rejections})


def _rejection(outcome: Outcome) -> dict[str, Any]:
    line = outcome.to_json()
    return {"row": outcome.row} | dict(line["error"])
