import pytest
from conftest import serve

pytestmark = pytest.mark.slow
TEXTS = [
    f"{said} {detail}"
    for said in ("怎么取消自动续费？", "请关闭我的自动扣款。", "How do I cancel my plan?", "Please stop the renewal.", "不想续会员了，")
    for detail in ("急", "谢谢", "thanks", "before Friday", "账号尾号见订单", "I moved away")
]


@pytest.fixture(scope="module")
def learning(tmp_path_factory):
    """A server with 30 records, 24 of them corrected to the same."""
    with serve(tmp_path_factory.mktemp("learning")) as server, server.client() as client:
        rows = [{"source": "desk", "external_id": str(n), "text": text} for n, text in enumerate(TEXTS)]
        items = client.post("/v1/feedback", json={"items": rows}).raise_for_status().json()["items"]
        assert client.post("/v1/models/heads/retrains").status_code == 422
        server.enrich()
        for item in items[:24]:
            client.patch(f"/v1/feedback/{item['id']}", json={"intent": "complaint", "sentiment": -0.5}).raise_for_status()
        yield server


def _model(client):
    return client.post("/v1/analyze", json={"text": "怎么取消会员的自动续费"}).json()["model"]


def test_a_retrain_is_begun_followed_used_and_undone(learning):
    with learning.client() as client:
        shipped = client.get("/v1/status").json()["model"]
        assert _model(client) == shipped
        begun = client.post("/v1/models/heads/retrains?activate=always").raise_for_status().json()
        assert (begun["state"], begun["author"], begun["version"]) == ("running", "local", None)
        assert client.post("/v1/models/heads/retrains").status_code == 409
        path = f"/v1/models/heads/retrains/{begun['id']}"
        learning.wait_until(lambda: client.get(path).json()["state"] != "running", 600)
        ended = client.get(path).json()
        assert (ended["state"], ended["share"]) == ("done", 1.0), ended
        version = ended["version"]
        assert client.get("/v1/models/heads/retrains").json()["items"] == [ended]

        listed = client.get("/v1/models/heads").json()
        assert (listed["active"], listed["warning"]) == (version, None)
        assert [(item["id"], item["parent"], item["active"]) for item in listed["items"]] == [(shipped, None, False), (version, shipped, True)]
        learning.wait_until(lambda: _model(client) == version, 30)
        assert client.get("/v1/status").json()["model"] == version

        found = client.get(f"/v1/models/heads/compare?a={shipped}&b={version}").json()  # the plus sign is not escaped
        assert (found["a"], found["b"]) == (shipped, version)
        assert found["cases"]["a"]["n"] >= 120
        assert found["corrections"]["b"] == listed["items"][1]["metrics"]["corrections"]["own"]

        assert client.post("/v1/models/heads/rollback").json() == {"active": shipped, "warning": None}
        learning.wait_until(lambda: _model(client) == shipped, 30)
        assert client.post("/v1/models/heads/rollback").status_code == 409
        assert client.post(f"/v1/models/heads/{version}/activate").json()["active"] == version
        learning.wait_until(lambda: _model(client) == version, 30)


def test_what_is_unknown_is_not_found(writer):
    assert writer.post("/v1/models/heads/none+1/activate").status_code == 404
    assert writer.get("/v1/models/heads/compare?a=none&b=none+1").status_code == 404
    assert writer.get("/v1/models/heads/retrains/j-0").status_code == 404
