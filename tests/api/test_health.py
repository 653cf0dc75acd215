import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
HEAVY = ("torch", "spacy", "bertopic", "sklearn", "transformers", "sentence_transformers")


def test_a_server_lives_and_is_ready(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_without_models_it_lives_and_takes_feedback_in(bare):
    key = {"x-api-key": bare.service.store.keys.create("x", "admin")[1]}
    with bare.client(headers=key) as client:
        assert client.get("/healthz").status_code == 200
        answer = client.get("/readyz")
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert client.post("/v1/feedback", json={"source": "bare", "text": "still taken in"}).json()["accepted"] == 1
        assert client.get("/v1/status").json()["records"] >= 1
        assert client.post("/v1/search", json={"text": "x"}).status_code == 503


def test_metrics_count_requests_by_the_template_of_their_route(client):
    client.get("/v1/feedback/r-unheard-of")
    client.get("/nowhere/unheard-of")
    text = client.get("/metrics").text
    assert 'cxnlp_http_requests_total{method="GET",route="/v1/feedback/{record_id}",status="404"}' in text
    assert 'cxnlp_http_requests_total{method="GET",route="none",status="404"}' in text
    assert "cxnlp_http_request_seconds_bucket" in text
    assert "unheard-of" not in text
    numbers = dict(line.split() for line in text.splitlines() if line.startswith("cxnlp_") and "{" not in line)
    assert [float(numbers[f"cxnlp_{name}"]) for name in ("records", "analyzed", "pending", "indexed")] == [6, 6, 0, 6]


def test_every_answer_carries_security_headers(client):
    for path in ("/", "/docs", "/v1/status", "/nowhere", "/static/search.js"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self'")
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers
    assert "unsafe" not in client.get("/").headers["content-security-policy"]
    assert client.get("/v1/status").headers["cache-control"] == "no-store"


def test_serving_a_search_imports_no_heavy_library(tmp_path):
    code = f"""
import sys, threading, time
import httpx, uvicorn
server = uvicorn.Server(uvicorn.Config("api.main:create_app", factory=True, port=0, log_level="error"))
threading.Thread(target=server.run).start()
while not server.started: time.sleep(0.05)
port = server.servers[0].sockets[0].getsockname()[1]
client = httpx.Client(base_url=f"http://127.0.0.1:{{port}}", timeout=60, trust_env=False)
assert client.post("/v1/feedback", json={{"text": "太慢"}}).json()["accepted"] == 1
assert client.post("/v1/analyze", json={{"text": "太慢"}}).json()["label"]
assert client.post("/v1/search", json={{"text": "slow"}}).json()["hits"] == []
assert client.get("/").status_code == client.get("/v1/models").status_code == 200
print([m for m in {HEAVY!r} if m in sys.modules])
server.should_exit = True
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CXNLP_")} | {"CXNLP_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
