"""Alerts: what moves."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from api.bodies import to_response
from api.deps import ServiceDep
from api.schemas import RECORD_ID, AlertRequest, answer
from api.security import Agent

router = APIRouter(prefix="/v1", tags=["alerts"])
AlertId = Annotated[str, Path(description="Id of the alert.", examples=["a-0a1b2c3d4e5f60718293"])]
_PART: Final = {"dimension": "pair", "value": "delivery/slow", "n": 9.0, "before": 0.5, "change": 8.5, "share": 0.71}
_ALERT: Final[dict[str, Any]] = {
    "id": "a-0a1b2c3d4e5f60718293",
    "rule": "movement",
    "series": {"dimension": "attributes.region", "value": "西南"},
    "measure": "volume",
    "direction": "up",
    "since": "2026-09-10",
    "until": "2026-09-12",
    "score": 6.02,
    "window": 3,
    "observed": 14.0,
    "expected": 1.92,
    "low": 0.0,
    "high": 4.9,
    "explained_by": [_PART],
    "summary": {
        "en": "region 西南: records 14 in 3 days, 1.9 expected; of the change: problem Delivery and logistics / Slow or late 71%",
        "zh": "地区「西南」：3天条数 14，预期 1.9；变化来自：问题「物流与配送 / 等待与时效」 71%",
    },
    "worse": True,
    "along": [{"dimension": "touchpoint", "value": "delivery"}],
    "state": "open",
    "historical": False,
    "opened_at": "2026-09-12T23:10:00Z",
    "changed_at": "2026-09-12T23:10:00Z",
    "resolved_at": None,
    "snoozed_until": None,
    "record_ids": [RECORD_ID],
    "quotes": [{"record_id": RECORD_ID, "text": "等了一个星期还没到"}],
    "note": None,
    "author": None,
}


@router.get("/alerts", summary="List alerts", responses=answer({"items": [_ALERT], "next_cursor": None}, "Newest first"))
def list_alerts(
    service: ServiceDep,
    _: Agent,
    state: Annotated[str | None, Query(description="open, acknowledged, snoozed or resolved.")] = None,
    historical: Annotated[bool | None, Query(description="Only those that were over before anybody could be told; or only others.")] = None,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the part before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return part of the alerts: what moved, since when, by how much, what explains it, and what customers said."""
    page = service.alerts.page(state, historical, cursor or None, limit)
    return to_response({"items": [service.alerts.line(alert) for alert in page.alerts], "next_cursor": page.next_cursor})


@router.get("/alerts/{alert_id}", summary="Read an alert", responses=answer(_ALERT))
def get_alert(alert_id: AlertId, service: ServiceDep, _: Agent) -> Response:
    """Return one alert."""
    return to_response(service.alerts.line(service.alerts.get(alert_id)))


@router.patch("/alerts/{alert_id}", summary="Say what was done about an alert", responses=answer(_ALERT | {"state": "acknowledged"}))
def patch_alert(alert_id: AlertId, body: AlertRequest, service: ServiceDep, caller: Agent) -> Response:
    """Take an alert on, put it off until a time, resolve it, or open it again. Back to normal for 3 days, it resolves by itself."""
    reason = service.masker.mask(body.reason) if body.reason else None
    alert = service.alerts.set_state(alert_id, body.state, reason, caller.name, body.until)
    return to_response(service.alerts.line(alert))
