"""Webhooks: who is told of events."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Response

from api.bodies import to_response
from api.deps import ServiceDep
from api.schemas import RotationRequest, WebhookRequest, answer
from api.security import Admin
from cxnlp.lines import to_iso
from cxnlp.service import WantedWebhook
from cxnlp.store import Webhook

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
_WEBHOOK: Final[dict[str, Any]] = {
    "id": "w-0a1b2c3d4e5f6071",
    "url": "https://example.com/hooks/cxnlp",
    "events": ["flag.*"],
    "format": "standard",
    "language": "en",
    "filter": {},
    "created_at": "2026-11-01T09:30:00Z",
    "disabled_at": None,
    "old_secret_until": None,
}


@router.post("", summary="Add a webhook", responses=answer(_WEBHOOK | {"secret": "whsec_..."}, "The secret is shown this once"))
def post_webhook(body: WebhookRequest, service: ServiceDep, _: Admin) -> Response:
    """Tell a URL of events from now on, each at least once: signed by the Standard Webhooks scheme, or as a chat's bot or a mailbox takes it."""
    webhook = service.webhooks.create(WantedWebhook(body.url, body.events, body.format, body.language, body.filter, body.secret))
    return to_response(_line(webhook) | {"secret": webhook.secret or None})


@router.get("", summary="List webhooks", responses=answer({"items": [_WEBHOOK]}))
def list_webhooks(service: ServiceDep, _: Admin) -> Response:
    """Return all webhooks without their secrets."""
    return to_response({"items": [_line(webhook) for webhook in service.webhooks.list()]})


@router.delete("/{webhook_id}", summary="Delete a webhook", responses=answer({"deleted": 1}))
def delete_webhook(webhook_id: str, service: ServiceDep, _: Admin) -> Response:
    """Tell a URL nothing more, not even what it still was to be told."""
    service.webhooks.delete(webhook_id)
    return to_response({"deleted": 1})


@router.post("/{webhook_id}/rotate", summary="Replace the secret", responses=answer(_WEBHOOK | {"secret": "whsec_..."}, "Shown this once"))
def rotate_webhook(webhook_id: str, service: ServiceDep, _: Admin, body: Annotated[RotationRequest | None, Body()] = None) -> Response:
    """Make a new secret; for 24 hours messages bear a signature of each, so that the receiver can change over without a gap."""
    webhook = service.webhooks.rotate(webhook_id, body.secret if body else None)
    return to_response(_line(webhook) | {"secret": webhook.secret})


@router.post("/{webhook_id}/test", summary="Try a webhook", responses=answer({"delivered": True, "status": 200, "error": None}))
def test_webhook(webhook_id: str, service: ServiceDep, _: Admin) -> Response:
    """Send a `webhook.ping` now and return how it ended."""
    found = service.webhooks.test(webhook_id)
    return to_response({"delivered": found.error is None, "status": found.status, "error": found.error})


@router.post("/{webhook_id}/replay", summary="Try again what was given up", responses=answer({"replayed": 0}))
def replay_webhook(webhook_id: str, service: ServiceDep, _: Admin) -> Response:
    """Queue the messages again that could not be delivered."""
    return to_response({"replayed": service.webhooks.replay(webhook_id)})


def _line(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": list(webhook.events),
        "format": webhook.format,
        "language": webhook.language,
        "filter": dict(webhook.filter),
        "created_at": to_iso(webhook.created_at),
        "disabled_at": to_iso(webhook.disabled_at) if webhook.disabled_at else None,
        "old_secret_until": to_iso(webhook.old_secret_until) if webhook.old_secret_until else None,
    }
