"""The sentiment feed for dashboards: measures in time, and by one dimension or two."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from api.bodies import to_response
from api.deps import ServiceDep
from api.figure_schemas import BREAKDOWN, SERIES, BreakdownParameters, BreakdownRequest, SeriesParameters, SeriesRequest
from api.queries import documented, filter_of, query_filter
from api.security import Agent
from cxnlp.service import Breakdown, BreakdownQuestion, Series, SeriesQuestion
from cxnlp.service.arrow import MEDIA_TYPE, to_arrow

router = APIRouter(prefix="/v1", tags=["figures"])


def _answer(example: dict[str, Any], description: str) -> dict[int | str, dict[str, Any]]:
    content = {"application/json": {"example": example}, MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"description": f"{description}; as an Arrow IPC stream if Accept asks for it", "content": content}}


_SERIES: Final = _answer(SERIES, "The series with most records first")
_BREAKDOWN: Final = _answer(BREAKDOWN, "Sorted as asked")


@router.get("/series", summary="Read series", responses=_SERIES, openapi_extra={"parameters": documented()})
def get_series(asked: Annotated[SeriesParameters, Query()], request: Request, service: ServiceDep, _: Agent) -> Response:
    """Return measures by hour, day, week or month of a time zone, each value with the number of answers and a 95 % interval.

    With `compare`, `before` is the same in the period before or the year before and `change` the difference with its interval; `within_chance` says
    that chance alone may have made it. `total` is of the whole period. Any field of a filter is a parameter too. `expected` is what a day's own weeks
    before make likely, and the range in which chance alone would keep it.
    """
    filter = query_filter(service, request, SeriesParameters.model_fields)
    named = asked.model_dump(exclude={"measure", "value"}) | {"measures": _different(asked.measure), "values": tuple(asked.value)}
    return _shown(request, service.figures.series(SeriesQuestion(**named, filter=filter)))


@router.post("/series", summary="Read series", responses=_SERIES)
def post_series(body: SeriesRequest, request: Request, service: ServiceDep, _: Agent) -> Response:
    """Return what GET does, with the filter as JSON."""
    named = body.model_dump(exclude={"filter"}) | {"measures": _different(body.measures), "values": tuple(body.values)}
    return _shown(request, service.figures.series(SeriesQuestion(**named, filter=filter_of(service, body.filter))))


@router.get("/breakdown", summary="Read a breakdown", responses=_BREAKDOWN, openapi_extra={"parameters": documented()})
def get_breakdown(asked: Annotated[BreakdownParameters, Query()], request: Request, service: ServiceDep, _: Agent) -> Response:
    """Return measures by one dimension or two, each value with the number of answers and a 95 % interval.

    `total` is of all records of the period that pass the filter, `others` of those with values that are not shown, each record once. A record counts
    in each row whose values it has; touchpoint and cause are of one observation. Parameters as of `/v1/series`.
    """
    filter = query_filter(service, request, BreakdownParameters.model_fields)
    named = asked.model_dump(exclude={"measure", "dimension"}) | {"measures": _different(asked.measure), "dimensions": tuple(asked.dimension)}
    return _shown(request, service.figures.breakdown(BreakdownQuestion(**named, filter=filter)))


@router.post("/breakdown", summary="Read a breakdown", responses=_BREAKDOWN)
def post_breakdown(body: BreakdownRequest, request: Request, service: ServiceDep, _: Agent) -> Response:
    """Return what GET does, with the filter as JSON."""
    named = body.model_dump(exclude={"filter"}) | {"measures": _different(body.measures), "dimensions": tuple(body.dimensions)}
    return _shown(request, service.figures.breakdown(BreakdownQuestion(**named, filter=filter_of(service, body.filter))))


def _different(measures: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(measures))


def _shown(request: Request, found: Series | Breakdown) -> Response:
    if MEDIA_TYPE in request.headers.get("accept", ""):
        return Response(to_arrow(found), media_type=MEDIA_TYPE)
    return to_response(found.to_json())
