"""Webhooks: who is told of events."""

from typing import Any, Final

from fastapi import APIRouter, Response

from api.bodies import to_response
from api.deps import ServiceDep
from api.schemas import WebhookRequest, answer
from api.security import Admin
from cxnlp.lines import to_iso
from cxnlp.store import Webhook

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
_WEBHOOK: Final = {
    "id": "w-0a1b2c3d4e5f6071",
    "url": "https://example.com/hooks/cxnlp",
    "events": ["flag.*"],
    "created_at": "2026-11-01T09:30:00Z",
    "disabled_at": None,
}


@router.post("", summary="Add a webhook", responses=answer(_WEBHOOK | {"secret": "whsec_..."}, "The secret is shown this once"))
def post_webhook(body: WebhookRequest, service: ServiceDep, _: Admin) -> Response:
    """Tell a URL of events from now on, signed by the Standard Webhooks scheme, each at least once."""
    webhook = service.delivery.create_webhook(body.url, body.events)
    return to_response(_line(webhook) | {"secret": webhook.secret})


@router.get("", summary="List webhooks", responses=answer({"items": [_WEBHOOK]}))
def list_webhooks(service: ServiceDep, _: Admin) -> Response:
    """Return all webhooks without their secrets."""
    return to_response({"items": [_line(webhook) for webhook in service.delivery.list_webhooks()]})


@router.delete("/{webhook_id}", summary="Delete a webhook", responses=answer({"deleted": 1}))
def delete_webhook(webhook_id: str, service: ServiceDep, _: Admin) -> Response:
    """Tell a URL nothing more, not even what it still was to be told."""
    service.delivery.delete_webhook(webhook_id)
    return to_response({"deleted": 1})


@router.post("/{webhook_id}/test", summary="Try a webhook", responses=answer({"delivered": True, "status": 200, "error": None}))
def test_webhook(webhook_id: str, service: ServiceDep, _: Admin) -> Response:
    """Send a `webhook.ping` now and return how it ended."""
    found = service.delivery.test_webhook(webhook_id)
    return to_response({"delivered": found.error is None, "status": found.status, "error": found.error})


@router.post("/{webhook_id}/replay", summary="Try again what was given up", responses=answer({"replayed": 0}))
def replay_webhook(webhook_id: str, service: ServiceDep, _: Admin) -> Response:
    """Queue the messages again that could not be delivered."""
    return to_response({"replayed": service.delivery.replay(webhook_id)})


def _line(webhook: Webhook) -> dict[str, Any]:
    disabled_at = to_iso(webhook.disabled_at) if webhook.disabled_at else None
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": list(webhook.events),
        "created_at": to_iso(webhook.created_at),
        "disabled_at": disabled_at,
    }
