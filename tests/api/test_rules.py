import json

import pytest

from cxnlp.records import record_id

pytestmark = pytest.mark.slow
RULE = {"level": 1, "when": {"source": ["ruled"], "sentiment": {"lte": -0.3}}, "owners": {"default": "desk"}}


@pytest.fixture
def rule(writer):
    saved = writer.put("/v1/rules/ruled", json=RULE).raise_for_status().json()
    yield saved
    writer.delete("/v1/rules/ruled")


def test_a_rule_that_is_saved_raises_flags_and_one_that_is_deleted_raises_none(other, writer, rule):
    assert (rule["name"], rule["deleted"], rule["author"]) == ("ruled", False, "local")
    assert [r["name"] for r in writer.get("/v1/rules").json()["items"]].count("ruled") == 1
    writer.post("/v1/feedback", json={"source": "ruled", "external_id": "1", "text": "太慢了"})
    other.enrich()
    while other.service.delivery.flag():
        pass
    flags = [f for f in writer.get("/v1/flags", params={"owner": "desk"}).json()["items"] if f["record_id"] == record_id("ruled", "1")]
    assert [(f["rule"], f["rule_version"], f["owner"], f["level"]) for f in flags] == [("ruled", rule["version"], "desk", 1)]
    assert flags[0]["explanation"]["zh"].startswith(str(flags[0]["priority"]))
    assert writer.delete("/v1/rules/ruled").json()["deleted"]
    assert "ruled" not in [r["name"] for r in writer.get("/v1/rules").json()["items"]]
    assert writer.delete("/v1/rules/ruled").status_code == 404


def test_versions_of_a_rule_are_kept(writer, rule):
    assert writer.put("/v1/rules/ruled", json=RULE).json()["version"] == rule["version"]
    changed = writer.put("/v1/rules/ruled", json=RULE | {"name": "ruled", "cooldown_hours": 3}).json()
    assert changed["version"] == rule["version"] + 1
    history = writer.get("/v1/rules/ruled", params={"history": "true"}).json()["history"]
    assert [r["version"] for r in history][-2:] == [rule["version"], changed["version"]]
    assert writer.get("/v1/rules/default").json()["version"] == 0
    assert writer.get("/v1/rules/none").status_code == 404


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "write either level and when"),
        (RULE | {"name": "other"}, "the address says"),
        (RULE | {"colour": 1}, "'colour' is no field"),
        (RULE | {"when": {"sentiment": {"lte": -2}}}, "no record can meet"),
        (RULE | {"when": {"touchpoint": ["delivry"]}}, "'delivry'"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_with_a_remedy(writer, body, told):
    answer = writer.put("/v1/rules/ruled", json=body)
    assert answer.status_code == 422
    assert told in answer.json()["detail"]
    assert writer.put("/v1/rules/Ruled Rule", json=RULE).status_code == 422
    assert writer.put("/v1/rules/ruled", content=b'{"level": 1, "when": {"sentiment": {"lte": NaN}}}').status_code == 422


def test_a_rule_is_tried_on_history_over_http(other, writer):
    writer.post("/v1/feedback", json={"source": "tried", "external_id": "1", "text": "太慢了", "customer": {"id": "c-tried", "segment": "vip"}})
    other.enrich()
    rule = {"level": 1, "when": {"source": ["tried"], "sentiment": {"lte": -0.3}}, "owners": {"default": "desk"}}
    found = writer.post("/v1/rules/test", json={"rule": rule, "days": 2}).raise_for_status().json()
    assert (found["flags"], found["repeats"], found["complete"]) == (1, 0, True)
    (sample,) = found["samples"]
    assert (sample["record"]["id"], sample["flag"]["owner"], sample["flag"]["level"]) == (record_id("tried", "1"), "desk", 1)
    assert [sum(of_level.values()) for of_level in found["by_week"].values()] == [1]
    assert "tried" not in [r["name"] for r in writer.get("/v1/rules").json()["items"]]
    assert writer.post("/v1/rules/test", json={"rule": "default", "samples": 0}).json()["samples"] == []
    told = writer.post("/v1/rules/test", json={"rule": rule, "days": 2}, headers={"accept": "application/x-ndjson"}).raise_for_status()
    *progress, result = [json.loads(line) for line in told.text.splitlines()]
    assert result == found and progress[-1] == {"records": result["records"], "of": result["records"], "complete": False}
    assert writer.post("/v1/rules/test", json={"rule": "none"}).status_code == 404
    assert writer.post("/v1/rules/test", json={"rule": {"level": 7, "when": {"spam": True}}}).status_code == 422
