"""Finding by meaning."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from api.bodies import to_response
from api.deps import ServiceDep
from api.queries import documented, filter_of, query_filter
from api.schemas import LINE, RECORD_ID, SearchRequest, SimilarRequest, answer
from api.security import Agent
from cxnlp.service import Found

router = APIRouter(prefix="/v1", tags=["search"])
_FOUND: Final = {"hits": [{"score": 0.83, "record": LINE, "quote": LINE["observations"][0]["quote"]}], "total": 865}


@router.post("/search", summary="Search by meaning", responses=answer(_FOUND, "Nearest first; `total` counts the records that pass the filter"))
def post_search(body: SearchRequest, service: ServiceDep, _: Agent) -> Response:
    """Return the records nearest in meaning to a text, whatever their language, each with the words that are nearest."""
    return _respond(service.retrieval.search(body.text, body.k, filter_of(service, body.filter)))


@router.post("/similar", summary="Find the like of a record", responses=answer(_FOUND))
def post_similar(body: SimilarRequest, service: ServiceDep, _: Agent) -> Response:
    """Return the records nearest to a stored one, itself left out."""
    return _respond(service.retrieval.similar(body.id, body.k, filter_of(service, body.filter)))


@router.get("/similar", summary="Find the like of a record", responses=answer(_FOUND), openapi_extra={"parameters": documented()})
def get_similar(
    request: Request,
    service: ServiceDep,
    _: Agent,
    id: Annotated[str, Query(description="Public id of the record.", examples=[RECORD_ID])],
    k: Annotated[int, Query(ge=1, le=1000)] = 10,
) -> Response:
    """Return the records nearest to a stored one, itself left out."""
    return _respond(service.retrieval.similar(id, k, query_filter(service, request, ("id", "k"))))


def _respond(found: Found) -> Response:
    return to_response({"hits": [hit.to_json() for hit in found.hits], "total": found.total})
