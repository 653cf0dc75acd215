import pytest

pytestmark = pytest.mark.slow


def test_a_record_is_analysed_and_not_stored(client):
    before = client.get("/v1/status").json()
    record = {"source": "a", "external_id": "7", "text": "快递太慢了，等了一个星期！电话13800138000", "attributes": {"region": "华东"}}
    line = client.post("/v1/analyze", json=record).json()
    assert line["language"] == "zh"
    assert line["label"] == "negative"
    assert line["text"] == "快递太慢了，等了一个星期！电话[PHONE]"
    assert line["external_id"] == "7"
    assert {"sentiment", "confidence", "intent", "observations", "risks", "model"} <= line.keys()
    assert client.get("/v1/status").json() == before
    assert client.get(f"/v1/feedback/{line['id']}").status_code == 404


def test_a_list_keeps_its_order_and_its_rejections(client):
    turns = [{"speaker": "customer", "text": "It broke."}, {"speaker": "agent", "text": "Sorry."}]
    items = [{"text": "Lovely staff"}, {"text": ""}, {"turns": turns}, 5]
    found = client.post("/v1/analyze", json={"items": items}).json()["items"]
    assert found[0]["label"] == "positive"
    assert (found[1]["status"], found[1]["error"]["field"]) == ("rejected", "text")
    assert [turn["text"] for turn in found[2]["turns"]] == ["It broke.", "Sorry."]
    assert found[2]["trajectory"][0]["turn"] == 0
    assert found[3]["status"] == "rejected"
    assert client.post("/v1/analyze", json={"items": []}).json() == {"items": []}


def test_what_cannot_be_analysed_says_why(client):
    assert client.post("/v1/analyze", json={"text": " "}).json()["field"] == "text"
    assert client.post("/v1/analyze", json={"items": [{"text": "x"}] * 101}).status_code == 413
