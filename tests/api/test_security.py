import os
import socket

import pytest
from conftest import serve
from starlette.requests import Request

from api.security import _is_local, listens_on_loopback_only

ROLES = ("ingest", "agent", "analyst", "admin")
# What the lowest role is that may do it, and how.
NEEDS = {
    ("POST", "/v1/feedback"): "ingest",
    ("POST", "/v1/feedback/bulk"): "ingest",
    ("POST", "/v1/feedback/upload"): "ingest",
    ("POST", "/v1/feedback/r-1/turns"): "ingest",
    ("GET", "/v1/feedback"): "agent",
    ("GET", "/v1/feedback/r-1"): "agent",
    ("POST", "/v1/search"): "agent",
    ("POST", "/v1/similar"): "agent",
    ("GET", "/v1/similar"): "agent",
    ("GET", "/v1/groups"): "agent",
    ("GET", "/v1/searches"): "agent",
    ("POST", "/v1/searches"): "agent",
    ("GET", "/v1/searches/s-1"): "agent",
    ("PATCH", "/v1/searches/s-1"): "agent",
    ("DELETE", "/v1/searches/s-1"): "agent",
    ("GET", "/v1/searches/s-1/matches"): "agent",
    ("POST", "/v1/analyze"): "agent",
    ("GET", "/v1/status"): "agent",
    ("GET", "/v1/taxonomy"): "agent",
    ("GET", "/v1/models"): "agent",
    ("GET", "/v1/charts"): "agent",
    ("GET", "/v1/charts/volume"): "agent",
    ("GET", "/v1/overview"): "agent",
    ("GET", "/v1/topics"): "agent",
    ("GET", "/v1/topics/hierarchy"): "agent",
    ("GET", "/v1/topics/map"): "agent",
    ("GET", "/v1/topics/export"): "agent",
    ("GET", "/v1/topics/t-1"): "agent",
    ("GET", "/v1/topics/t-1/members"): "agent",
    ("GET", "/v1/topics/t-1/history"): "agent",
    ("GET", "/v1/topics/fits"): "agent",
    ("GET", "/v1/topics/fits/1"): "agent",
    ("GET", "/v1/topics/fits/compare?a=1&b=2"): "agent",
    ("GET", "/v1/alerts"): "agent",
    ("GET", "/v1/alerts/a-1"): "agent",
    ("PATCH", "/v1/alerts/a-1"): "agent",
    ("GET", "/v1/series"): "agent",
    ("POST", "/v1/series"): "agent",
    ("GET", "/v1/breakdown?dimension=channel"): "agent",
    ("POST", "/v1/breakdown"): "agent",
    ("GET", "/v1/flags"): "agent",
    ("PATCH", "/v1/flags/f-1"): "agent",
    ("GET", "/v1/rules"): "agent",
    ("GET", "/v1/rules/r"): "agent",
    ("POST", "/v1/rules/test"): "agent",
    ("PUT", "/v1/rules/r"): "analyst",
    ("DELETE", "/v1/rules/r"): "analyst",
    ("GET", "/v1/export"): "agent",
    ("GET", "/metrics"): "agent",
    ("GET", "/v1/events?after=x"): "agent",
    ("PATCH", "/v1/feedback/r-1"): "analyst",
    ("GET", "/v1/models/heads"): "analyst",
    ("GET", "/v1/models/heads/compare?a=none&b=none"): "analyst",
    ("POST", "/v1/models/heads/none+1/activate"): "analyst",
    ("POST", "/v1/models/heads/rollback"): "analyst",
    ("POST", "/v1/models/heads/retrains"): "analyst",
    ("GET", "/v1/models/heads/retrains"): "analyst",
    ("GET", "/v1/models/heads/retrains/j-1"): "analyst",
    ("PATCH", "/v1/topics/t-1"): "analyst",
    ("POST", "/v1/topics/moves"): "analyst",
    ("POST", "/v1/topics/t-1/merge"): "analyst",
    ("POST", "/v1/topics/t-1/split"): "analyst",
    ("POST", "/v1/topics/t-1/undo"): "analyst",
    ("POST", "/v1/topics/fits"): "analyst",
    ("DELETE", "/v1/topics/fits/1"): "analyst",
    ("POST", "/v1/topics/fits/1/activate"): "analyst",
    ("POST", "/v1/topics/fits/rollback"): "analyst",
    ("DELETE", "/v1/feedback/r-1"): "admin",
    ("DELETE", "/v1/feedback"): "admin",
    ("GET", "/v1/webhooks"): "admin",
    ("POST", "/v1/webhooks"): "admin",
    ("DELETE", "/v1/webhooks/w-1"): "admin",
    ("POST", "/v1/webhooks/w-1/test"): "admin",
    ("POST", "/v1/webhooks/w-1/replay"): "admin",
    ("POST", "/v1/webhooks/w-1/rotate"): "admin",
    ("GET", "/v1/keys"): "admin",
    ("POST", "/v1/keys"): "admin",
    ("DELETE", "/v1/keys/k-1"): "admin",
}


