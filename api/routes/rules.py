"""Rules: which records raise a flag, how urgent it is, whose it is and by when to answer."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import StreamingResponse

from api.bodies import LineStream, read_object, to_response
from api.deps import RawBody, ServiceDep
from api.schemas import LINE, RuleTrialRequest, answer, json_body
from api.security import Agent, Analyst
from cxnlp.errors import InvalidInput, NotFound, shorten
from cxnlp.service import Trial

router = APIRouter(prefix="/v1/rules", tags=["flags"])
RuleName = Annotated[str, Path(description="Name of the rule.", examples=["angry-vip"])]
_RULE: Final[dict[str, Any]] = {
    "description": "Unhappy VIP customers",
    "levels": [
        {"level": 1, "when": {"segment": ["vip"], "sentiment": {"lte": -0.6}}},
        {"level": 2, "when": {"segment": ["vip"], "trajectory": {"ends_low": True, "unanswered": True}}},
    ],
    "unless": {"spam": True},
    "owners": {"delivery": "logistics", "default": "vip-desk"},
    "deadline_hours": {"1": 2, "2": 8},
    "business_hours": {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "18:00", "zone": "Asia/Shanghai"},
    "cooldown_hours": 24,
    "overdue_raises": 1,
}
_SAVED: Final = {"name": "angry-vip"} | _RULE | {"version": 1, "deleted": False, "author": "local", "at": "2026-11-01T09:30:00Z"}

_TRIAL: Final = {
    "records": 1200,
    "flags": 31,
    "repeats": 4,
    "complete": True,
    "by_week": {"2026-10-26": {"2": 31}},
    "samples": [{"flag": {"level": 2, "reasons": [], "owner": None, "priority": 53, "explanation": {}}, "record": LINE}],
}


@router.get("", summary="List rules", responses=answer({"items": [_SAVED]}))
def list_rules(service: ServiceDep, _: Agent) -> Response:
    """Return the rules in force, by name; version 0 is one as it was shipped."""
    return to_response({"items": [known.to_json() for known in service.rules.list()]})


@router.post("/test", summary="Try a rule on history", responses=answer(_TRIAL, "What it would have raised"))
def test_rule(
    body: RuleTrialRequest,
    service: ServiceDep,
    _: Agent,
    accept: Annotated[str, Header(description="`application/x-ndjson` for lines that tell how far it has come, before the line of the result.")] = "",
) -> Response:
    """Return what a rule would have raised on stored records: by week and level, with samples. Nothing is raised, and nobody is told.

    All records of so many days are looked at, some thousands a second. For many, ask for lines: each but the last is
    `{"records": looked at, "of": all, "complete": false}`.
    """
    rule = service.rules.get(body.rule).rule if isinstance(body.rule, str) else service.rules.parse({"name": "new"} | body.rule)
    if rule is None:
        raise NotFound(f"rule {shorten(body.rule)!r} was deleted; send a whole rule instead")
    since = datetime.now(UTC) - timedelta(days=body.days)
    if LineStream.media_type in accept:
        return StreamingResponse(_lines(service.rules.steps(rule, since, body.samples)), media_type=LineStream.media_type)
    return to_response(service.rules.test(rule, since, body.samples).to_json())


@router.get("/{rule_name}", summary="Read a rule", responses=answer(_SAVED))
def get_rule(
    rule_name: RuleName,
    service: ServiceDep,
    _: Agent,
    history: Annotated[bool, Query(description="Also return all versions, oldest first.")] = False,
) -> Response:
    """Return the newest version of a rule; a deleted one has `deleted`."""
    versions = service.rules.versions(rule_name)
    line = versions[-1].to_json()
    return to_response(line | {"history": [known.to_json() for known in versions]} if history else line)


@router.put(
    "/{rule_name}",
    summary="Save a rule",
    responses=answer(_SAVED),
    openapi_extra=json_body("The whole rule; what its fields mean is in docs/flags.md.", {"unhappy VIPs": _RULE}),
)
def put_rule(rule_name: RuleName, service: ServiceDep, raw: RawBody, caller: Analyst) -> Response:
    """Save a rule as its next version; the same again makes none. What is judged from now on is judged by it; earlier flags stay."""
    body = read_object(raw)
    if body.get("name", rule_name) != rule_name:
        raise InvalidInput(f"name is {shorten(body['name'])!r}, and the address says {shorten(rule_name)!r}; leave it out, or write the same")
    return to_response(service.rules.put(service.rules.parse({"name": rule_name} | body), caller.name).to_json())


@router.delete("/{rule_name}", summary="Delete a rule", responses=answer({"name": "angry-vip", "version": 2, "deleted": True}))
def delete_rule(rule_name: RuleName, service: ServiceDep, caller: Analyst) -> Response:
    """Let a rule raise no more flags. Those that it has raised stay, and so do its versions: save one of them to have it back."""
    return to_response(service.rules.delete(rule_name, caller.name).to_json())


def _lines(steps: Iterator[Trial]) -> Iterator[bytes]:
    for found in steps:
        yield orjson.dumps(found.to_json() if found.is_complete else found.to_progress(), option=orjson.OPT_APPEND_NEWLINE)
