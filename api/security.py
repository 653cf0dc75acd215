"""Who may do what: API keys with roles, and when none is needed."""

import ipaddress
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.concurrency import run_in_threadpool

from cxnlp.bootstrap import Service
from cxnlp.errors import Forbidden, Unauthorized
from cxnlp.store.keys import ROLES

_LOCAL: Final = "local"
_BEARER: Final = "bearer "
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via")  # a proxy on this machine speaks for somebody elsewhere
# They only tell the documentation how keys are sent; `_secret` reads them.
_Bearer = Annotated[object, Security(HTTPBearer(auto_error=False, bearerFormat="cxk_..."))]
_Header = Annotated[object, Security(APIKeyHeader(name="X-API-Key", auto_error=False))]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request.

    Attributes:
        name: Of the key; `local` without one.
        role: One of `cxnlp.store.keys.ROLES`.
    """

    name: str
    role: str


def requires(role: str) -> Callable[..., Awaitable[Caller]]:
    """Return the dependency that lets callers of at least `role` pass.

    Every role may do what those before it in `cxnlp.store.keys.ROLES` may.
    """

    async def authorize(request: Request, _bearer: _Bearer, _header: _Header) -> Caller:
        caller = await _identify(request)
        if ROLES.index(caller.role) < ROLES.index(role):
            raise Forbidden(f"the key {caller.name!r} has the role {caller.role}; this needs {role}")
        return caller

    return authorize


Ingest = Annotated[Caller, Depends(requires("ingest"))]
Agent = Annotated[Caller, Depends(requires("agent"))]
Analyst = Annotated[Caller, Depends(requires("analyst"))]
Admin = Annotated[Caller, Depends(requires("admin"))]


async def _identify(request: Request) -> Caller:
    """Return who sent a request.

    Raises:
        Unauthorized: The key is unknown or revoked, or there is none where one is needed.
    """
    service: Service = request.app.state.service
    if secret := _secret(request):
        key = await run_in_threadpool(service.store.keys.verify, secret)
        if key is None:
            raise Unauthorized("the API key is unknown or revoked; make one with: cxnlp keys create NAME --role ROLE")
        return Caller(key.name, key.role)
    if service.settings.auth == "auto" and listens_on_loopback_only() and _is_local(request):
        return Caller(_LOCAL, ROLES[-1])
    raise Unauthorized("an API key is needed; send it as Authorization: Bearer cxk_... or X-API-Key")


def _secret(request: Request) -> str:
    authorization = request.headers.get("authorization", "")
    if authorization[: len(_BEARER)].lower() == _BEARER:
        return authorization[len(_BEARER) :].strip()
    return request.headers.get("x-api-key", "").strip()


def _is_local(request: Request) -> bool:
    """Tell whether a request is meant for this machine and was not sent by a page from elsewhere.

    The Host header of a page that has rebound its name (DNS rebinding) is that name; a page that posts across origins names itself in Origin.
    """
    host = request.headers.get("host", "")
    if not _is_loopback(_name(host)) or any(name in request.headers for name in _FORWARDED):
        return False
    origin = request.headers.get("origin")
    return origin is None or origin == f"{request.url.scheme}://{host}"


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@cache
def listens_on_loopback_only() -> bool:
    """Tell whether all sockets on which this process listens are bound to loopback addresses.

    The sockets are asked, not the settings, since they cannot be wrong; where they cannot be listed or there are none, the answer is no.
    """
    bound = [address for fd in _open_files() if (address := _listening(fd)) is not None]
    return bool(bound) and all(_is_loopback(address) for address in bound)


def _open_files() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/dev/fd")]
    except OSError:
        return []


def _listening(fd: int) -> str | None:
    """Return the address on which a file descriptor listens; None if it does not."""
    try:
        with socket.socket(fileno=os.dup(fd)) as found:
            if not found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                return None
            if found.family not in (socket.AF_INET, socket.AF_INET6):
                return "a socket in the file system"
            return str(found.getsockname()[0])
    except OSError:
        return None
