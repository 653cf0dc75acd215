"""Analysing without storing."""

from typing import Any, Final

from fastapi import APIRouter, Response

from api.bodies import items_of, read_object, to_response
from api.deps import RawBody, ServiceDep
from api.schemas import CONVERSATION, LINE, RECORD, RECORD_EN, answer, json_body
from api.security import Agent
from cxnlp.bootstrap import Service
from cxnlp.errors import InvalidFeedback, TooLarge, shorten
from cxnlp.lines import to_line
from cxnlp.records import Feedback, Record

router = APIRouter(prefix="/v1", tags=["analysis"])
MOST_ITEMS: Final = 100


@router.post(
    "/analyze",
    summary="Analyse without storing",
    responses=answer(LINE, 'The record with what was read from it; for a list, {"items": [...]} in order'),
    openapi_extra=json_body('A record, or {"items": [up to 100 records]}.', {"one": RECORD, "list": {"items": [RECORD_EN, CONVERSATION]}}),
)
def post_analyze(service: ServiceDep, raw: RawBody, _: Agent) -> Response:
    """Return what the model reads from a record. Nothing is stored; personal data are masked all the same."""
    body = read_object(raw)
    items = items_of(body)
    if items is None:
        return to_response(_analyze(service, [service.intake.parse(body)])[0])
    if len(items) > MOST_ITEMS:
        raise TooLarge(f"items holds {len(items)} records; send at most {MOST_ITEMS} to be analysed at once")
    parsed = [_parse(service, item) for item in items]
    lines = iter(_analyze(service, [item for item in parsed if isinstance(item, Feedback)]))
    return to_response({"items": [next(lines) if isinstance(item, Feedback) else item for item in parsed]})


def _analyze(service: Service, items: list[Feedback]) -> list[dict[str, Any]]:
    return [to_line(Record(found.feedback, found.analysis)) for found in service.active_pipeline.analyze(items)] if items else []


def _parse(service: Service, item: object) -> Feedback | dict[str, Any]:
    if not isinstance(item, dict):
        shown = service.masker.mask(shorten(item))
        return {"status": "rejected", "error": {"field": "record", "value": shown, "problem": "is no JSON object", "remedy": 'send {"text": "..."}'}}
    try:
        return service.intake.parse(item)
    except InvalidFeedback as error:
        told = {"field": error.field, "value": error.value, "problem": error.problem, "remedy": error.remedy}
        return {"status": "rejected", "error": told}
