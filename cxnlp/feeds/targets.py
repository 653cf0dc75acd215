"""Whom a webhook may call, and the call itself: to the address that was checked, whatever the name means a moment later."""

import ipaddress
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import httpx

from cxnlp.errors import InvalidInput, shorten

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_MOST_URL: Final = 2_000
_MOST_ADDRESSES: Final = 3
_MOST_REASON: Final = 200
_MOST_READ: Final = 4_096


@dataclass(frozen=True, slots=True)
class Target:
    """An address that may be called.

    Attributes:
        url: As given.
        addresses: What its host means now, all of them allowed; at least one.
    """

    url: httpx.URL
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call ended.

    Attributes:
        status: HTTP status; None where there was no answer.
        error: What went wrong; None after a status of 200 to 299.
    """

    status: int | None
    error: str | None


def check_target(url: str, allow_private: bool) -> Target:
    """Resolve the host of a URL and return it with its addresses, if all of them may be called.

    Loopback, private and shared addresses need `allow_private`; link-local (where clouds keep their credentials), multicast, reserved and
    unspecified ones are never called.

    Raises:
        InvalidInput: The URL cannot be used, its host is unknown, or an address may not be called; the message says what to do.
    """
    parsed = _parse(url)
    try:
        found = socket.getaddrinfo(parsed.host, parsed.port or (443 if parsed.scheme == "https" else 80), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise InvalidInput(f"the host of {shorten(url)!r} cannot be resolved; check its spelling and the name server") from None
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        _check_address(url, address, allow_private)
    return Target(parsed, addresses)


def post(
    client: httpx.Client, target: Target, content: bytes, headers: Mapping[str, str], judge: Callable[[bytes], str | None] | None = None
) -> Answer:
    """Send a message to one of the addresses of a target; redirects are not followed.

    Args:
        client: For this target only, since a connection that is kept is known by its address.
        target: As `check_target` has just returned it.
        content: The body.
        headers: That go with it; Host and the name for TLS come from the URL.
        judge: Given the first 4 KiB of a body that came with a status of 200 to 299, tells what went wrong all the same; else no body is read.
    """
    answer = Answer(None, "no address")
    for address in target.addresses[:_MOST_ADDRESSES]:
        try:
            request = client.build_request(
                "POST",
                target.url.copy_with(host=address),
                content=content,
                headers={**headers, "host": target.url.netloc.decode("ascii")},
                extensions={"sni_hostname": target.url.raw_host.decode("ascii")},
            )
            response = client.send(request, stream=True, follow_redirects=False)
            body = _head(response) if judge and response.is_success else b""
            response.close()
        except httpx.ConnectError as error:
            answer = Answer(None, _explain(error))
            continue
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Answer(None, _explain(error))
        if not response.is_success:
            return Answer(response.status_code, f"HTTP {response.status_code}")
        failure = judge(body) if judge else None
        return Answer(response.status_code, failure and failure[:_MOST_REASON])
    return answer


def _head(response: httpx.Response) -> bytes:
    read = b""
    for part in response.iter_bytes(_MOST_READ):
        read += part
        if len(read) >= _MOST_READ:
            break
    return read[:_MOST_READ]


def _parse(url: str) -> httpx.URL:
    shown = shorten(url)
    try:
        parsed = httpx.URL(url if len(url) <= _MOST_URL else "")
    except (httpx.InvalidURL, UnicodeError):
        raise InvalidInput(f"url is {shown!r}, which cannot be read; write https://host/path") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidInput(f"url is {shown!r}; write https://host/path or http://host/path, up to {_MOST_URL} characters")
    if parsed.userinfo:
        raise InvalidInput("url holds a user or password; leave them out, the signature shows who calls")
    return parsed.copy_with(fragment=None)


def _check_address(url: str, address: str, allow_private: bool) -> None:
    ip = _innermost(ipaddress.ip_address(address.partition("%")[0]))
    never = ip.is_link_local or ip.is_multicast or ip.is_unspecified or (ip.is_reserved and not ip.is_loopback)
    if never:
        raise InvalidInput(f"{shorten(url)!r} leads to {address}, which webhooks never call; use a public address")
    if not allow_private and not _is_public(ip):
        raise InvalidInput(f"{shorten(url)!r} leads to the private address {address}; use a public one, or set CXNLP_WEBHOOK_ALLOW_PRIVATE=true")


def _is_public(ip: _Address) -> bool:
    return ip.is_global and not (isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local)


def _innermost(ip: _Address) -> _Address:
    # An IPv4 address that travels within an IPv6 one is what is called in the end.
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else ip)
    return ip


def _explain(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_MOST_REASON]
