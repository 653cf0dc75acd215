"""Records: listing, reading, correcting, forgetting."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response

from api.bodies import read_object, to_response
from api.deps import RawBody, ServiceDep
from api.queries import customer_ids, documented, query_filter
from api.schemas import LINE, RecordId, answer, json_body
from api.security import Admin, Agent, Analyst
from cxnlp.errors import NotFound
from cxnlp.lines import to_line
from cxnlp.service.correction import correct

router = APIRouter(prefix="/v1/feedback", tags=["feedback"])
_CORRECTION: Final[dict[str, Any]] = {
    "sentiment and intent": {"sentiment": -0.5, "intent": "complaint"},
    "intent": {"intent": "complaint"},
}


@router.get(
    "",
    summary="List records",
    responses=answer({"items": [LINE], "next_cursor": None}, "Newest first"),
    openapi_extra={"parameters": documented()},
)
def list_feedback(
    request: Request,
    service: ServiceDep,
    _: Agent,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the part before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    order: Annotated[Literal["newest", "oldest"], Query(description="By created_at.")] = "newest",
) -> Response:
    """Return part of the records that pass a filter. A cursor stays valid while records come and go."""
    filter = query_filter(service, request, ("cursor", "limit", "order"))
    page = service.store.feedback.page(filter, cursor or None, limit, newest_first=order == "newest")
    return to_response({"items": [to_line(record) for record in page.records], "next_cursor": page.next_cursor})


@router.get("/{record_id}", summary="Read a record", responses=answer(LINE))
def get_feedback(
    record_id: RecordId,
    service: ServiceDep,
    _: Agent,
    history: Annotated[bool, Query(description="Also return the earlier versions, oldest first.")] = False,
) -> Response:
    """Return a record with all that is known of it."""
    record = service.store.feedback.get(record_id)
    if record is None:
        raise NotFound(f"there is no record {record_id[:80]!r}")
    line = to_line(record)
    if history:
        line |= {
            "version": record.version,
            "history": [to_line(past) | {"version": past.version} for past in service.store.feedback.history(record_id)],
        }
    return to_response(line)


@router.patch(
    "/{record_id}",
    summary="Correct labels",
    responses=answer(LINE | {"corrected": ["sentiment"]}),
    openapi_extra=json_body("New values of sentiment, intent, observations, risks; null takes a correction back.", _CORRECTION),
)
def patch_feedback(record_id: RecordId, service: ServiceDep, raw: RawBody, caller: Analyst) -> Response:
    """Correct what the model read. A correction wins in every read and survives re-analysis; it is marked stale when the content changes."""
    return to_response(to_line(correct(service.store, service.taxonomy, record_id, read_object(raw), caller.name)))


@router.delete("/{record_id}", summary="Forget a record", responses=answer({"deleted": 1}))
def delete_feedback(record_id: RecordId, service: ServiceDep, _: Admin) -> Response:
    """Delete a record with all that was derived from it, for every reader at once."""
    if service.store.feedback.forget([record_id]) == 0:
        raise NotFound(f"there is no record {record_id[:80]!r}")
    return to_response({"deleted": 1})


@router.delete("", summary="Forget a customer", responses=answer({"deleted": 3}))
def delete_customer(
    service: ServiceDep,
    _: Admin,
    customer: Annotated[str, Query(min_length=1, description="The id that the source uses, or the one that records show.")],
) -> Response:
    """Delete all records of a customer."""
    return to_response({"deleted": sum(service.store.feedback.forget_customer(known) for known in customer_ids(service, customer))})
