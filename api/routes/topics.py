"""Topics: groups of records, or of clauses, that speak of the same, and what people make of them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from api.bodies import to_response
from api.deps import ServiceDep
from api.routes.fits import accepted
from api.schemas import answer
from api.security import Agent, Analyst
from api.topic_schemas import (
    CHANGE,
    FIT,
    MEMBER,
    QUOTE,
    TOPIC,
    AboutQuery,
    MergeBody,
    MoveBody,
    OnQuery,
    SplitBody,
    TopicChangeBody,
    TopicId,
)
from cxnlp.service.topics.splits import SplitRequest
from cxnlp.service.topics.versions import fit_line, kind_of

router = APIRouter(prefix="/v1/topics", tags=["topics"])


@router.get("", summary="List topics", responses=answer({"items": [TOPIC]}, "The largest first"))
def list_topics(
    service: ServiceDep,
    _: Agent,
    on: OnQuery = "records",
    about: AboutQuery = None,
    muted: Annotated[bool, Query(description="Also those that people muted.")] = False,
    all: Annotated[bool, Query(description="Also muted and merged ones, and those that the active version does not have.")] = False,
) -> Response:
    """Return the topics of the active version, with the words that tell them apart and the number of their records or clauses."""
    found = service.curation.list(kind_of(on, about), muted=muted or all, inactive=all)
    return to_response({"items": [topic.to_line() for topic in found]})


@router.post("/moves", summary="Move records into another topic", responses=answer({"moved": 3}))
def post_moves(body: MoveBody, service: ServiceDep, caller: Analyst) -> Response:
    """Put records, with all their copies, or single clauses into a topic, or into none with `to` null.

    Refits leave them there until their content changes. `moved` counts the copies, too.
    """
    places = [(item.record_id, item.clause) for item in body.items]
    return to_response({"moved": service.curation.move(places, body.to, caller.name, body.about)})


@router.get("/{topic_id}", summary="Read a topic", responses=answer(TOPIC | {"quotes": [QUOTE]}))
def get_topic(topic_id: TopicId, service: ServiceDep, _: Agent) -> Response:
    """Return a topic with what customers said that speaks for it."""
    return to_response(service.curation.describe(topic_id))


@router.patch("/{topic_id}", summary="Rename, mute, nest or pin a topic", responses=answer(TOPIC))
def patch_topic(topic_id: TopicId, body: TopicChangeBody, service: ServiceDep, caller: Analyst) -> Response:
    """Change what a topic is called and where it stands. The id stays, refits keep all of it, and each kind of change can be undone by itself."""
    changes = body.model_dump(include=body.model_fields_set)
    if body.names is not None:
        changes["names"] = body.names.model_dump(include=body.names.model_fields_set)
    return to_response(service.curation.change(topic_id, changes, caller.name).to_line())


@router.get("/{topic_id}/members", summary="List what belongs to a topic", responses=answer({"items": [MEMBER], "next_cursor": None}))
def list_members(
    topic_id: TopicId,
    service: ServiceDep,
    _: Agent,
    order: Annotated[Literal["typical", "newest"], Query(description="The most typical first, or the newest.")] = "typical",
    cursor: Annotated[str | None, Query(description="`next_cursor` of the part before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return part of the records or clauses of a topic, each with its cosine to the middle of the topic."""
    items, next_cursor = service.curation.members(topic_id, cursor or None, limit, newest_first=order == "newest")
    return to_response({"items": list(items), "next_cursor": next_cursor})


@router.post("/{topic_id}/merge", summary="Merge topics into one", responses=answer(TOPIC | {"n": 67}))
def post_merge(topic_id: TopicId, body: MergeBody, service: ServiceDep, caller: Analyst) -> Response:
    """Let the records of other topics belong to this one, now and after every refit. 409 for one that was merged before."""
    return to_response(service.curation.merge(body.topics, topic_id, caller.name).to_line())


@router.post("/{topic_id}/split", summary="Split a topic", status_code=202, responses=accepted(FIT))
def post_split(topic_id: TopicId, body: SplitBody, service: ServiceDep, caller: Analyst) -> Response:
    """Begin to group the records of one topic anew by themselves, as a fit of its own; ask for it at `/v1/topics/fits/{number}`.

    The largest part keeps the id, the others are new topics, and refits keep them apart. 422 for fewer than 20 texts, 409 while a fit runs.
    """
    return to_response(fit_line(service.topics.start_split(SplitRequest(topic_id, body.parts, body.seed), caller.name)), 202)


@router.post("/{topic_id}/undo", summary="Undo the last change of a topic", responses=answer({"undone": [CHANGE]}))
def post_undo(topic_id: TopicId, service: ServiceDep, caller: Analyst) -> Response:
    """Undo what was done last to a topic and still stands; repeated, it goes back further. 409 when nothing is left, or a later merge rests on it."""
    return to_response({"undone": [change.to_line() for change in service.curation.undo(topic_id, caller.name)]})


@router.get("/{topic_id}/history", summary="Who changed a topic", responses=answer({"items": [CHANGE]}, "Newest first"))
def list_history(topic_id: TopicId, service: ServiceDep, _: Agent) -> Response:
    """Return the last 200 changes by people, undone ones too."""
    return to_response({"items": [change.to_line() for change in service.curation.history(topic_id)]})
