import pytest

pytestmark = pytest.mark.slow
RECORDS = [
    {
        "source": "g",
        "external_id": str(n),
        "channel": "social",
        "created_at": f"2026-11-0{n}T09:00:00Z",
        "text": f"The courier was slow again {'😡' * n}",
    }
    for n in range(1, 4)
]


@pytest.fixture(scope="module")
def grouped(other):
    with other.client() as client:
        client.post("/v1/feedback", json={"items": RECORDS}).raise_for_status()
        other.enrich()
        yield client


def _get(client, **parameters):
    return client.get("/v1/groups", params={"source": "g"} | parameters)


def test_copies_are_one_group(grouped):
    body = _get(grouped).raise_for_status().json()
    (group,) = body.pop("groups")
    assert body == {"by": "copies", "total": 1, "records": 3, "cut": False}
    assert (group["count"], group["channels"], group["more"], len(group["ids"])) == (3, {"social": 3}, 0, 3)
    assert group["record"]["external_id"] == "1"
    assert _get(grouped, least=4).json()["groups"] == []


def test_issues_of_a_window_that_ends_where_it_is_told(grouped):
    body = _get(grouped, by="issues", days=10, **{"created_at.lte": "2026-11-05"}).raise_for_status().json()
    (group,) = body["groups"]
    assert (group["name"], group["count"], group["before"], group["growth"]) == ("delivery/slow", 3, 0, None)
    assert group["quotes"][0]["text"] == "slow"
    assert (body["since"], body["until"], body["records"]) == ("2026-10-26T00:00:00Z", "2026-11-05T00:00:00Z", 3)
    assert _get(grouped, by="issues", days=10, **{"created_at.lte": "2026-10-05"}).json()["groups"] == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"by": "colour"}, {"least": 1}, {"limit": 0}, {"limit": 201}, {"by": "issues", "days": 0}, {"days": 3}, {"colour": "red"},
        {"by": "issues", "created_at.gte": "2026-11-01"}, {"sentiment.lte": "low"},
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_answered_is_a_422(client, parameters):
    answer = client.get("/v1/groups", params=parameters)
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"
