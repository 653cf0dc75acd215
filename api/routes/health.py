"""What a supervisor and Prometheus ask."""

from fastapi import APIRouter, Request, Response

from api.bodies import to_response
from api.deps import ServiceDep
from api.metrics import Metrics
from api.schemas import PROBLEM, answer
from api.security import Agent
from cxnlp.service.cards import read_card

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Whether the process lives", responses=answer({"status": "ok"}))
async def get_health() -> Response:
    """Answer, and touch nothing else."""
    return to_response({"status": "ok"})


@router.get("/readyz", summary="Whether it can work", responses=answer({"status": "ready"}) | {503: PROBLEM})
def get_readiness(service: ServiceDep) -> Response:
    """Check that the store can be reached and the model files are there."""
    service.store.events.last_seq()
    read_card(service.settings.heads or service.settings.models_dir / "heads")
    service.encoder  # noqa: B018  (reads its files, once)
    return to_response({"status": "ready"})


@router.get("/metrics", summary="Metrics for Prometheus", responses={200: {"description": "Text format", "content": {"text/plain": {}}}})
def get_metrics(request: Request, _: Agent) -> Response:
    """Return requests with their latency, how far the work has come, sentiment, flags, alerts, and how far readers and webhooks lag."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.render(), media_type="text/plain; version=0.0.4")
