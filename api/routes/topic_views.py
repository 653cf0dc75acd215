"""Topics to look at: which stand under which, which are alike, where they lie, and all of them as a file."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.bodies import MEDIA_TYPES, to_response
from api.deps import ServiceDep
from api.queries import documented, query_filter
from api.routes.charts import DaysDep
from api.schemas import LINE, RECORD_ID, answer
from api.security import Agent
from api.topic_schemas import TOPIC, AboutQuery, OnQuery
from cxnlp.service.dashboard import DashboardQuestion
from cxnlp.service.topics.versions import kind_of

router = APIRouter(prefix="/v1/topics", tags=["topics"])
_ROW: Final[dict[str, Any]] = {
    "id": "t-17", "label": "快递 延误", "name_zh": "物流延误", "name_en": "Late deliveries", "words": ["快递", "延误"], "state": "fitted",
    "muted": False, "parent": None, "touchpoint": "delivery", "cause": "slow", "n": 41, "n_now": 12, "n_before": 3, "share_now": 0.08,
    "share_before": 0.02, "beyond_chance": True, "quotes": [LINE["text"]],
}  # fmt: skip
_JOIN: Final = {"left": 0, "right": 1, "likeness": 0.71}
_POINT: Final = {"record_id": RECORD_ID, "topic": "t-17", "position": [0.29, -0.22], "text": LINE["text"]}


@router.get("/hierarchy", summary="Read which topics are alike", responses=answer({"items": [TOPIC], "joins": [_JOIN]}))
def get_hierarchy(service: ServiceDep, _: Agent, on: OnQuery = "records", about: AboutQuery = None) -> Response:
    """Return the topics, the largest first, each with the `parent` that people gave it, and steps that join those that are most alike.

    `left` and `right` of a join are places in `items`, from 0; from the number of items on they are the joins before it.
    """
    topics, joins = service.dashboard.views.hierarchy(kind_of(on, about))
    lines = [{"left": one.left, "right": one.right, "likeness": round(one.likeness, 4)} for one in joins]
    return to_response({"items": [topic.to_line() for topic in topics], "joins": lines})


@router.get(
    "/map", summary="Read the map of topics", responses=answer({"topics": [TOPIC], "records": [_POINT]}), openapi_extra={"parameters": documented()}
)
def get_map(
    request: Request, service: ServiceDep, _: Agent, limit: Annotated[int, Query(ge=0, le=5000, description="How many records.")] = 1000
) -> Response:
    """Return where the topics of records lie in two dimensions, and records that pass a filter around them; what lies near is alike.

    The map stays the same way up after refits. Of more records than `limit` some are taken, evenly from the first received to the last.
    """
    topics, points = service.dashboard.views.map(query_filter(service, request, ("limit",)), limit)
    return to_response({"topics": [topic.to_line() for topic in topics], "records": [point.to_line() for point in points]})


@router.get(
    "/export",
    summary="Copy topics as a file",
    response_class=StreamingResponse,
    responses={200: {"description": "The file", "content": {"application/json": {"example": [_ROW]}, "text/csv": {}}}},
)
def get_export(
    service: ServiceDep,
    _: Agent,
    days: DaysDep,
    format: Annotated[Literal["json", "jsonl", "csv", "parquet"], Query(description="Of the file.")] = "json",
    members: Annotated[bool, Query(description="What belongs to the topics instead of the topics.")] = False,
    on: OnQuery = "records",
    about: AboutQuery = None,
) -> StreamingResponse:
    """Stream the topics with names, size, quotes and growth in a period against the one before; or each record or clause with its topic."""
    from cxnlp.service.topics.exporting import export  # imports pyarrow, which other requests should not wait for

    question = DashboardQuestion(days.since, days.until, days.timezone or None)
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="cxnlp-topics.{format}"'}
    parts = export(service.dashboard, question, kind_of(on, about), format, members=members)
    return StreamingResponse(parts, media_type=MEDIA_TYPES[format], headers=headers)