def request(host, **headers):
    sent = [(b"host", host.encode()), *((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())]
    return Request(
        {"type": "http", "method": "POST", "scheme": "http", "path": "/", "query_string": b"", "headers": sent, "server": ("127.0.0.1", 1)}
    )


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "localhost:8000", "[::1]:8000", "127.0.0.2"])
def test_a_loopback_host_is_local(host):
    assert _is_local(request(host))


@pytest.mark.parametrize("host", ["", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.168.0.4:8000", "[::ffff", "0.0.0.0"])
def test_any_other_host_is_not(host):
    assert not _is_local(request(host))


def test_a_page_from_elsewhere_is_not_local():
    assert _is_local(request("localhost:8000", origin="http://localhost:8000"))
    for origin in ("http://evil.example", "http://localhost:9999", "https://localhost:8000", "null"):
        assert not _is_local(request("localhost:8000", origin=origin))


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded", "via", "x_real_ip"])
def test_what_a_proxy_passes_on_is_not_local(header):
    assert not _is_local(request("localhost", **{header: "203.0.113.9"}))


@pytest.mark.parametrize(("addresses", "expected"), [((), False), (("127.0.0.1",), True), (("127.0.0.1", "0.0.0.0"), False), (("::",), False)])
def test_the_sockets_tell_who_can_reach_this_process(addresses, expected, monkeypatch):
    opened = [socket.create_server((a, 0), family=socket.AF_INET6 if ":" in a else socket.AF_INET) for a in addresses]
    monkeypatch.setattr("api.security._open_files", lambda: [s.fileno() for s in opened] + [0, 1, os.sysconf("SC_OPEN_MAX") + 1])
    listens_on_loopback_only.cache_clear()
    try:
        assert listens_on_loopback_only() is expected
    finally:
        listens_on_loopback_only.cache_clear()
        for found in opened:
            found.close()


@pytest.mark.slow
def test_on_loopback_no_key_is_needed_unless_a_page_has_rebound_its_name(client):
    assert client.get("/v1/status").status_code == 200
    assert client.get("/v1/status", headers={"host": "localhost"}).status_code == 200
    answer = client.get("/v1/status", headers={"host": "rebound.example"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert client.get("/v1/status", headers={"x-api-key": "cxk_wrong"}).status_code == 401
    assert client.delete("/v1/feedback?customer=c-1", headers={"origin": "http://evil.example"}).status_code == 401


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("guarded"), auth="required") as server:
        yield server


@pytest.fixture(scope="module")
def secrets(guarded):
    return {role: guarded.service.store.keys.create(f"the {role}", role)[1] for role in ROLES}


@pytest.mark.slow
def test_every_route_needs_its_role(guarded, secrets):
    with guarded.client() as client:
        documented = client.get("/openapi.json").json()["paths"]
        open_to_all = {"/healthz", "/readyz"}
        assert sum(len(methods) for path, methods in documented.items() if path not in open_to_all) == len(NEEDS)
        for (method, path), needed in NEEDS.items():
            assert client.request(method, path).status_code == 401, path
            for role in ROLES:
                may = ROLES.index(role) >= ROLES.index(needed)
                status = client.request(method, path, headers={"authorization": f"Bearer {secrets[role]}"}).status_code
                assert (status != 403 and status != 401) is may, (method, path, role, status)


@pytest.mark.slow
def test_keys_are_taken_in_both_headers_until_they_are_revoked(guarded, secrets):
    with guarded.client() as client:
        admin = {"x-api-key": secrets["admin"]}
        made = client.post("/v1/keys", json={"name": "for a while", "role": "agent"}, headers=admin).json()
        for headers in ({"x-api-key": made["secret"]}, {"authorization": f"bearer {made['secret']}"}):
            assert client.get("/v1/status", headers=headers).status_code == 200
        assert made["secret"] not in client.get("/v1/keys", headers=admin).text
        assert client.delete(f"/v1/keys/{made['id']}", headers=admin).json() == {"revoked": 1}
        assert client.get("/v1/status", headers={"x-api-key": made["secret"]}).status_code == 401
        assert client.get("/healthz").status_code == 200
    assert made["secret"] not in guarded.log


@pytest.mark.slow
def test_bound_to_all_addresses_a_key_is_needed_even_from_here(bare):
    with bare.client() as client:
        assert client.get("/v1/status", headers={"host": "localhost"}).status_code == 401
        secret = bare.service.store.keys.create("x", "agent")[1]
        assert client.get("/v1/status", headers={"x-api-key": secret}).status_code == 200
