"""Topics over HTTP: real fits in processes of their own, below a real server."""

import pytest
from conftest import serve

pytestmark = pytest.mark.slow
SUBJECTS = ("快递送货太慢，等了很久", "优惠券领取不了，页面报错", "The coffee machine leaks water everywhere", "门店排队时间太长")
ENDINGS = ("急", "唉", "真的", "不开心", "又来了", "as always", "想问", "怎么办", "谢谢", "请处理", "气死了", "算了")


@pytest.fixture(scope="module")
def fitting(tmp_path_factory):
    """A server with 48 records on four subjects."""
    with serve(tmp_path_factory.mktemp("fitting")) as server, server.client() as client:
        rows = [{"source": "desk", "external_id": f"{said} {end}", "text": f"{said} {end}"} for said in SUBJECTS for end in ENDINGS]
        assert client.post("/v1/topics/fits", json={}).status_code == 422
        client.post("/v1/feedback", json={"items": rows}).raise_for_status()
        server.enrich()
        server.catch_up(client)
        yield server


def _ended(server, client, number):
    server.wait_until(lambda: client.get(f"/v1/topics/fits/{number}").json()["state"] != "running", 600)
    return client.get(f"/v1/topics/fits/{number}").json()


def _records(client, **query):
    return client.get("/v1/feedback", params={"limit": 200} | query).json()["items"]


def test_a_fit_is_begun_refused_twice_cancelled_and_done_and_people_put_the_topics_in_order(fitting):
    with fitting.client() as client:
        begun = client.post("/v1/topics/fits", json={"n_topics": 4})
        assert begun.status_code == 202 and begun.json()["state"] == "running" and begun.json()["author"] == "local"
        again = client.post("/v1/topics/fits", json={})
        assert again.status_code == 409 and f"fit {begun.json()['number']} is running" in again.json()["detail"]
        assert client.delete(f"/v1/topics/fits/{begun.json()['number']}").status_code == 200
        assert _ended(fitting, client, begun.json()["number"])["state"] == "cancelled"
        assert client.get("/v1/topics").json() == {"items": []}

        number = client.post("/v1/topics/fits", json={"n_topics": 4, "outlier_share": 0}).json()["number"]
        done = _ended(fitting, client, number)
        assert (done["state"], done["active"], done["counts"]["items"]) == ("done", True, 48), done
        listed = client.get("/v1/topics").json()["items"]
        assert len(listed) == 4 and sum(topic["n"] for topic in listed) == 48
        a, b = listed[0]["id"], listed[1]["id"]
        shown = client.get(f"/v1/topics/{a}").json()
        assert shown["quotes"] and all(quote["text"] for quote in shown["quotes"])
        assert len(client.get(f"/v1/topics/{a}/members", params={"limit": 5}).json()["items"]) == 5

        named = client.patch(f"/v1/topics/{a}", json={"names": {"zh": "第一", "en": "First"}, "pinned": {"touchpoint": "delivery"}})
        assert named.json()["names"] == {"zh": "第一", "en": "First"} and named.json()["pinned"] == {"touchpoint": "delivery", "cause": None}
        assert {record["topic"]["label"] for record in _records(client, topic=a)} <= {"第一", "First"}
        assert client.post(f"/v1/topics/{a}/merge", json={"topics": [b]}).json()["n"] == listed[0]["n"] + listed[1]["n"]
        both = listed[0]["n"] + listed[1]["n"]
        assert len(_records(client, topic=a)) == len(_records(client, topic=b)) == both
        fitting.wait_until(lambda: client.post("/v1/search", json={"text": "快递", "filter": {"topic": [b]}}).json()["total"] == both)
        moved = _records(client, topic=a)[0]["id"]
        assert client.post("/v1/topics/moves", json={"items": [{"record_id": moved}], "to": None}).json()["moved"] >= 1
        assert "topic" not in client.get(f"/v1/feedback/{moved}").json()
        assert [change["action"] for change in client.get(f"/v1/topics/{a}/history").json()["items"]] == ["move", "merge", "pin", "rename"]
        for action in ("move", "merge"):
            assert client.post(f"/v1/topics/{a}/undo").json()["undone"][0]["action"] == action
        assert {topic["id"]: topic["n"] for topic in client.get("/v1/topics").json()["items"]} == {topic["id"]: topic["n"] for topic in listed}

        types = [event.type for event in fitting.service.delivery.events(0, 1000).messages]
        assert {"topic.fitted", "topic.activated", "topic.changed"} <= set(types)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/topics/t-99", None, 404),
        ("GET", "/v1/topics/fits/99", None, 404),
        ("POST", "/v1/topics/fits/99/activate", None, 404),
        ("DELETE", "/v1/topics/fits/99", None, 404),
        ("PATCH", "/v1/topics/t-99", {"muted": True}, 404),
        ("POST", "/v1/topics/t-99/split", {}, 404),
        ("POST", "/v1/topics/t-99/undo", None, 404),
        ("POST", "/v1/topics/moves", {"items": []}, 422),
        ("POST", "/v1/topics/fits", {"on": "clauses"}, 422),
        ("POST", "/v1/topics/fits", {"outlier_share": 2}, 422),
        ("POST", "/v1/topics/fits", {"filter": {"channel": ["call"]}}, 422),
        ("POST", "/v1/topics/fits", {"seeds": 1}, 422),
        ("GET", "/v1/feedback?topic=t-99", None, 422),
        ("POST", "/v1/search", {"text": "x", "filter": {"topic": ["t-99"]}}, 422),
        ("GET", "/v1/topics?on=clauses", None, 422),
        ("GET", "/v1/topics/fits/compare?a=98&b=99", None, 404),
        ("POST", "/v1/topics/fits/rollback?on=clauses&about=problems", None, 409),
    ],
)
def test_what_cannot_be_done_is_a_problem(fitting, method, path, body, status):
    with fitting.client() as client:
        answer = client.request(method, path, json=body)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json" and answer.json()["detail"]
