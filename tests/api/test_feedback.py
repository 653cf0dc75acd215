import pytest

from cxnlp.records import record_id

pytestmark = pytest.mark.slow


def ids(answer):
    return [line["external_id"] for line in answer.json()["items"]]


def listed(client, **parameters):
    return ids(client.get("/v1/feedback", params=parameters))


def test_the_newest_come_first_in_parts(client):
    first = client.get("/v1/feedback", params={"limit": 4}).json()
    rest = client.get("/v1/feedback", params={"limit": 4, "cursor": first["next_cursor"]}).json()
    assert [line["external_id"] for line in first["items"] + rest["items"]] == ["6", "5", "4", "3", "2", "1"]
    assert rest["next_cursor"] is None
    assert listed(client, order="oldest") == ["1", "2", "3", "4", "5", "6"]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"channel": ["chat", "survey"]}, ["5", "4"]),
        ({"sentiment.lte": -0.3, "language": "en"}, ["6", "4", "2"]),
        ({"created_at.gte": "2026-11-03T09:00:00Z", "created_at.lt": "2026-11-05T00:00:00Z"}, ["3", "2"]),
        ({"attributes.region": "西南"}, ["1"]),
        ({"touchpoint": "delivery", "cause": "slow", "risk": "escalation"}, ["1"]),
        ({"label": "positive"}, ["5", "3"]),
        ({"segment": "vip"}, ["1"]),
        ({"customer": "c-1"}, ["2", "1"]),
        ({"channel": "call"}, []),
    ],
)
def test_filters_narrow_the_list(client, parameters, expected):
    assert listed(client, **parameters) == expected


def test_a_customer_is_found_by_the_id_shown_too(client):
    shown = client.get("/v1/feedback", params={"attributes.region": "西南"}).json()["items"][0]["customer"]["id"]
    assert shown != "c-1"
    assert listed(client, customer=shown) == ["2", "1"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": 201},
        {"limit": 0},
        {"colour": "red"},
        {"sentiment": "-1"},
        {"sentiment.lte": "low"},
        {"sentiment.near": 1},
        {"created_at.gte": "soon"},
        {"cursor": "broken"},
        {"order": "random"},
    ],
)
def test_a_question_that_cannot_be_answered_is_a_422(client, parameters):
    answer = client.get("/v1/feedback", params=parameters)
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_a_record_has_all_that_is_known(client):
    line = client.get(f"/v1/feedback/{record_id('t', '1')}").json()
    assert line["label"] == "negative"
    assert line["risks"][0]["id"] == "escalation"
    quote = line["observations"][0]["quote"]
    assert line["text"][quote["start"] : quote["end"]] == quote["text"] == "太慢"


@pytest.fixture
def fresh(other, writer):
    """A record of its own, analysed."""
    writer.post("/v1/feedback", json={"source": "fix", "external_id": "1", "text": "The courier was slow", "customer": {"id": "c-77"}})
    other.enrich()
    return record_id("fix", "1")


def test_a_correction_wins_and_can_be_taken_back(writer, fresh):
    quote = {"text": "courier was slow"}
    changes = {"sentiment": 0.1, "intent": "inquiry", "observations": [{"touchpoint": "payment", "cause": "slow", "sentiment": -0.2, "quote": quote}]}
    line = writer.patch(f"/v1/feedback/{fresh}", json=changes).json()
    assert (line["sentiment"], line["label"], line["intent"]) == (0.1, "neutral", "inquiry")
    assert line["observations"][0]["stage"] == "conversion"
    assert line["observations"][0]["quote"] == {"text": "courier was slow", "turn": None, "start": 4, "end": 20}
    assert set(line["corrected"]) == {"sentiment", "intent", "observations"}
    back = writer.patch(f"/v1/feedback/{fresh}", json=dict.fromkeys(changes)).json()
    assert back["sentiment"] == -0.8
    assert "corrected" not in back


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"text": "other words"},
        {"sentiment": 2},
        {"intent": "rage"},
        {"risks": [{"id": "doom", "quote": {"text": "slow"}}]},
        {"risks": ["doom"]},
        {"observations": [{"touchpoint": "moon", "sentiment": -1, "quote": {"text": "slow"}}]},
        {"observations": [{"touchpoint": "delivery", "cause": "moon", "sentiment": -1, "quote": {"text": "slow"}}]},
        {"observations": [{"touchpoint": "delivery", "cause": "slow", "sentiment": 1, "quote": {"text": "slow"}}]},
        {"observations": [{"touchpoint": "delivery", "sentiment": -1, "quote": {"text": "never said"}}]},
        {"observations": "none"},
    ],
)
def test_a_correction_that_cannot_be_used_changes_nothing(writer, fresh, changes):
    before = writer.get(f"/v1/feedback/{fresh}").json()
    assert writer.patch(f"/v1/feedback/{fresh}", json=changes).status_code == 422
    assert writer.get(f"/v1/feedback/{fresh}").json() == before


def test_only_a_record_that_is_there_can_be_corrected_or_forgotten(writer):
    assert writer.patch("/v1/feedback/r-none", json={"sentiment": 0}).status_code == 404
    assert writer.delete("/v1/feedback/r-none").status_code == 404
    assert writer.delete("/v1/feedback").status_code == 422


def test_forgetting_is_immediate(other, writer, fresh):
    other.catch_up(writer)
    search = {"text": "The courier was slow", "k": 1000, "filter": {"source": ["fix"]}}
    assert [hit["record"]["id"] for hit in writer.post("/v1/search", json=search).json()["hits"]] == [fresh]
    assert writer.delete(f"/v1/feedback/{fresh}").json() == {"deleted": 1}
    assert writer.get(f"/v1/feedback/{fresh}").status_code == 404
    assert writer.post("/v1/search", json=search).json()["hits"] == []


def test_a_customer_is_forgotten_by_the_id_of_the_source(writer, fresh):
    writer.post("/v1/feedback", json={"source": "fix", "external_id": "2", "text": "more", "customer": {"id": "c-77"}})
    assert writer.delete("/v1/feedback", params={"customer": "c-77"}).json() == {"deleted": 2}
    assert listed(writer, source="fix") == []
