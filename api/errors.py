"""Every error as a problem (RFC 9457), and the only table from `CxnlpError` to status codes.

Neither a problem nor a log line repeats what was sent, except the masked value of a rejected record.
"""

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from cxnlp import errors

STATUSES: Final[Mapping[type[errors.CxnlpError], int]] = {
    errors.CxnlpError: 500,
    errors.InvalidInput: 422,
    errors.InvalidFeedback: 422,
    errors.InvalidQuery: 422,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.ArtefactError: 503,
    errors.StoreError: 503,
}
_HEADERS: Final[Mapping[int, Mapping[str, str]]] = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}
_MEDIA_TYPE: Final = "application/problem+json"
_log = logging.getLogger(__name__)


def status_of(error: errors.CxnlpError) -> int:
    """Return the status code of an error: that of its class, or of the nearest one above it."""
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def problem(status: int, detail: str, kind: str = "", **more: Any) -> Response:
    """Return a problem as an answer.

    Args:
        status: HTTP status code.
        detail: What happened and what to do, for people.
        kind: Name of the kind of problem; the usual meaning of the status when empty.
        more: Further members.
    """
    title = HTTPStatus(status).phrase
    type_ = f"urn:cxnlp:problem:{kind}" if kind else "about:blank"
    body = {"type": type_, "title": title, "status": status, "detail": detail} | more
    return Response(orjson.dumps(body, default=str), status, dict(_HEADERS.get(status, {})), _MEDIA_TYPE)


def problem_of(error: errors.CxnlpError) -> Response:
    """Return an error of cxnlp as an answer; one of a record carries field, value, problem and remedy."""
    status = status_of(error)
    kind = re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__).lower()
    more = {}
    if isinstance(error, errors.InvalidFeedback):
        more = {"field": error.field, "value": error.value, "problem": error.problem, "remedy": error.remedy}
    if status >= 500:
        _log.error("%s: %s", type(error).__name__, error)
    return problem(status, str(error), kind, **more)


def handle_errors(app: FastAPI) -> None:
    """Make `app` answer every error with a problem; what is not foreseen is met by `api.headers`."""
    app.add_exception_handler(errors.CxnlpError, _on_own)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)


def _on_own(_: Request, error: Exception) -> Response:
    assert isinstance(error, errors.CxnlpError)
    return problem_of(error)


def _on_validation(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # Neither `input` nor `ctx`, which may hold what a customer said.
    found = [{"field": ".".join(str(part) for part in e["loc"]), "problem": e["msg"]} for e in error.errors()]
    detail = "; ".join(f"{e['field']}: {e['problem']}" for e in found)
    if any(e["type"] == "json_invalid" for e in error.errors()):
        return problem(400, "the body is no JSON; see /docs for an example", "malformed")
    return problem(422, f"{detail}; see /docs for what this takes", "invalid-request", errors=found)


def _on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = {404: "there is nothing at this address; see /docs", 405: "this address does not take this method; see /docs"}
    usual = error.detail == HTTPStatus(error.status_code).phrase
    answer = problem(error.status_code, known.get(error.status_code, error.detail) if usual else error.detail)
    answer.headers.update(error.headers or {})
    return answer
