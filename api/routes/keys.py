"""API keys."""

from typing import Any

from fastapi import APIRouter, Response

from api.bodies import to_response
from api.deps import ServiceDep
from api.schemas import KeyRequest, answer
from api.security import Admin
from cxnlp.lines import to_iso
from cxnlp.store import ApiKey

router = APIRouter(prefix="/v1/keys", tags=["keys"])
_KEY = {"id": "k-0a1b2c3d4e5f", "name": "dashboard", "role": "agent", "created_at": "2026-11-01T09:30:00Z", "revoked_at": None}


@router.post("", summary="Make a key", responses=answer(_KEY | {"secret": "cxk_..."}, "The secret is shown this once"))
def post_key(body: KeyRequest, service: ServiceDep, _: Admin) -> Response:
    """Make a key. Roles: ingest may send feedback, agent also read and search, analyst also correct, admin everything."""
    key, secret = service.store.keys.create(body.name, body.role)
    return to_response(_line(key) | {"secret": secret})


@router.get("", summary="List keys", responses=answer({"items": [_KEY]}))
def list_keys(service: ServiceDep, _: Admin) -> Response:
    """Return all keys without their secrets, the revoked ones too."""
    return to_response({"items": [_line(key) for key in service.store.keys.list()]})


@router.delete("/{key_id}", summary="Revoke a key", responses=answer({"revoked": 1}))
def delete_key(key_id: str, service: ServiceDep, _: Admin) -> Response:
    """Make a key invalid from now on."""
    service.store.keys.revoke(key_id)
    return to_response({"revoked": 1})


def _line(key: ApiKey) -> dict[str, Any]:
    revoked_at = to_iso(key.revoked_at) if key.revoked_at else None
    return {"id": key.id, "name": key.name, "role": key.role, "created_at": to_iso(key.created_at), "revoked_at": revoked_at}
