from datetime import UTC, datetime, timedelta

import pytest

from cxnlp.records import record_id
from cxnlp.store import AlertChange, Moved

pytestmark = pytest.mark.slow
TEXT = "等了一个星期快递还没到，太慢了"
DETAILS = {
    "window": 3, "observed": 14.0, "expected": 1.9, "low": 0.0, "high": 4.9, "worse": True, "along": [],
    "explained_by": [{"dimension": "attributes.region", "value": "西南", "n": 12.0, "before": 1.0, "change": 11.0, "share": 0.9}],
    "summary": {"en": "more", "zh": "多"},
}  # fmt: skip


@pytest.fixture(scope="module")
def alert(other):
    """An alert that quotes a record."""
    with other.client() as client:
        row = {"source": "alerts", "external_id": "1", "channel": "chat", "text": TEXT, "created_at": datetime.now(UTC).isoformat()}
        client.post("/v1/feedback", json=row).raise_for_status()
    other.enrich()
    store = other.service.store
    for name in ("alerts", "alerts.day"):
        store.events.lease(name, "test", 60)
    moved = Moved("movement", "pair", "delivery/slow", "volume", "up", 739_900, 739_902, 6.0, DETAILS, (record_id("alerts", "1"),))
    store.alerts.apply([AlertChange(moved, event="alert.opened")], "test", 0, 739_902)
    return next(found for found in store.alerts.page().alerts if found.moved.record_ids)


def test_an_alert_is_listed_read_and_quotes_what_was_said(writer, alert):
    listed = writer.get("/v1/alerts", params={"state": "open", "historical": "false"}).raise_for_status().json()
    (line,) = [item for item in listed["items"] if item["id"] == alert.id]
    assert writer.get(f"/v1/alerts/{alert.id}").json() == line
    assert (line["series"], line["since"], line["until"]) == ({"dimension": "pair", "value": "delivery/slow"}, "2026-10-11", "2026-10-13")
    ((quote),) = line["quotes"]
    assert quote["record_id"] == record_id("alerts", "1") and quote["text"] in TEXT


def test_an_alert_is_told_to_others_with_its_quotes(other, alert):
    kept_from = other.service.store.events.oldest_seq() - 1  # other tests let old events go
    told = other.service.delivery.events(kept_from, 1_000, ["alert.*"]).messages
    (message,) = [one for one in told if one.body["data"]["alert"]["id"] == alert.id]
    assert (message.type, message.body["type"]) == ("alert.opened", "alert.opened")
    shown = message.body["data"]["alert"]
    assert shown["quotes"][0]["text"] in TEXT and "record" not in message.body["data"]
    (event,) = [e for e in other.service.store.events.read(message.seq - 1, 1)]
    assert TEXT[:4] not in str(event.data)


def test_a_person_acknowledges_snoozes_and_resolves_it(writer, alert):
    address = f"/v1/alerts/{alert.id}"
    taken = writer.patch(address, json={"state": "acknowledged", "reason": "call 13800138000"}).raise_for_status().json()
    assert (taken["state"], taken["note"], taken["author"]) == ("acknowledged", "call [PHONE]", "local")
    until = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
    snoozed = writer.patch(address, json={"state": "snoozed", "until": until.isoformat()}).json()
    assert (snoozed["state"], snoozed["snoozed_until"]) == ("snoozed", until.isoformat().replace("+00:00", "Z"))
    assert writer.patch(address, json={"state": "resolved"}).json()["resolved_at"]
    again = writer.patch(address, json={"state": "open"})
    assert again.status_code == 409 and "opens again by itself" in again.json()["detail"]


@pytest.mark.parametrize(
    ("body", "told"),
    [({"state": "closed"}, "state"), ({"state": "snoozed"}, "until"), ({"state": "snoozed", "until": "2020-01-01T00:00:00Z"}, "until")],
)
def test_what_cannot_be_is_refused(writer, alert, body, told):
    answer = writer.patch(f"/v1/alerts/{alert.id}", json=body)
    assert answer.status_code == 422 and told in answer.text


def test_what_is_not_there_is_told(writer):
    assert writer.get("/v1/alerts/a-none").status_code == 404
    assert writer.get("/v1/alerts", params={"state": "closed"}).status_code == 422
