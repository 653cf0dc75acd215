import shutil
import socket
import ssl
import subprocess
import threading

import httpx
import pytest

from cxnlp.errors import InvalidInput
from cxnlp.feeds import targets
from cxnlp.feeds.targets import Target, check_target, post


def resolve_to(monkeypatch, *addresses):
    def answer(host, port, **_):
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses]
        return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for family, address in zip(families, addresses, strict=True)]

    monkeypatch.setattr(targets.socket, "getaddrinfo", answer)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.3.4", "192.168.1.1", "100.64.0.1", "198.18.0.1", "::1", "fd00::1", "fec0::1",
        "::ffff:127.0.0.1", "::ffff:10.1.1.1", "64:ff9b::7f00:1", "2002:7f00:1::",
    ],
)  # fmt: skip
def test_private_addresses_are_refused_with_the_remedy_and_may_be_allowed(monkeypatch, address):
    resolve_to(monkeypatch, address)
    with pytest.raises(InvalidInput, match="CXNLP_WEBHOOK_ALLOW_PRIVATE=true"):
        check_target("https://hooks.example/x", allow_private=False)
    assert check_target("https://hooks.example/x", allow_private=True).addresses == (address,)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fe80::1%eth0", "224.0.0.1", "ff02::1", "0.0.0.0", "::", "240.0.0.1", "255.255.255.255", "::ffff:169.254.169.254"]
)
def test_link_local_multicast_and_reserved_addresses_are_never_called(monkeypatch, address):
    resolve_to(monkeypatch, address)
    with pytest.raises(InvalidInput, match="never call"):
        check_target("https://hooks.example/x", allow_private=True)


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch):
    resolve_to(monkeypatch, "93.184.216.34", "192.168.0.7")
    with pytest.raises(InvalidInput, match=r"192\.168\.0\.7"):
        check_target("https://hooks.example/x", allow_private=False)


def test_public_addresses_are_allowed(monkeypatch):
    resolve_to(monkeypatch, "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946")
    target = check_target("https://hooks.example:8443/x?y=1#z", allow_private=False)
    assert (str(target.url), len(target.addresses)) == ("https://hooks.example:8443/x?y=1", 2)


@pytest.mark.parametrize("url", ["http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://localhost:9/", "http://[::1]/"])
def test_other_ways_to_write_loopback_are_refused(url):
    with pytest.raises(InvalidInput):
        check_target(url, allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "https://",
        "https://me:pw@hooks.example/",
        "http://h:99999/",
        "http://a\x00b/",
        "h" * 9999,
    ],
)
def test_urls_that_cannot_be_called_are_refused(url):
    with pytest.raises(InvalidInput):
        check_target(url, allow_private=True)


def test_password_is_not_repeated():
    with pytest.raises(InvalidInput) as caught:
        check_target("https://me:hunter2@hooks.example/", allow_private=True)
    assert "hunter2" not in str(caught.value)


def test_unknown_hosts_are_refused(monkeypatch):
    def fail(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(targets.socket, "getaddrinfo", fail)
    with pytest.raises(InvalidInput, match="cannot be resolved"):
        check_target("https://nowhere.invalid/", allow_private=True)


def read_request(connection):
    """Read to the end of the body: a connection closed with something unread is reset, and the answer is lost."""
    received = b""
    while not received.endswith(b"\r\n\r\n{}"):
        part = connection.recv(65536)
        if not part:
            break
        received += part
    return received


def serve_once(family, address):
    """Listen, keep the first request, answer 204; return (port, list that receives the request)."""
    listener = socket.socket(family)
    listener.bind((address, 0))
    listener.listen()
    requests = []

    def answer():
        connection, _ = listener.accept()
        with connection, listener:
            requests.append(read_request(connection))
            connection.sendall(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    return listener.getsockname()[1], requests, thread


def test_call_goes_to_the_checked_address_under_the_name_of_the_url():
    port, requests, thread = serve_once(socket.AF_INET, "127.0.0.1")
    target = Target(httpx.URL(f"http://hooks.example:{port}/in?a=1"), ("127.0.0.1",))
    with httpx.Client(trust_env=False) as client:
        assert post(client, target, b"{}", {"webhook-id": "evt_1"}).status == 204
    thread.join(5)
    head = requests[0].lower()
    assert head.startswith(b"post /in?a=1 ")
    assert f"host: hooks.example:{port}\r\n".encode() in head
    assert head.count(b"\r\nhost:") == 1


def test_next_address_is_tried_when_one_refuses():
    with socket.socket() as closed:
        closed.bind(("127.0.0.2", 0))
        port, requests, thread = serve_once(socket.AF_INET, "127.0.0.1")
        target = Target(httpx.URL(f"http://hooks.example:{port}/"), ("127.0.0.2", "127.0.0.1"))
        with httpx.Client(trust_env=False) as client:
            assert post(client, target, b"{}", {}).error is None
    thread.join(5)
    assert len(requests) == 1


def test_literal_ipv6_address_can_be_called():
    try:
        port, requests, thread = serve_once(socket.AF_INET6, "::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    with httpx.Client(trust_env=False) as client:
        assert post(client, check_target(f"http://[::1]:{port}/", allow_private=True), b"{}", {}).status == 204
    thread.join(5)
    assert f"host: [::1]:{port}".encode() in requests[0].lower()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_tls_asks_for_and_checks_the_name_of_the_url(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=hooks.example"]
    made += ["-addext", "subjectAltName=DNS:hooks.example", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    names = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.sni_callback = lambda _, name, __: names.append(name)
    listener = socket.create_server(("127.0.0.1", 0))

    def answer():
        for _ in range(2):
            connection, _ = listener.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as secure:
                    read_request(secure)
                    secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            except ssl.SSLError:
                connection.close()

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    port = listener.getsockname()[1]
    trusting = ssl.create_default_context(cafile=str(certificate))
    with httpx.Client(trust_env=False, verify=trusting) as client:
        assert post(client, Target(httpx.URL(f"https://hooks.example:{port}/"), ("127.0.0.1",)), b"{}", {}).status == 200
    with listener, httpx.Client(trust_env=False, verify=trusting) as client:
        assert "certificate" in post(client, Target(httpx.URL(f"https://other.example:{port}/"), ("127.0.0.1",)), b"{}", {}).error.lower()
    thread.join(5)
    assert names == ["hooks.example", "other.example"]
