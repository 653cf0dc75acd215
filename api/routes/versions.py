"""Versions of the heads: what learning from corrections made, and which one reads."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Response

from api.bodies import to_response
from api.deps import ServiceDep
from api.schemas import answer
from api.security import Analyst
from cxnlp.lines import to_iso
from cxnlp.service.versions import Active
from cxnlp.store import Retrain

router = APIRouter(prefix="/v1/models/heads", tags=["learning"])
_SHIPPED: Final = "cxnlp-zh-en-2"
_OWN: Final = "cxnlp-zh-en-2+1"
_ACTIVE: Final[dict[str, Any]] = {"active": _OWN, "warning": None}
_VERSION: Final[dict[str, Any]] = {
    "id": _OWN, "parent": _SHIPPED, "created_at": "2026-11-22T09:30:00Z", "author": "ann", "corrections": 61, "encoder": "529a644525a20180",
    "usable": True, "active": True,
    "metrics": {"corrections": {"parent": {"n": 14, "agreement": 0.61}, "own": {"n": 14, "agreement": 0.83}}},
}  # fmt: skip
_COMPARISON: Final[dict[str, Any]] = {
    "a": _SHIPPED, "b": _OWN, "better": True,
    "corrections": {"a": {"n": 14, "agreement": 0.61, "intent": 0.5}, "b": {"n": 14, "agreement": 0.83, "intent": 0.86}},
    "cases": {"a": {"n": 188, "agreement": 0.7}, "b": {"n": 188, "agreement": 0.7}},
}  # fmt: skip
_RETRAIN: Final[dict[str, Any]] = {
    "id": "j-0a1b2c3d4e5f", "state": "running", "stage": "fit", "share": 0.4, "author": "ann", "started_at": "2026-11-22T09:29:10Z",
    "ended_at": None, "version": None, "outcome": None,
}  # fmt: skip
VersionId = Annotated[str, Path(description="Id of a version; the shipped heads have one, too.", examples=[_OWN])]


@router.get("", summary="List versions of the heads", responses=answer(_ACTIVE | {"items": [_VERSION]}, "The shipped one first"))
def list_versions(service: ServiceDep, _: Analyst) -> Response:
    """Return all versions and which one reads; `warning` says why one that was activated is not used."""
    return to_response(_line(service.versions.active()) | {"items": service.versions.list()})


@router.get("/compare", summary="Compare two versions", responses=answer(_COMPARISON))
def compare_versions(
    service: ServiceDep,
    _: Analyst,
    a: Annotated[str, Query(description="Id of a version.", examples=[_SHIPPED])],
    b: Annotated[str, Query(description="Id of another.", examples=[_OWN])],
) -> Response:
    """Return how well each agrees with people, 0 to 1, on corrections that were held out and on the shipped regression set."""
    # An id holds a plus sign, which many clients forget to escape; it then arrives as a space.
    return to_response(service.retraining.compare(a.replace(" ", "+"), b.replace(" ", "+")).to_json())


@router.post("/rollback", summary="Undo the last activation", responses=answer(_ACTIVE | {"active": _SHIPPED}))
def rollback_version(service: ServiceDep, caller: Analyst) -> Response:
    """Make the version that was used before the one that reads again, in all processes within seconds. 409 when there is none."""
    return to_response(_line(service.versions.rollback(caller.name)))


@router.post("/retrains", summary="Learn from corrections", responses=answer(_RETRAIN, "Begun; ask for it by its id"))
def post_retrain(
    service: ServiceDep,
    caller: Analyst,
    activate: Annotated[
        Literal["better", "always", "never"], Query(description="Use the new version only if it is better, or whatever the comparison says.")
    ] = "better",
) -> Response:
    """Begin to make a new version from all corrections, in a process of its own. 422 with fewer than 20 corrected records, 409 while one runs."""
    return to_response(_retrain(service.retraining.start(caller.name, activate)))


@router.get("/retrains", summary="List retrains", responses=answer({"items": [_RETRAIN]}, "Newest first"))
def list_retrains(service: ServiceDep, _: Analyst) -> Response:
    """Return the last 50 retrains, those of the command line too."""
    return to_response({"items": [_retrain(retrain) for retrain in service.store.retrains.list()]})


@router.get("/retrains/{retrain_id}", summary="Read a retrain", responses=answer(_RETRAIN))
def get_retrain(retrain_id: str, service: ServiceDep, _: Analyst) -> Response:
    """Return how far a retrain is. States: running, done, failed, interrupted (its process was killed)."""
    return to_response(_retrain(service.store.retrains.get(retrain_id)))


@router.post("/{version_id}/activate", summary="Use a version", responses=answer(_ACTIVE))
def activate_version(version_id: VersionId, service: ServiceDep, caller: Analyst) -> Response:
    """Make a version the one that reads, in all processes within seconds. Records that are analysed already keep their analysis."""
    return to_response(_line(service.versions.activate(version_id, caller.name)))


def _line(active: Active) -> dict[str, Any]:
    return {"active": active.id, "warning": active.warning}


def _retrain(retrain: Retrain) -> dict[str, Any]:
    line: dict[str, Any] = {"id": retrain.id, "state": retrain.state, "stage": retrain.stage, "share": round(retrain.share, 3)}
    ended_at = to_iso(retrain.ended_at) if retrain.ended_at else None
    line |= {"author": retrain.author, "started_at": to_iso(retrain.started_at), "ended_at": ended_at}
    return line | {"version": retrain.version_id, "outcome": retrain.outcome}
