import json

import pytest

from api.schemas import CONVERSATION, RECORD_ID
from cxnlp.records import record_id
from cxnlp.store import AlertChange, Moved

pytestmark = pytest.mark.slow
TALK_ID = record_id(CONVERSATION["source"], CONVERSATION["external_id"])
_STREAMS = {"/v1/events"}


@pytest.fixture(scope="module")
def document(shared):
    with shared.client() as client:
        return client.get("/openapi.json").raise_for_status().json()


def operations(document):
    return [(path, method, operation) for path, methods in document["paths"].items() for method, operation in methods.items()]


def test_every_operation_is_described(document):
    for path, method, operation in operations(document):
        assert operation["summary"], path
        assert operation["description"], path
        assert operation["tags"], path
        if path.startswith("/v1"):
            assert "application/problem+json" in operation["responses"]["422"]["content"], path
            done = operation["responses"].get("200") or operation["responses"]["202"]
            assert "example" in json.dumps(done), (path, method)


def test_ids_of_operations_are_unique(document):
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))


def examples(document, operation):
    """Yield (content type, body) of each example of a request."""
    for content_type, content in operation.get("requestBody", {}).get("content", {}).items():
        if "example" in content:
            yield content_type, content["example"]
        for example in content.get("examples", {}).values():
            yield content_type, example["value"]
        if reference := content.get("schema", {}).get("$ref"):
            for example in document["components"]["schemas"][reference.rsplit("/", 1)[1]].get("examples", ()):
                yield content_type, example


def test_every_example_can_be_run(other, writer, document):
    """After the first of them, which sends the record that the others name."""
    n_run = 0
    for path, method, operation in sorted(operations(document), key=lambda o: (o[0] != "/v1/feedback", o[1] != "post")):
        if path == "/v1/webhooks" or path.startswith("/v1/topics"):  # a host that nobody has; topics that one record does not make
            continue
        for content_type, body in examples(document, operation):
            answer = writer.request(
                method,
                path.replace("{record_id}", TALK_ID if path.endswith("/turns") else RECORD_ID)
                .replace("{flag_id}", flag_id(other, writer))
                .replace("{alert_id}", alert_id(other))
                .replace("{search_id}", search_id(writer))
                .replace("{rule_name}", "angry-vip"),
                content=(body if isinstance(body, str) else json.dumps(body)).encode(),
                headers={"content-type": content_type},
            )
            assert answer.status_code == 200, (path, answer.text)
            n_run += 1
            if path == "/v1/feedback":
                other.enrich()
    assert n_run >= 12


def test_every_list_can_be_read_without_parameters(client, document):
    for path, method, operation in operations(document):
        needs = [p for p in operation.get("parameters", ()) if p.get("required")]
        if method == "get" and not needs and path not in _STREAMS:
            assert client.get(path).status_code == 200, path


def flag_id(server, client):
    """Return the id of a flag once there is one."""
    while server.service.delivery.flag():
        pass
    return next((flag["id"] for flag in client.get("/v1/flags").json()["items"]), "")


def alert_id(server):
    """Return the id of an alert, made if there is none that is open."""
    store = server.service.store
    if not store.alerts.page("open").alerts:
        for name in ("alerts", "alerts.day"):
            store.events.lease(name, "test", 60)
        moved = Moved("movement", "all", "", "volume", "up", 739_900, 739_901, 5.0, {"window": 1, "summary": {"en": "more", "zh": "多"}})
        store.alerts.apply([AlertChange(moved)], "test", 0, 739_901)
    return store.alerts.page("open").alerts[0].id


def search_id(client):
    """Return the id of a saved search once there is one."""
    return next((search["id"] for search in client.get("/v1/searches").json()["items"]), "")
