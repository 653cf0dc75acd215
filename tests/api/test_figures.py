from datetime import date, datetime, timedelta

import orjson
import pyarrow as pa
import pytest

pytestmark = pytest.mark.slow
DAY = "2025-03-30"  # on which the clocks go forward in Berlin
ASKED = {"since": "2025-03-29", "until": "2025-03-31", "timezone": "Europe/Berlin", "source": "figures"}
ARROW = {"accept": "application/vnd.apache.arrow.stream"}


@pytest.fixture(scope="module")
def filled(other):
    """A server with records of one weekend."""
    rows = [
        ("1", "chat", "2025-03-29T22:59:00Z"),
        ("2", "chat", "2025-03-29T23:01:00Z"),
        ("3", "ticket", "2025-03-30T21:59:00Z"),
        ("4", "chat", "2025-03-30T22:01:00Z"),
    ]
    texts = "快递太慢了，等了一个星期"
    with other.client() as client:
        items = [{"source": "figures", "external_id": n, "channel": channel, "created_at": at, "text": texts} for n, channel, at in rows]
        client.post("/v1/feedback", json={"items": items}).raise_for_status()
        other.enrich()
        other.catch_up(client)
        yield client


def test_series_are_of_the_days_of_a_zone(filled):
    answer = filled.get("/v1/series", params=ASKED | {"dimension": "channel"}).raise_for_status().json()
    assert (answer["timezone"], answer["bucket"], answer["records"], answer["compared"]) == ("Europe/Berlin", "day", 4, None)
    points = {item["value"]: [point["n"] for point in item["points"]] for item in answer["items"]}
    assert points == {"chat": [1, 1, 1], "ticket": [0, 1, 0]}
    ((point), *_) = answer["items"][0]["points"]
    assert (point["at"], point["value"]) == ("2025-03-29", 1) and point["low"] < 1 < point["high"]
    hours = filled.get("/v1/series", params=ASKED | {"bucket": "hour", "since": DAY, "until": DAY}).json()["items"][0]["points"]
    assert len(hours) == 23 and hours[2]["at"] == "2025-03-30T03:00+02:00"


def test_a_question_as_json_has_the_same_answer(filled):
    named = {name: value for name, value in ASKED.items() if name != "source"}
    got = filled.get("/v1/series", params={**ASKED, "measure": ["sentiment", "volume"], "value": "chat", "dimension": "channel", "compare": "year"})
    body = {
        **named,
        "measures": ["sentiment", "volume"],
        "values": ["chat"],
        "dimension": "channel",
        "compare": "year",
        "filter": {"source": ["figures"]},
    }
    assert filled.post("/v1/series", json=body).raise_for_status().json() == got.raise_for_status().json()
    got = (
        filled.get("/v1/breakdown", params={**ASKED, "dimension": ["channel", "source"], "least": 2, "compare": "previous"}).raise_for_status().json()
    )
    body = {**named, "dimensions": ["channel", "source"], "least": 2, "compare": "previous", "filter": {"source": ["figures"]}}
    assert filled.post("/v1/breakdown", json=body).raise_for_status().json() == got
    ((row),) = got["items"]
    assert (row["values"], row["measures"]["volume"]["value"], row["measures"]["volume"]["before"]["n"]) == (["chat", "figures"], 3, 0)
    assert (got["others"]["values"], got["others"]["measures"]["volume"]["n"], got["total"]["volume"]["n"]) == (1, 1, 4)


def test_arrow_reads_back_what_json_says(filled):
    asked = ASKED | {"dimension": "channel", "compare": "previous"}
    answer = filled.get("/v1/series", params=asked, headers=ARROW).raise_for_status()
    assert answer.headers["content-type"] == ARROW["accept"]
    table = pa.ipc.open_stream(answer.content).read_all()
    spoken = filled.get("/v1/series", params=asked).json()
    rows = [(date.fromisoformat(p["at"]), i["value"], p["n"], p["change"]["value"]) for i in spoken["items"] for p in i["points"]]
    assert [(r["at"].date(), r["channel"], r["n"], r["change"]) for r in table.to_pylist()] == rows
    assert table["at"][0].as_py().utcoffset() == timedelta(hours=1) and isinstance(table["at"][0].as_py(), datetime)
    assert orjson.loads(table.schema.metadata[b"cxnlp"])["records"] == spoken["records"]
    table = pa.ipc.open_stream(filled.get("/v1/breakdown", params=ASKED | {"dimension": "label"}, headers=ARROW).content).read_all()
    assert table.column_names[:4] == ["label", "measure", "value", "n"] and sum(table["n"].to_pylist()) == 4


def test_what_is_deleted_is_counted_no_more(filled, other):
    found = filled.get("/v1/series", params=ASKED).json()
    row = {"source": "figures", "external_id": "5", "channel": "chat", "created_at": f"{DAY}T12:00:00Z", "text": "咖啡很好喝，味道浓"}
    record_id = filled.post("/v1/feedback", json=row).json()["items"][0]["id"]
    other.enrich()
    other.catch_up(filled)
    assert filled.get("/v1/series", params=ASKED).json()["records"] == found["records"] + 1
    other.service.store.feedback.forget([record_id])
    other.catch_up(filled)
    assert filled.get("/v1/series", params=ASKED).json() == found


def test_expected_days_are_an_option(filled):
    (item,) = filled.get("/v1/series", params={"expected": "true", "since": "2025-03-29", "until": "2025-03-30"}).raise_for_status().json()["items"]
    assert len(item["points"]) == 2 and item["value"] is None


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("series", {"measure": "joy"}), ("series", {"dimension": "colour"}), ("series", {"since": "2026-11-02", "until": "2026-11-01"}),
        ("series", {"limit": "99"}), ("series", {"bucket": "minute"}), ("series", {"timezone": "Mars"}), ("series", {"colour": "red"}),
        ("series", {"compare": "year", "created_at.gte": "2026-11-01"}), ("series", {"since": "2000-01-01"}), ("breakdown", {}),
        ("breakdown", {"dimension": ["channel", "label", "topic"]}), ("breakdown", {"dimension": "channel", "sort": "joy"}),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(filled, path, asked):
    answer = filled.get(f"/v1/{path}", params=asked)
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"
