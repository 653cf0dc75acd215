import json
import logging

import pytest
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse
from starlette.testclient import TestClient

from api.errors import STATUSES, problem_of, status_of
from api.headers import Guard
from cxnlp import errors

SECRET = "客户的原话 13800138000"


class Deeper(errors.NotFound):
    pass


def test_an_error_has_the_status_of_the_nearest_class_above():
    assert status_of(Deeper("x")) == STATUSES[errors.NotFound] == 404


def test_a_rejected_record_is_told_field_value_problem_and_remedy():
    answer = problem_of(errors.InvalidFeedback("rating", "[PHONE]", "is no number", "send 1 to 5"))
    body = json.loads(answer.body)
    assert answer.status_code == 422
    assert answer.media_type == "application/problem+json"
    assert body["type"] == "urn:cxnlp:problem:invalid-feedback"
    assert (body["field"], body["value"], body["problem"], body["remedy"]) == ("rating", "[PHONE]", "is no number", "send 1 to 5")


def test_an_unforeseen_error_is_answered_and_logged_without_its_message(caplog):
    async def app(scope, receive, send):
        raise ValueError(SECRET)

    with caplog.at_level(logging.DEBUG):
        answer = TestClient(Guard(app)).get("/v1/status")
    assert answer.status_code == 500
    assert answer.json()["status"] == 500
    assert "ValueError at " in caplog.text
    assert SECRET not in caplog.text + answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_an_answer_that_breaks_off_says_nothing_either(caplog):
    async def lines():
        yield b"one\n"
        raise ValueError(SECRET)

    with caplog.at_level(logging.DEBUG), pytest.raises(ConnectionAbortedError) as raised:
        TestClient(Guard(StreamingResponse(lines()))).get("/")
    assert SECRET not in caplog.text + str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/nothing", 404), ("GET", "/v1/feedback/r-none", 404), ("PUT", "/v1/search", 405), ("GET", "/static/no", 404)],
)
def test_every_refusal_is_a_problem(client, method, path, status):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= answer.json().keys()


@pytest.mark.slow
@pytest.mark.parametrize("body", [{"text": 5}, {"text": "x", "k": SECRET}, {"text": "x", "k": 0}, {"text": "x", SECRET: 1}, {"text": "x", "by": 3}])
def test_a_malformed_request_names_the_field_and_repeats_nothing(client, body):
    answer = client.post("/v1/search", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"]
    assert "input" not in answer.json()["errors"][0]
    if SECRET not in body:
        assert SECRET not in answer.text


@pytest.mark.slow
def test_what_is_no_json_is_a_400(client):
    answer = client.post("/v1/search", content=b'{"text": "' + SECRET.encode(), headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert SECRET not in answer.text


def test_a_framework_error_keeps_its_headers():
    from fastapi import FastAPI

    from api.errors import handle_errors

    app = FastAPI()
    handle_errors(app)

    @app.get("/teapot")
    def brew() -> None:
        raise HTTPException(418, "short and stout", {"X-Spout": "here"})

    answer = TestClient(app).get("/teapot")
    assert (answer.status_code, answer.json()["detail"], answer.headers["x-spout"]) == (418, "short and stout", "here")
