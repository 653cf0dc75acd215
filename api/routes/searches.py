"""Saved searches: what people want to be told of as it comes in."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from api.bodies import to_response
from api.deps import ServiceDep
from api.queries import filter_of
from api.schemas import LINE, SavedSearchChange, SavedSearchRequest, answer
from api.security import Agent
from cxnlp.store import Wanted

router = APIRouter(prefix="/v1/searches", tags=["searches"])
SearchId = Annotated[str, Path(description="Id of the saved search.", examples=["s-0a1b2c3d4e5f6071"])]
_SEARCH: Final[dict[str, Any]] = {
    "id": "s-0a1b2c3d4e5f6071",
    "name": "slow delivery",
    "text": "快递太慢",
    "like": [],
    "unlike": [],
    "filter": {"sentiment": {"lte": -0.3}},
    "least": 0.6,
    "author": "local",
    "created_at": "2026-11-01T09:30:00Z",
    "disabled_at": None,
    "matches": 0,
}
_MATCHES: Final = {"items": [{"score": 0.83, "historical": False, "record": LINE}], "next_cursor": None}


@router.post("", summary="Save a search", responses=answer(_SEARCH))
def post_search(body: SavedSearchRequest, service: ServiceDep, caller: Agent) -> Response:
    """Be told of each record that is alike, once, as soon as it is analysed: by webhooks with `search.*`, by `/v1/events`, and by its matches."""
    wanted = Wanted(body.name, body.text, tuple(body.like), tuple(body.unlike), filter_of(service, body.filter), body.least)
    return to_response(service.saved.create(wanted, caller.name).to_line())


@router.get("", summary="List saved searches", responses=answer({"items": [_SEARCH]}))
def list_searches(service: ServiceDep, _: Agent) -> Response:
    """Return all saved searches, oldest first; `matches` counts the records that matched."""
    return to_response({"items": [search.to_line() for search in service.saved.list()]})


@router.get("/{search_id}", summary="Read a saved search", responses=answer(_SEARCH))
def get_search(search_id: SearchId, service: ServiceDep, _: Agent) -> Response:
    """Return one saved search. It has a `warning` if all its examples were forgotten and it has no text."""
    return to_response(service.saved.get(search_id).to_line())


@router.patch("/{search_id}", summary="Change a saved search", responses=answer(_SEARCH | {"least": 0.7, "disabled_at": "2026-11-02T08:00:00Z"}))
def patch_search(search_id: SearchId, body: SavedSearchChange, service: ServiceDep, _: Agent) -> Response:
    """Change what a search is for, or end and resume its matching. What has matched before does not match again."""
    changes = {name: getattr(body, name) for name in body.model_fields_set}
    changes |= {name: tuple(changes[name]) for name in ("like", "unlike") if name in changes}
    if "filter" in changes:
        changes["filter"] = filter_of(service, body.filter)
    return to_response(service.saved.change(search_id, changes).to_line())


@router.delete("/{search_id}", summary="Delete a saved search", responses=answer({"deleted": 1}))
def delete_search(search_id: SearchId, service: ServiceDep, _: Agent) -> Response:
    """Delete a search with its matches."""
    service.saved.delete(search_id)
    return to_response({"deleted": 1})


@router.get("/{search_id}/matches", summary="List what matched", responses=answer(_MATCHES, "Newest match first"))
def list_matches(
    search_id: SearchId,
    service: ServiceDep,
    _: Agent,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the part before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return part of the records that matched, as they are now. Of those over 48 hours old when received nobody was told: `historical`."""
    found, next_cursor = service.saved.matches(search_id, cursor or None, limit)
    return to_response({"items": [matched.to_json() for matched in found], "next_cursor": next_cursor})
