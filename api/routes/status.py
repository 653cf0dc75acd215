"""How far the work has come, and what it is done with."""

from contextlib import suppress
from typing import Final

from fastapi import APIRouter, Response

from api.bodies import to_response
from api.deps import ServiceDep
from api.schemas import answer
from api.security import Agent
from cxnlp import __version__
from cxnlp.bootstrap import Service
from cxnlp.errors import ArtefactError, Conflict
from cxnlp.service.cards import read_cards
from cxnlp.service.monitoring import Watched, watch
from cxnlp.text.clauses import SPLITTER_VERSION

router = APIRouter(prefix="/v1", tags=["status"])
_COUNTS: Final = {"records": 865, "analyzed": 865, "indexed": 865, "pending": 0, "failed": 0}
_STATUS: Final = _COUNTS | {"model": "cxnlp-zh-en-2", "warnings": [], "version": __version__}


def count_records(service: Service) -> dict[str, int]:
    """Return the numbers of records by what became of them."""
    statistics = service.store.feedback.statistics()
    try:
        n_indexed = service.retrieval.n_indexed
    except ArtefactError:  # without an encoder there is no index, and all the rest works
        n_indexed = 0
    return {
        "records": statistics.records,
        "analyzed": statistics.analyzed,
        "indexed": n_indexed,
        "pending": statistics.pending,
        "failed": statistics.failed,
    }


def watch_all(service: Service) -> Watched:
    """Return how things stand."""
    view = None
    with suppress(ArtefactError):  # without an encoder there is no index
        view = service.view
    return watch(service.store, view)


@router.get("/status", summary="How far the work has come", responses=answer(_STATUS))
def get_status(service: ServiceDep, _: Agent) -> Response:
    """Return how many records there are, are analysed, can be found in this process, wait, and could not be analysed, and what analyses them."""
    model, warnings = None, []
    with suppress(ArtefactError):
        active = service.versions.active()
        model, warnings = active.id, [active.warning] if active.warning else []
        try:
            service.store.generations.check(service.encoder.id, SPLITTER_VERSION)
        except Conflict as conflict:
            warnings.append(str(conflict))
    return to_response(count_records(service) | {"model": model, "warnings": warnings, "version": __version__})


@router.get("/taxonomy", summary="What feedback is sorted into", responses=answer({"version": 1, "stages": [], "touchpoints": [], "causes": []}))
def get_taxonomy(service: ServiceDep, _: Agent) -> Response:
    """Return stages, touchpoints, causes, intents and risks with their names in Chinese and English."""
    return to_response(service.taxonomy.to_json())


@router.get("/models", summary="What the models say of themselves", responses=answer({"models": [{"name": "cxnlp-zh-en-2", "metrics": {}}]}))
def get_models(service: ServiceDep, _: Agent) -> Response:
    """Return the cards of the models: from what they were made, and how well they do."""
    return to_response({"models": read_cards(service.settings.models_dir)})
