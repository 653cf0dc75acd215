"""Fits of topics: jobs while they run, versions when they are done."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.bodies import to_response
from api.deps import ServiceDep
from api.queries import filter_of
from api.schemas import answer
from api.security import Agent, Analyst
from api.topic_schemas import COMPARISON, FIT, FIT_DONE, AboutQuery, FitBody, FitNumber, OnQuery
from cxnlp.service.topics.model import FitRequest
from cxnlp.service.topics.versions import fit_line, kind_of

router = APIRouter(prefix="/v1/topics/fits", tags=["topics"])


def accepted(example: Any) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of an answer that says a job was begun."""
    return {202: answer(example, "Begun; ask for it by its number")[200]}


@router.post("", summary="Fit topics", status_code=202, responses=accepted(FIT))
def post_fit(body: FitBody, service: ServiceDep, caller: Analyst) -> Response:
    """Begin to group records or clauses anew, in a process of its own; topics that are found again keep their id, names and merges.

    422 with fewer than 20 records; 409, saying which, while another fit runs. The active version stays as it is until the fit is done.
    """
    request = FitRequest(
        kind_of(body.on, body.about),
        filter_of(service, body.filter),
        body.n_topics,
        body.min_topic_size,
        body.outlier_share,
        body.seed,
        body.activate,
    )
    return to_response(fit_line(service.topics.start(request, caller.name)), 202)


@router.get("", summary="List fits", responses=answer({"items": [FIT, FIT_DONE]}, "Newest first"))
def list_fits(service: ServiceDep, _: Agent, on: OnQuery = "records", about: AboutQuery = None) -> Response:
    """Return the last 100 fits, those of the command line too; `active` is true for the one that records have their topics of."""
    return to_response({"items": [fit_line(fit) for fit in service.store.topic_fits.list(kind_of(on, about))]})


@router.get("/compare", summary="Compare two fits", responses=answer(COMPARISON))
def compare_fits(
    service: ServiceDep,
    _: Agent,
    a: Annotated[int, Query(description="Number of a fit.", examples=[2])],
    b: Annotated[int, Query(description="Number of another of the same kind.", examples=[3])],
    cursor: Annotated[str | None, Query(description="`next_cursor` of the part before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return what is new, gone, grown, shrunk, split and merged in the second, and part of the texts that have another topic there."""
    return to_response(service.topics.versions.compare(a, b, cursor or None, limit).to_json())


@router.post("/rollback", summary="Undo the last activation", responses=answer(FIT_DONE))
def rollback_fit(service: ServiceDep, caller: Analyst, on: OnQuery = "records", about: AboutQuery = None) -> Response:
    """Make the fit that was active before the present one active again. 409 when there is none."""
    return to_response(fit_line(service.topics.versions.rollback(kind_of(on, about), caller.name)))


@router.get("/{number}", summary="Read a fit", responses=answer(FIT))
def get_fit(number: FitNumber, service: ServiceDep, _: Agent) -> Response:
    """Return how far a fit is, or what it found. States: running, done, failed, cancelled, interrupted (its process was killed; start it again)."""
    return to_response(fit_line(service.store.topic_fits.get(number)))


@router.delete("/{number}", summary="Cancel a fit", responses=answer(FIT))
def delete_fit(number: FitNumber, service: ServiceDep, caller: Analyst) -> Response:
    """Ask for the end of a fit that runs, in whatever process; it is `cancelled` within seconds. 409 for one that does not run."""
    return to_response(fit_line(service.store.topic_fits.cancel(number, caller.name)))


@router.post("/{number}/activate", summary="Use the topics of a fit", responses=answer(FIT_DONE))
def activate_fit(number: FitNumber, service: ServiceDep, caller: Analyst) -> Response:
    """Let all records, also those that came after the fit, belong to its topics, in all processes at once. 409 for one that is not done."""
    return to_response(fit_line(service.topics.versions.activate(number, caller.name)))
