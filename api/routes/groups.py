"""Groups: copies of one text, and cases of one issue."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response

from api.bodies import to_response
from api.deps import ServiceDep
from api.queries import documented, query_filter
from api.schemas import LINE, RECORD_ID
from api.security import Agent
from cxnlp.errors import InvalidQuery

MOST_COMPARED: Final = 100_000
"""How many records are compared for copies in one request: some 20 seconds; `cxnlp duplicates` compares all."""

router = APIRouter(prefix="/v1", tags=["search"])
_TIMES: Final = {"first_at": "2026-11-01T01:30:00Z", "last_at": "2026-11-09T07:12:00Z"}
_MEMBERS: Final[dict[str, Any]] = {"ids": [RECORD_ID], "more": 40}
_COPIES: Final[dict[str, Any]] = {"count": 41, **_TIMES, "channels": {"social": 38, "review": 3}, "record": LINE, **_MEMBERS}
_ISSUE: Final[dict[str, Any]] = {"name": "delivery/slow", "touchpoint": "delivery", "cause": "slow", "share": 0.95, "count": 41, "before": 4}
_GROWTH: Final[dict[str, Any]] = {"growth": "growing", "p": 1.9e-8, **_TIMES, "quotes": [{"id": RECORD_ID, "text": "等了一个星期还没到"}], **_MEMBERS}
_WINDOW: Final[dict[str, Any]] = {"since": "2026-10-23T00:00:00Z", "until": "2026-11-22T00:00:00Z", "records": 865, "records_before": 790}
_EXAMPLES: Final[dict[str, Any]] = {
    "copies": {"value": {"by": "copies", "groups": [_COPIES], "total": 1, "records": 865, "cut": False}},
    "issues": {"value": {"by": "issues", **_WINDOW, "groups": [_ISSUE | _GROWTH], "total": 1, "cut": False}},
}
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The largest first", "content": {"application/json": {"examples": _EXAMPLES}}}
}


@router.get("/groups", summary="Group records", responses=_ANSWER, openapi_extra={"parameters": documented()})
def list_groups(
    request: Request,
    service: ServiceDep,
    _: Agent,
    by: Annotated[Literal["copies", "issues"], Query(description="Texts that are alike, or issues of a window of time.")] = "copies",
    days: Annotated[int | None, Query(ge=1, le=3650, description="By issues: length of the window, compared with as many days before; 30.")] = None,
    least: Annotated[int, Query(ge=2, description="Records that a group has.")] = 2,
    limit: Annotated[int, Query(ge=1, le=200, description="How many groups.")] = 50,
) -> Response:
    """Return groups of copies (templates, retweets, what was sent twice), or the issues of the last days and what becomes more.

    Copies are looked for among the 100,000 records last received, issues among the 20,000 newest of each window; `cut` says that there are more.
    `before` counts the same issue in the window of the same length before; `growth` is `new`, `growing` or `shrinking` only where chance alone
    would do it (`p`) in less than one case of twenty, else `steady`, and null where there is nothing to compare with. `created_at.lte` ends the
    window. One such question is answered at a time.
    """
    filter = query_filter(service, request, ("by", "days", "least", "limit"))
    if by == "issues":
        return to_response(service.groups.issues(filter, 30 if days is None else days, least, limit=limit).to_json())
    if days is not None:
        raise InvalidQuery("days: goes with by=issues; for copies of a time give created_at.gte and created_at.lte")
    return to_response(service.groups.copies(filter, least, limit=limit, most=MOST_COMPARED).to_json())
