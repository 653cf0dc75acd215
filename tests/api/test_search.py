import pytest

from cxnlp.records import record_id

pytestmark = pytest.mark.slow


def found(answer):
    return [hit["record"]["external_id"] for hit in answer.raise_for_status().json()["hits"]]


def test_the_nearest_in_meaning_come_first_with_their_words(client):
    answer = client.post("/v1/search", json={"text": "the delivery took far too long", "k": 3})
    body = answer.json()
    assert len(body["hits"]) == 3
    assert body["total"] == 6
    assert set(found(answer)) <= {"1", "2", "4", "6"}
    assert [hit["score"] for hit in body["hits"]] == sorted((hit["score"] for hit in body["hits"]), reverse=True)
    for hit in body["hits"]:
        record, quote = hit["record"], hit["quote"]
        text = record["text"] if quote["turn"] is None else record["turns"][quote["turn"]]["text"]
        assert text[quote["start"] : quote["end"]] == quote["text"] != ""


def test_a_filter_counts_and_narrows(client):
    filter = {"channel": ["review"], "sentiment": {"lte": -0.3}, "customer": ["c-1"]}
    answer = client.post("/v1/search", json={"text": "快递", "filter": filter})
    assert found(answer) == ["2"]
    assert answer.json()["total"] == 1


def test_similar_leaves_the_record_itself_out(client):
    one = record_id("t", "1")
    by_post = client.post("/v1/similar", json={"id": one, "k": 10})
    assert sorted(found(by_post)) == ["2", "3", "4", "5", "6"]
    assert by_post.json()["total"] == 5
    assert found(client.get("/v1/similar", params={"id": one, "k": 10})) == found(by_post)
    assert found(client.get("/v1/similar", params={"id": one, "channel": "chat"})) == ["4"]


@pytest.mark.parametrize(
    "body",
    [
        {"text": " "},
        {"text": "x" * 20_001},
        {"text": "x", "k": 1001},
        {"text": "x", "filter": {"colour": 1}},
        {"text": "x", "filter": {"risk": "chrn"}},
        {"k": 3},
    ],
)
def test_a_search_that_cannot_be_answered_is_a_422(client, body):
    assert client.post("/v1/search", json=body).status_code == 422


def test_similar_to_nothing_is_a_404(client):
    assert client.post("/v1/similar", json={"id": "r-none"}).status_code == 404


def test_a_search_leaves_no_trace_in_the_log(client, shared):
    client.post("/v1/search", json={"text": "unheard-of words 13800138000"})
    client.get("/v1/feedback", params={"customer": "unheard-of"})
    assert "unheard-of" not in shared.log
