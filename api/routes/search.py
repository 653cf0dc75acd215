"""Finding what is alike."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from api.bodies import to_response
from api.deps import ServiceDep
from api.queries import documented, filter_of, query_filter
from api.routes.pages import language_of
from api.schemas import LINE, RECORD_ID, SearchRequest, SimilarRequest, answer
from api.security import Agent
from cxnlp.bootstrap import Service
from cxnlp.service import Question

router = APIRouter(prefix="/v1", tags=["search"])
_HIT: Final = {
    "score": 0.83,
    "record": LINE,
    "quote": LINE["observations"][0]["quote"],
    "matched": ["等", "没到"],
    "outcome": {"resolution": "refund", "reply": None, "hours": 26.0, "rating": -1.0},
}
_FOUND: Final = {"hits": [_HIT], "total": 865, "next_cursor": None}
_DESCRIBED: Final = "Nearest first; `total` counts the records that pass the filter"


@router.post("/search", summary="Search by meaning and words", responses=answer(_FOUND, _DESCRIBED))
def post_search(body: SearchRequest, request: Request, service: ServiceDep, _: Agent) -> Response:
    """Return the records that are alike, whatever their language.

    Each says why: `score` is a likeness from 0 to 1, `quote` the words of the record that are nearest, `matched` the words that it shares with the
    question; and what was done about it. A summary (`days`) has its line in the language of Accept-Language, English or Chinese.
    """
    asked = body.model_dump(exclude={"filter"}) | {name: tuple(getattr(body, name)) for name in ("like", "unlike", "facets")}
    return _answer(service, request, Question(**asked, filter=filter_of(service, body.filter)))


@router.post("/similar", summary="Find the like of a record", responses=answer(_FOUND))
def post_similar(body: SimilarRequest, request: Request, service: ServiceDep, _: Agent) -> Response:
    """Return the records most like a stored one, itself left out."""
    asked = body.model_dump(exclude={"id", "filter"}) | {"like": (body.id,), "facets": tuple(body.facets)}
    return _answer(service, request, Question(**asked, filter=filter_of(service, body.filter)))


@router.get("/similar", summary="Find the like of a record", responses=answer(_FOUND), openapi_extra={"parameters": documented()})
def get_similar(
    request: Request,
    service: ServiceDep,
    _: Agent,
    id: Annotated[str, Query(description="Public id of the record.", examples=[RECORD_ID])],
    k: Annotated[int, Query(ge=1, le=1000)] = 10,
    days: Annotated[int | None, Query(ge=1, le=3650, description="Also sum up what is alike in so many last days.")] = None,
) -> Response:
    """Return the records most like a stored one, itself left out."""
    return _answer(service, request, Question(like=(id,), k=k, days=days, filter=query_filter(service, request, ("id", "k", "days"))))


def _answer(service: Service, request: Request, question: Question) -> Response:
    return to_response(service.retrieval.ask(question).to_json(language_of(request)))
