"""Flags: records that someone should answer."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from api.bodies import to_response
from api.deps import ServiceDep
from api.schemas import RECORD_ID, FlagRequest, answer
from api.security import Agent
from cxnlp.store import StoredFlag

router = APIRouter(prefix="/v1/flags", tags=["flags"])
_FLAG: Final = {
    "id": "f-3e2d1c0b9a8f7e6d5c4b",
    "record_id": RECORD_ID,
    "rule": "default",
    "level": 2,
    "reasons": [{"en": "very negative (sentiment -0.82)", "zh": "情绪非常负面（-0.82）"}],
    "raised_at": "2026-11-01T01:30:02Z",
    "deadline": "2026-11-02T01:30:02Z",
    "state": "open",
    "historical": False,
    "owner": "logistics",
    "priority": 53,
    "explanation": {"en": "53 = impact 0.82 (sentiment -0.82) × urgency 0.65 (level 2)", "zh": "53 = 影响 0.82（情绪 -0.82）× 紧急 0.65（2 级）"},
    "overdue_at": None,
    "repeats": 0,
    "rule_version": 0,
    "note": None,
    "author": None,
}


@router.get("", summary="List flags", responses=answer({"items": [_FLAG], "next_cursor": None}, "Part of the flags"))
def list_flags(
    service: ServiceDep,
    _: Agent,
    state: Annotated[str | None, Query(description="open, acknowledged, resolved, dismissed or withdrawn.")] = None,
    level: Annotated[int | None, Query(ge=1, le=3, description="1 is the most urgent.")] = None,
    owner: Annotated[str | None, Query(description="Who is to answer.")] = None,
    sort: Annotated[str, Query(description="newest, priority (the highest first) or deadline (the next first).")] = "newest",
    cursor: Annotated[str | None, Query(description="`next_cursor` of the part before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return part of the flags.

    By priority or deadline, those that have changed since the first part was read come last, as they are then: none is missed, and one that changed
    after it was shown comes again.
    """
    page = service.delivery.flags(state, level, cursor or None, limit, owner=owner, sort=sort)
    return to_response({"items": [_line(flag) for flag in page.flags], "next_cursor": page.next_cursor})


@router.patch("/{flag_id}", summary="Say what was done about a flag", responses=answer(_FLAG | {"state": "acknowledged"}))
def patch_flag(flag_id: str, body: FlagRequest, service: ServiceDep, caller: Agent) -> Response:
    """Take a flag on, resolve it, dismiss it with a reason, or give it to somebody."""
    reason = service.masker.mask(body.reason) if body.reason else None
    flag = service.delivery.set_flag(flag_id, body.state, reason, caller.name, body.owner)
    return to_response(_line(flag))


def _line(flag: StoredFlag) -> dict[str, Any]:
    return flag.to_line() | {"note": flag.note, "author": flag.author}
