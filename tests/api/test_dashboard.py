"""Figures, headline numbers and views of topics over HTTP, and the page that shows them in a real browser."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import serve

from cxnlp.charts import Bar, Look, Report, draw_bars, write_report
from cxnlp.service.drawings import DRAWINGS
from cxnlp.service.topics.models import space_to_bytes
from cxnlp.store import Assigned, Assignments, FittedTopic, NewFit
from cxnlp.topics.space import Space

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]
READY = "#notice:not([hidden]), #figures [data-name=problems] details:not([hidden])"
THINGS = ("lamp", "kettle", "coat", "book", "tent", "chair", "phone", "drill", "pan", "desk")


def records():
    """Ten slow vans and five lovely things in the last days; four lovely things and one slow van in the four weeks before."""
    now = datetime.now(UTC).replace(microsecond=0)
    made = [{"channel": "review", "text": f"The {thing} came by a slow van", "customer": {"segment": "vip"}} for thing in THINGS]
    made += [{"channel": "ticket", "text": f"Lovely {thing}, well made", "rating": {"scale": "csat", "value": 5}} for thing in THINGS[:5]]
    before = [{"channel": "ticket", "text": f"Lovely {thing} again", "rating": {"scale": "csat", "value": 1}} for thing in THINGS[:4]]
    before.append({"channel": "review", "text": "A slow van <b>again</b>"})
    for number, record in enumerate([*made, *before]):
        days = 1 + number % 5 + (30 if number >= len(made) else 0)
        record |= {"source": "t", "external_id": str(number), "created_at": (now - timedelta(days=days)).isoformat()}
    return [*made, *before]


def keep_topics(store):
    """Make a topic of the slow vans and one of the lovely things, without BERTopic."""
    seqs = np.array(sorted(one.seq for one in store.vectors.entries(0, 100)), np.int64)
    said = store.sayings.of(seqs.tolist())
    rows = np.array([0 if "slow" in said[seq].text else 1 for seq in seqs.tolist()], np.int32)
    generation = store.generations.active()
    vectors = store.vectors.documents(seqs.tolist(), generation.id, generation.dim)
    centroids = [vectors[rows == row].mean(0) for row in (0, 1)]
    centroids = [centroid / np.linalg.norm(centroid) for centroid in centroids]
    places = ((-0.5, 0.1), (0.5, -0.1))
    topics = [
        FittedTopic(f"t-{row + 1}", ("slow van", "lovely made")[row], ("word",), centroids[row], int((rows == row).sum()), places[row],
                    ((int(seqs[rows == row][0]), -1),))
        for row in (0, 1)
    ]  # fmt: skip
    space = space_to_bytes(Space(np.zeros(generation.dim, np.float32), np.zeros((0, generation.dim), np.float32)))
    whole, sure = np.full(len(seqs), -1, np.int32), np.ones(len(seqs), np.float32)
    told = {"n_records": len(seqs), "from_at": 1.0, "to_at": 2.0, "metrics": {}, "report": None}
    number = store.topic_fits.begin("documents", "ann", {}, {}).number
    store.topic_fits.keep(number, NewFit(topics, Assignments(seqs, whole, rows, sure), generation.encoder, space, 0.1, told))
    nothing = Assigned(seqs[:0], whole[:0], [], sure[:0])
    ids = [f"t-{row + 1}" for row in rows.tolist()]
    store.members.activate(number, Assigned(seqs, whole, ids, sure), store.events.last_seq(), lambda _: nothing, "ann")


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """A server with these records, analysed and found, in two topics."""
    with serve(tmp_path_factory.mktemp("board")) as server, server.client() as client:
        client.post("/v1/feedback", json={"items": records()}).raise_for_status()
        server.enrich()
        keep_topics(server.service.store)
        client.patch("/v1/topics/t-1", json={"names": {"zh": "送货慢", "en": "Slow vans"}}).raise_for_status()
        server.catch_up(client)
        server.wait_until(lambda: client.get("/v1/charts/topics").json()["data"])
        yield server


@pytest.fixture
def site(board):
    return board


@pytest.fixture
def ask(board):
    def ask_(path, **query):
        with board.client() as client:
            return client.get(path, params=query)

    return ask_


def test_headline_numbers_are_compared_with_the_period_before(ask):
    answer = ask("/v1/overview").json()
    numbers = {one["measure"]: one for one in answer["items"]}
    assert (numbers["volume"]["value"], numbers["volume"]["before"]["value"]) == (15, 5)
    assert numbers["volume"]["shown"]["change"] == "+200%" and numbers["volume"]["better"] is None
    assert numbers["negative_share"]["shown"] == {"value": "66.7%", "before": "20.0%", "change": "+46.7 points"}
    assert (numbers["csat"]["value"], numbers["csat"]["n"], numbers["csat"]["better"]) == (1, 5, True)
    assert "nps" not in numbers, "nobody gave one"
    since, until = (datetime.fromisoformat(answer[name]) for name in ("since", "until"))
    assert (until - since).days == 27
    chinese = ask("/v1/overview", display="zh", channel="ticket").json()["items"]
    assert [one["name"] for one in chinese][:2] == ["反馈数", "负面占比"] and chinese[0]["value"] == 5


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_figure_can_be_drawn_in_both_languages(ask, name):
    for display, theme in (("en", "light"), ("zh", "dark")):
        figure = ask(f"/v1/charts/{name}", display=display, theme=theme)
        assert figure.status_code == 200, figure.text
        meta = figure.json()["layout"]["meta"]
        assert figure.json()["data"] and meta["rows"] and len(meta["keys"]) == len(meta["rows"])
        assert meta["title"].startswith(DRAWINGS[name].title[display == "zh"])


def test_a_figure_has_the_records_that_pass_the_filter(ask):
    (bars,) = [one for one in ask("/v1/charts/volume").json()["data"] if one["type"] == "bar"]
    assert sum(bars["y"]) == 15 and len(bars["x"]) == 28
    (bars,) = [one for one in ask("/v1/charts/volume", channel="ticket").json()["data"] if one["type"] == "bar"]
    assert sum(bars["y"]) == 5
    causes = ask("/v1/charts/causes").json()["layout"]["meta"]
    assert causes["rows"] == [["Slow or late", "10", "1"]] and causes["keys"] == [{"cause": "slow"}]
    shares = ask("/v1/charts/touchpoints", measure="sentiment", display="zh").json()["layout"]["meta"]
    assert "平均情感" in shares["title"] and shares["rows"][0][1] == "−0.80"


def test_topics_grow_beyond_chance_or_not(ask):
    shifts = ask("/v1/charts/topics").json()["layout"]["meta"]
    assert shifts["rows"][0] == ["Slow vans", "20.0%", "66.7%", "10", "Within chance"]
    assert ask("/v1/charts/topics", display="zh").json()["layout"]["meta"]["rows"][0][0] == "送货慢"
    grid = ask("/v1/charts/topics_by_channel").json()["data"][0]
    assert dict(zip(grid["x"], grid["z"][grid["y"].index("Slow vans")], strict=True)) == {"Review": 10, "Ticket": None}


def test_the_map_has_topics_and_records_where_they_lie(ask):
    found = ask("/v1/topics/map", channel="review", limit=6).json()
    assert {topic["id"]: topic["position"] for topic in found["topics"]}["t-2"] == pytest.approx([0.5, -0.1])
    assert len(found["records"]) == 6 and {one["topic"] for one in found["records"]} == {"t-1"}
    assert all(abs(one["position"][0]) <= 0.51 and "slow van" in one["text"] for one in found["records"])
    assert ask("/v1/topics/map", limit=5001).status_code == 422


def test_the_hierarchy_joins_topics_that_are_alike(ask):
    found = ask("/v1/topics/hierarchy").json()
    (join,) = found["joins"]
    assert {join["left"], join["right"]} == {0, 1} and -1 <= join["likeness"] <= 1
    assert [topic["id"] for topic in found["items"]] == ["t-1", "t-2"]


def test_topics_are_exported_and_read_back(ask):
    rows = ask("/v1/topics/export").json()
    slow = next(row for row in rows if row["id"] == "t-1")
    assert (slow["n"], slow["n_now"], slow["n_before"], slow["name_zh"]) == (11, 10, 1, "送货慢") and "slow van" in slow["quotes"][0]
    assert [json.loads(line) for line in ask("/v1/topics/export", format="jsonl").text.splitlines()] == rows
    table = pq.read_table(io.BytesIO(ask("/v1/topics/export", format="parquet").content)).to_pylist()
    assert table == rows
    listed = list(csv.DictReader(io.StringIO(ask("/v1/topics/export", format="csv").content.decode("utf-8-sig"))))
    assert [row["id"] for row in listed] == [row["id"] for row in rows] and listed[0]["n"] == str(rows[0]["n"])
    members = ask("/v1/topics/export", members=True).json()
    assert len(members) == 20 and {row["topic"] for row in members if "slow" in row["text"]} == {"t-1"}


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/v1/charts/pie", {}, 404),
        ("/v1/charts/volume", {"measure": "joy"}, 422),
        ("/v1/charts/volume", {"since": "2026-11-09", "until": "2026-11-01"}, 422),
        ("/v1/charts/volume", {"timezone": "Mars/Base"}, 422),
        ("/v1/charts/volume", {"colour": "red"}, 422),
        ("/v1/overview", {"display": "fr"}, 422),
        ("/v1/topics/export", {"on": "clauses"}, 422),
    ],
)
def test_what_cannot_be_shown_is_a_problem(ask, path, query, status):
    answer = ask(path, **query)
    assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json", answer.text


def test_the_page_shows_numbers_figures_and_tables(open_page):
    page = open_page("/dashboard", ready=READY)
    assert page.locator("#numbers li").first.inner_text().split()[:2] == ["Records", "15"]
    page.locator("[data-name=volume] .main-svg").first.wait_for()
    assert page.locator("[data-name=causes] h2").inner_text() == "What went wrong"
    page.locator("[data-name=causes] summary").press("Enter")
    cells = page.locator("[data-name=causes] td")
    assert cells.all_inner_texts() == ["Slow or late", "10", "1"]
    assert page.locator("#alerts").inner_text() == "No open alerts"
    page.locator("#bar select[name=channel]").select_option("ticket")
    page.locator("#numbers li", has_text="5").first.wait_for()
    assert "channel=ticket" in page.url


def test_a_row_of_a_figure_leads_to_its_records(open_page):
    page = open_page("/dashboard#channel=review", ready=READY)
    page.locator("[data-name=topics] summary").press("Enter")
    page.locator("[data-name=topics] td a", has_text="Slow vans").press("Enter")
    page.locator("#cards article").nth(9).wait_for()
    assert page.locator("#cards article").count() == 10, "those of the period, not the one before"
    page.get_by_role("button", name="Topic: Slow vans").wait_for()


def test_the_page_is_chinese_and_narrow_for_who_wants_it(open_page):
    page = open_page("/dashboard", locale="zh-CN", width=390, ready=READY)
    assert page.locator("#numbers li").first.inner_text().startswith("反馈数")
    assert page.locator("[data-name=topics] h2").inner_text() == "主题：本期与上期"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_report_is_drawn_from_a_file_without_a_network(browser, tmp_path):
    look = Look("zh", "dark")
    figure = draw_bars([Bar("物流", 2, 2)], "volume", look, "问题")
    (tmp_path / "report.html").write_text(write_report(Report("报告", "十月", [], [figure]), look), encoding="utf-8")
    context = browser.new_context(offline=True)
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "report.html").as_uri())
    page.locator("#plot-1 .main-svg").first.wait_for()
    assert page.locator("h2").inner_text() == "问题"
    assert all(url.startswith(("file:", "data:")) for url in asked)
    context.close()


def test_an_empty_store_says_what_to_do(browser, tmp_path):
    with serve(tmp_path) as server:
        page = browser.new_page()
        page.goto(f"{server.url}/dashboard")
        page.get_by_role("alert").filter(has_text="cxnlp ingest feedback.csv").wait_for()
        assert page.locator("#shown").is_hidden()
        page.close()
