import json
import threading

import httpx
import pytest

from cxnlp.records import record_id

pytestmark = pytest.mark.slow
TEXT = "快递太慢了，等了八天还没到"


def send(other, writer, *numbers, text=TEXT, **more):
    """Send records, have them analysed and matched, and return their ids."""
    for n in numbers:
        body = {"source": "saved", "external_id": f"{n}", "text": f"{text} {n}", **more}
        assert writer.post("/v1/feedback", json=body).status_code == 200
    other.enrich()
    while other.service.saved.match():
        pass
    return [record_id("saved", f"{n}") for n in numbers]


@pytest.fixture
def search(writer):
    made = (
        writer.post("/v1/searches", json={"name": "slow", "text": TEXT, "filter": {"channel": "ticket", "source": "saved"}, "least": 0.4})
        .raise_for_status()
        .json()
    )
    yield made
    writer.delete(f"/v1/searches/{made['id']}")


def test_a_search_is_saved_listed_changed_and_deleted(writer, search):
    assert search == {
        "id": search["id"], "name": "slow", "text": TEXT, "like": [], "unlike": [], "filter": {"source": ["saved"], "channel": ["ticket"]},
        "least": 0.4, "author": "local", "created_at": search["created_at"], "disabled_at": None, "matches": 0,
    }  # fmt: skip
    assert writer.get(f"/v1/searches/{search['id']}").json() == search
    assert search in writer.get("/v1/searches").json()["items"]
    changed = writer.patch(f"/v1/searches/{search['id']}", json={"name": "slower", "filter": None, "enabled": False}).json()
    assert (changed["name"], changed["filter"], changed["text"], changed["least"]) == ("slower", {}, TEXT, 0.4)
    assert changed["disabled_at"]
    assert writer.delete(f"/v1/searches/{search['id']}").json() == {"deleted": 1}
    for answer in (writer.get(f"/v1/searches/{search['id']}"), writer.delete(f"/v1/searches/{search['id']}")):
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_matches_are_listed_in_parts_and_streamed(other, writer, search):
    before = other.service.store.events.last_seq()
    sent = send(other, writer, *range(5))
    send(other, writer, 99, text="咖啡豆很香，会回购")
    found, cursor = [], None
    while True:
        page = writer.get(f"/v1/searches/{search['id']}/matches", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        found += page["items"]
        if not (cursor := page["next_cursor"]):
            break
    assert sorted(item["record"]["id"] for item in found) == sorted(sent)
    assert all(0.4 <= item["score"] <= 1 and item["historical"] is False for item in found)
    assert writer.get(f"/v1/searches/{search['id']}").json()["matches"] == 5
    with writer.stream("GET", "/v1/events", params={"after": before, "types": "search.*"}, timeout=httpx.Timeout(60, read=60)) as answer:
        told = next(json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line.startswith("data: "))
    assert told["type"] == "search.matched"
    assert set(told["data"]) == {"search", "score", "record", "seq"}
    assert told["data"]["search"] == {"id": search["id"], "name": "slow"}
    assert told["data"]["record"]["id"] in sent


def test_examples_are_searched_for(other, writer):
    like, unlike = send(other, writer, "like", "unlike")
    made = writer.post("/v1/searches", json={"name": "by example", "like": [like], "unlike": [unlike]}).json()
    assert (made["text"], made["like"], made["unlike"]) == ("", [like], [unlike])
    writer.delete(f"/v1/searches/{made['id']}")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "n"}, 422),
        ({"name": "n", "text": "  "}, 422),
        ({"name": "n", "unlike": ["r-0123456789abcdef0123"]}, 422),
        ({"name": "n", "like": ["r-0123456789abcdef0123"]}, 404),
        ({"name": "n", "like": ["\ud800"]}, 404),
        ({"name": "n", "like": "r-0123456789abcdef0123"}, 422),
        ({"name": "n", "text": 3}, 422),
        ({"name": "n", "text": "x" * 100_000}, 422),
        ({"name": "", "text": TEXT}, 422),
        ({"text": TEXT}, 422),
        ({"name": "n", "text": TEXT, "filter": {"colour": "red"}}, 422),
        ({"name": "n", "text": TEXT, "filter": {"sentiment": "bad"}}, 422),
        ({"name": "n", "text": TEXT, "filter": [1]}, 422),
        ({"name": "n", "text": TEXT, "filter": {"cause": ["slwo"]}}, 422),
        ({"name": "n", "text": TEXT, "least": 1.5}, 422),
        ({"name": "n", "text": TEXT, "least": "high"}, 422),
        ({"name": "n", "text": TEXT, "colour": "red"}, 422),
    ],
)
def test_what_cannot_be_searched_for_is_a_4xx_with_the_remedy(writer, body, status):
    before = writer.get("/v1/searches").json()
    answer = writer.post("/v1/searches", content=json.dumps(body), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert len(answer.json()["detail"]) > 20
    assert writer.get("/v1/searches").json() == before


@pytest.mark.parametrize(
    "body", [{"name": None}, {"text": ""}, {"least": None}, {"enabled": "maybe"}, {"filter": {"label": {"lte": 1}}}, {"id": "s-1"}]
)
def test_a_change_that_cannot_be_is_a_422(writer, search, body):
    assert writer.patch(f"/v1/searches/{search['id']}", json=body).status_code == 422
    assert writer.get(f"/v1/searches/{search['id']}").json() == search


def test_what_is_not_there_is_a_404_and_a_strange_cursor_a_422(writer, search):
    assert writer.get("/v1/searches/s-none/matches").status_code == 404
    assert writer.patch("/v1/searches/s-none", json={"least": 0.1}).status_code == 404
    assert writer.get(f"/v1/searches/{search['id']}/matches", params={"cursor": "broken"}).status_code == 422
    assert writer.get(f"/v1/searches/{search['id']}/matches", params={"limit": 0}).status_code == 422


def test_several_may_be_saved_at_once(writer):
    made = []

    def save(n):
        made.append(writer.post("/v1/searches", json={"name": f"n{n}", "text": TEXT}).json())

    threads = [threading.Thread(target=save, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({search["id"] for search in made}) == 4
    for search in made:
        assert writer.delete(f"/v1/searches/{search['id']}").status_code == 200
