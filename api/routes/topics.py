"""Topics: groups of records that speak of the same."""

from typing import Any, Final

from fastapi import APIRouter, Response

from api.bodies import to_response
from api.deps import ServiceDep
from api.schemas import answer
from api.security import Agent

router = APIRouter(prefix="/v1", tags=["topics"])
_TOPIC: Final[dict[str, Any]] = {"id": "t-17", "label": "快递 延误", "words": ["快递", "延误", "物流"], "n": 41}


@router.get("/topics", summary="List topics", responses=answer({"items": [_TOPIC]}, "The largest first"))
def list_topics(service: ServiceDep, _: Agent) -> Response:
    """Return the topics of the active fit, with the words that tell them apart and the number of their records."""
    found = service.store.topics.list()
    return to_response({"items": [{"id": topic.id, "label": topic.label, "words": list(topic.words), "n": topic.n} for topic in found]})
