"""Filters as query parameters: `channel=ticket&channel=chat&sentiment.lte=-0.3&attributes.region=西南`."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from fastapi import Request

from cxnlp.bootstrap import Service
from cxnlp.errors import InvalidQuery, shorten
from cxnlp.filters import CHOICES, NUMBERS, TIMES, Filter, parse_filter
from cxnlp.ingest.hashing import pseudonym

_BOUNDS: Final = ("gte", "gt", "lte", "lt")
_ATTRIBUTES: Final = "attributes."


def filter_of(service: Service, given: Mapping[str, Any] | None) -> Filter:
    """Return the filter that a JSON object describes.

    A customer may be given by the id that the source uses or by the one that is shown; a topic that was merged is read as what it became.

    Raises:
        InvalidQuery: A field or value is not one of a filter, or there is no such topic of records.
    """
    parsed = dict(given or {})
    if customers := parsed.get("customer"):
        named = customers if isinstance(customers, list) else [customers]
        parsed["customer"] = [known for name in named for known in customer_ids(service, str(name))]
    return service.curation.settle(parse_filter(parsed))


def customer_ids(service: Service, name: str) -> tuple[str, str]:
    """Return the ids under which a customer may be stored: the keyed hash of the source's own id, and `name` where it is that hash already."""
    return pseudonym(service.intake.key, name), name


def query_filter(service: Service, request: Request, others: Iterable[str]) -> Filter:
    """Return the filter in the query parameters of a request.

    Args:
        service: Whose customers.
        request: Its query.
        others: Names of the parameters that are no part of the filter.

    Raises:
        InvalidQuery: A parameter is unknown or has a value that cannot be used.
    """
    given: dict[str, Any] = {}
    others = set(others)
    for name, value in request.query_params.multi_items():
        if name in others or value == "":
            continue
        field, _, bound = name.partition(".")
        if name in CHOICES:
            given.setdefault(name, []).append(value)
        elif name.startswith(_ATTRIBUTES):
            given.setdefault("attributes", {}).setdefault(name.removeprefix(_ATTRIBUTES), []).append(value)
        elif bound in _BOUNDS and field in (*NUMBERS, *TIMES):
            given.setdefault(field, {})[bound] = _number(name, value) if field in NUMBERS else value
        else:
            raise InvalidQuery(f"unknown parameter {shorten(name)!r}; see /docs for those that this takes")
    return filter_of(service, given)


def _number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise InvalidQuery(f"{name} is {shorten(value)!r}; write a number") from None


def documented() -> list[dict[str, Any]]:
    """Return the filter as OpenAPI parameters."""
    found: list[dict[str, Any]] = []
    for name in CHOICES:
        schema = {"type": "array", "items": {"type": "string"}}
        found.append({"name": name, "in": "query", "description": "Any of these values.", "schema": schema, "explode": True})
    for name in (*NUMBERS, *TIMES):
        schema = {"type": "number"} if name in NUMBERS else {"type": "string", "format": "date-time"}
        found += [{"name": f"{name}.{bound}", "in": "query", "schema": schema} for bound in ("gte", "lte")]
    described = "Any attribute by its name: `attributes.region=西南`."
    found.append({"name": "attributes.<name>", "in": "query", "description": described, "schema": {"type": "string"}})
    return found
