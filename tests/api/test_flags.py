import pytest

from cxnlp.records import record_id

pytestmark = pytest.mark.slow


@pytest.fixture
def flag(other, writer):
    writer.post("/v1/feedback", json={"source": "flagged", "external_id": "1", "text": "太慢，我要去12315投诉"})
    other.enrich()
    while other.service.delivery.flag():
        pass
    return next(f for f in writer.get("/v1/flags").json()["items"] if f["record_id"] == record_id("flagged", "1"))


def test_flags_are_listed_and_dealt_with(writer, flag):
    assert (flag["level"], flag["state"]) == (1, "open")
    done = writer.patch(f"/v1/flags/{flag['id']}", json={"state": "acknowledged", "reason": "rang 13800138000"}).json()
    assert (done["state"], done["author"], done["note"]) == ("acknowledged", "local", "rang [PHONE]")
    assert writer.patch(f"/v1/flags/{flag['id']}", json={"state": "dismissed"}).status_code == 422
    assert writer.patch(f"/v1/flags/{flag['id']}", json={"state": "resolved"}).json()["state"] == "resolved"
    listed = [f["id"] for f in writer.get("/v1/flags", params={"state": "resolved", "level": 1}).json()["items"]]
    assert listed == [flag["id"]]


@pytest.mark.parametrize("sort", ["newest", "priority", "deadline"])
def test_flags_are_sorted(writer, flag, sort):
    assert flag["id"] in [f["id"] for f in writer.get("/v1/flags", params={"sort": sort, "limit": 200}).json()["items"]]
    answer = writer.get("/v1/flags", params={"sort": "level"})
    assert answer.status_code == 422 and "newest, priority, deadline" in answer.text


def test_what_is_no_flag_or_state_says_so(writer, flag):
    assert writer.patch("/v1/flags/f-none", json={"state": "resolved"}).status_code == 404
    assert writer.patch(f"/v1/flags/{flag['id']}", json={"state": "open"}).status_code == 422
    assert writer.get("/v1/flags", params={"state": "lost"}).status_code == 422
    assert writer.get("/v1/flags", params={"cursor": "broken"}).status_code == 422


def test_a_flag_is_given_to_somebody(writer, flag):
    given = writer.patch(f"/v1/flags/{flag['id']}", json={"owner": "ann"}).json()
    assert (given["owner"], given["state"]) == ("ann", flag["state"])
    assert flag["id"] in [f["id"] for f in writer.get("/v1/flags", params={"owner": "ann"}).json()["items"]]
    assert writer.get("/v1/flags", params={"owner": "nobody"}).json()["items"] == []
    assert writer.patch(f"/v1/flags/{flag['id']}", json={}).status_code == 422
    assert writer.patch(f"/v1/flags/{flag['id']}", json={"owner": ""}).status_code == 422
