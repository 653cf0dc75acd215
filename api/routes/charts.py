"""Figures for dashboards, as Plotly draws them, and the numbers above them."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.bodies import to_response
from api.deps import ServiceDep
from api.queries import documented, query_filter
from api.schemas import answer
from api.security import Agent
from cxnlp.bootstrap import Service
from cxnlp.charts import Look
from cxnlp.service.dashboard import DashboardQuestion
from cxnlp.service.drawings import DRAWINGS

router = APIRouter(prefix="/v1", tags=["charts"])
LanguageQuery = Annotated[Literal["en", "zh"], Query(description="Of titles and names.")]
_OWN: Final = ("since", "until", "timezone", "display", "theme", "measure")


@dataclass(frozen=True, slots=True)
class _Days:
    since: Annotated[date | None, Query(description="First day; 28 days before the last by default.")] = None
    until: Annotated[date | None, Query(description="Last day, included; today by default.")] = None
    timezone: Annotated[str | None, Query(description="Time zone of the days, such as Asia/Shanghai; CXNLP_TIMEZONE by default.")] = None


DaysDep = Annotated[_Days, Depends()]
_NAMED: Final[dict[str, Any]] = {"name": "sentiment", "title": {"en": "Sentiment over time", "zh": "情感走势"}, "measure": "sentiment"}
_TABLE: Final[dict[str, Any]] = {
    "title": "Feedback over time",
    "columns": ["From", "Series", "Records"],
    "rows": [["2026-11-01", "All feedback", "13"]],
    "keys": [{"from": "2026-11-01", "to": "2026-11-01"}],
}
_FIGURE: Final[dict[str, Any]] = {"data": [{"type": "bar", "x": ["2026-11-01"], "y": [13]}], "layout": {"meta": _TABLE}}
_NUMBER: Final[dict[str, Any]] = {
    "measure": "negative_share",
    "name": "Share negative",
    "value": 0.3846,
    "n": 13,
    "low": 0.177,
    "high": 0.6448,
    "before": {"value": 0.2, "n": 10, "low": 0.0567, "high": 0.5098},
    "change": {"value": 0.1846, "low": -0.19, "high": 0.48, "within_chance": True},
    "better": None,
    "shown": {"value": "38.5%", "before": "20.0%", "change": "+18.5 points"},
}
_OVERVIEW: Final = {"since": "2026-11-01", "until": "2026-11-28", "timezone": "UTC", "items": [_NUMBER]}


@router.get("/charts", summary="List figures", responses=answer({"items": [_NAMED]}))
def list_charts(service: ServiceDep, _: Agent) -> Response:
    """Return the figures that `/v1/charts/{name}` draws, with their titles and the measure that each shows by default."""
    items = [{"name": name, "title": dict(zip(("en", "zh"), one.title, strict=True)), "measure": one.measure} for name, one in DRAWINGS.items()]
    return to_response({"items": items})


@router.get("/charts/{name}", summary="Draw a figure", responses=answer(_FIGURE, "For Plotly"), openapi_extra={"parameters": documented()})
def get_chart(
    name: Annotated[str, Path(description="Of the figure, as `/v1/charts` lists them.", examples=["sentiment"])],
    request: Request,
    service: ServiceDep,
    _: Agent,
    days: DaysDep,
    display: LanguageQuery = "en",
    theme: Annotated[Literal["light", "dark"], Query(description="Of the ground.")] = "light",
    measure: Annotated[str | None, Query(description="Another measure, as of `/v1/series`.")] = None,
) -> Response:
    """Return a figure of the records that pass a filter as `data` and `layout` for Plotly.

    At `layout.meta` it has the same as a table: `columns`, `rows`, and `keys`, a filter for the records of each row; points have
    theirs as `customdata`.
    """
    question = _question(service, request, days)
    figure = service.dashboard.draw(name, question, Look(display, theme), measure)
    return Response(figure.to_json(), media_type="application/json")


@router.get("/overview", summary="Read the headline numbers", responses=answer(_OVERVIEW), openapi_extra={"parameters": documented()})
def get_overview(
    request: Request,
    service: ServiceDep,
    _: Agent,
    days: DaysDep,
    display: LanguageQuery = "en",
) -> Response:
    """Return volume, share negative, sentiment, CSAT and NPS with their change against the period of the same length before.

    `better` is null where a change is within chance, or neither way is better. CSAT and NPS are there if anybody gave such a rating.
    """
    question = _question(service, request, days)
    period = service.dashboard.period(question)
    ends = {"since": period.first.isoformat(), "until": period.last.isoformat(), "timezone": period.zone.key}
    return to_response(ends | {"items": [one.to_json(Look(display)) for one in service.dashboard.headline(question)]})


def _question(service: Service, request: Request, days: _Days) -> DashboardQuestion:
    return DashboardQuestion(days.since, days.until, days.timezone or None, query_filter(service, request, _OWN))
