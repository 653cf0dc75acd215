import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

import api.limits
from api.limits import BodyLimit


@pytest.fixture
def app(monkeypatch):
    monkeypatch.setattr(api.limits, "MOST_OTHER_BYTES", 100)
    app = FastAPI()

    @app.post("/anything")
    async def receive(request: Request) -> int:
        return len(await request.body())

    @app.post("/parsed")
    async def parse(body: dict[str, str]) -> int:
        return len(body)

    app.add_middleware(BodyLimit)
    return TestClient(app)


def chunks(n, size=30):
    yield from (b"x" * size for _ in range(n))


def test_a_body_within_the_limit_passes(app):
    assert app.post("/anything", content=chunks(3)).json() == 90


@pytest.mark.parametrize("content", [b"x" * 101, chunks(4)], ids=["declared", "chunked"])
@pytest.mark.parametrize("path", ["/anything", "/parsed"])
def test_a_body_over_the_limit_is_a_413(app, content, path):
    content = content if isinstance(content, bytes) else chunks(4)
    answer = app.post(path, content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:cxnlp:problem:too-large"


@pytest.mark.slow
def test_the_server_refuses_large_bodies_and_goes_on(client):
    assert client.post("/v1/search", content=b'{"text": "' + b"x" * (1 << 20) + b'"}').status_code == 413
    assert client.get("/v1/status").status_code == 200
