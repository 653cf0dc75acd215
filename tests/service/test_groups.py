"""Groups of what is stored: copies and issues."""

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cxnlp.errors import Conflict, InvalidQuery
from cxnlp.filters import Filter, parse_filter
from cxnlp.pipeline import Pipeline
from cxnlp.privacy import Masker
from cxnlp.service import Enrichment, Groups, Intake, groups
from cxnlp.store import open_store
from tests.fakes import HashingEncoder, WordHeads

ZH = "我上周在官网买的净水器到现在都没有发货，问了三次客服都说在催，到底什么时候能发出来，再不发我就要退款了"
EN = "I ordered a water filter from your site last week and it still has not shipped, support keeps telling me to wait another day"
END = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'cxnlp.db'}")
    yield store
    store.close()


@pytest.fixture
def found(store):
    return Groups(store, HashingEncoder)


def _add(store, *texts, at=END, analysed=False, **more):
    first = store.feedback.count(Filter())
    times = [(at - timedelta(hours=i)).isoformat() for i in range(len(texts))]
    rows = [{"external_id": f"{first + i}", "text": text, "created_at": times[i], **more} for i, text in enumerate(texts)]
    ids = [o.id for o in Intake(Masker(), b"key", ZoneInfo("UTC")).receive(store, rows)]
    if analysed:
        Enrichment(store, Pipeline(HashingEncoder(), WordHeads())).drain(lambda done, waiting: None)
    return ids


def _members(copies):
    return [set(group.ids) for group in copies.groups]


def test_identical_texts_are_one_group_whatever_their_case_emoji_and_url(store, found):
    same = _add(store, "快递太慢", "快遞太慢！！😡", "快递 太慢 http://t.cn/A6", "RT @李四: 快递太慢", "【转发】快递太慢")
    english = _add(store, "Never again", "NEVER AGAIN!!! 👎", "never again https://example.com/x?y=1")
    _add(store, "快递太快", "again and again")
    copies = found.copies(Filter())
    assert _members(copies) == [set(same), set(english)]
    assert (copies.n_groups, copies.n_records, copies.cut) == (2, 10, False)


def test_templates_with_other_numbers_and_names_are_one_group(store, found):
    chinese = _add(store, *(f"{name}：{ZH}，订单号{n}" for n, name in enumerate(("王小红", "李大伟", "张建军"))))
    english = _add(store, *(EN.replace("filter", word) for word in ("filter", "kettle")))
    assert _members(found.copies(Filter())) == [set(chinese), set(english)]


def test_different_complaints_and_opposites_stay_apart(store, found):
    _add(store, ZH, EN, "我对这次的服务非常满意，问题解决得很快，谢谢你们的客服", "我对这次的服务非常不满意，问题解决得很快，谢谢你们的客服")
    assert found.copies(Filter()).groups == ()


def test_texts_without_letters_are_copies_only_of_the_same(store, found):
    thumbs = _add(store, "👍👍", "👍 👍")
    _add(store, "👎", "10086", "10010")
    assert _members(found.copies(Filter())) == [set(thumbs)]


def test_a_group_is_described_by_its_first_record(store, found):
    newest = _add(store, ZH, ZH + "！", channel="social")
    (oldest,) = _add(store, ZH, at=END - timedelta(days=3), channel="review")
    (group,) = found.copies(Filter()).groups
    assert (group.n, dict(group.channels), group.ids) == (3, {"social": 2, "review": 1}, (*newest, oldest))
    assert group.example.feedback.id == oldest
    assert (group.first_at, group.last_at) == (END - timedelta(days=3), END)
    line = group.to_json()
    assert line["record"]["id"] == oldest and line["count"] == 3 and line["more"] == 0 and line["last_at"] == "2026-11-20T00:00:00Z"


def test_customers_are_compared_not_agents(store, found):
    turns = [{"speaker": "agent", "text": "Welcome to the shop, how can I help you today?"}]
    for said in ("My parcel is lost", "Where is the invoice"):
        _add(store, "", turns=[*turns, {"speaker": "customer", "text": said}])
    silent = [{"speaker": "customer", "text": "?"}]
    _add(store, "", turns=[*turns, *silent])
    assert found.copies(Filter()).groups == ()


def test_filter_least_limit_and_most_narrow(store, found):
    _add(store, *["ok"] * 4, channel="review")
    _add(store, *["fine"] * 3, channel="survey")
    assert [group.n for group in found.copies(Filter()).groups] == [4, 3]
    assert [group.n for group in found.copies(parse_filter({"channel": "survey"})).groups] == [3]
    assert [group.n for group in found.copies(Filter(), 4).groups] == [4]
    limited = found.copies(Filter(), limit=1)
    assert (len(limited.groups), limited.n_groups) == (1, 2)
    cut = found.copies(Filter(), most=4)
    assert ([group.n for group in cut.groups], cut.n_records, cut.cut) == ([3], 4, True)


def test_a_huge_group_names_its_newest_members_and_counts_the_others(store, found):
    ids = _add(store, *(f"{ZH}{n}" for n in range(2_500)))
    seen = []
    (group,) = found.copies(Filter(), on_progress=lambda done, total: seen.append((done, total))).groups
    assert (group.n, group.ids) == (2_500, tuple(ids[:100]))
    assert group.to_json()["more"] == 2_400
    assert seen[-1] == (2_500, 2_500) and len(seen) > 1


def test_what_is_forgotten_is_in_no_group(store, found):
    ids = _add(store, "ok", "ok", "ok")
    store.feedback.forget(ids[:2])
    assert found.copies(Filter()).groups == ()


def test_an_empty_store_has_no_groups(store, found):
    copies, issues = found.copies(Filter()), found.issues(Filter())
    assert (copies.groups, copies.n_records, copies.cut) == ((), 0, False)
    assert (issues.groups, issues.n_records, issues.n_before, issues.cut) == ((), 0, 0, False)


def test_issues_of_a_window_are_compared_with_the_time_before(store, found):
    slow = "The parcel was slow again, it took nine days"
    _add(store, "hello there", at=END - timedelta(days=90), analysed=True)
    _add(store, slow, at=END - timedelta(days=45), analysed=True)
    ids = _add(store, *[slow] * 12, analysed=True)
    _add(store, "Lovely shop", "你们几点开门", analysed=True)
    issues = found.issues(parse_filter({"created_at": {"lte": END.isoformat()}}), 30)
    (issue,) = issues.groups
    assert (issue.name, issue.n, issue.n_before, issue.growth) == ("delivery/slow", 12, 1, "growing")
    assert issue.ids == tuple(ids) and issue.quotes[0][0] in ids
    assert (issues.n_records, issues.n_before, issues.since, issues.until) == (14, 1, END - timedelta(days=30), END)
    line = issues.to_json()
    assert line["since"] == "2026-10-21T00:00:00Z" and line["groups"][0]["growth"] == "growing" and line["groups"][0]["more"] == 0


def test_without_a_time_before_nothing_is_said_to_grow(store, found):
    _add(store, *["The parcel was slow"] * 9, at=datetime.now(UTC), analysed=True)
    (issue,) = found.issues(Filter()).groups
    assert (issue.n, issue.growth, issue.p) == (9, None, None)


def test_a_store_that_began_lately_is_compared_by_the_time_that_is_known(store, found):
    _add(store, *["The parcel was slow"] * 8, at=END, analysed=True)
    _add(store, "The parcel was slow", at=END - timedelta(days=31), analysed=True)
    filter = parse_filter({"created_at": {"lte": END.isoformat()}})
    assert [(issue.n, issue.n_before, issue.growth) for issue in found.issues(filter, 30).groups] == [(8, 1, "steady")]
    _add(store, "Lovely shop", at=END - timedelta(days=80), analysed=True)
    assert [issue.growth for issue in found.issues(filter, 30).groups] == ["growing"]


def test_a_window_of_too_many_records_is_shortened(store, found, monkeypatch):
    monkeypatch.setattr(groups, "MOST_OF_A_WINDOW", 5)
    _add(store, *["The parcel was slow"] * 30, analysed=True)
    issues = found.issues(parse_filter({"created_at": {"lte": END.isoformat()}}), 30)
    assert (issues.cut, issues.n_records, issues.since) == (True, 5, END - timedelta(hours=4))
    (issue,) = issues.groups
    assert (issue.n, issue.n_before, issue.growth) == (5, 4, "steady")


@pytest.mark.parametrize(
    "ask",
    [
        lambda found: found.copies(Filter(), 1),
        lambda found: found.copies(Filter(), limit=0),
        lambda found: found.copies(Filter(), limit=1_001),
        lambda found: found.issues(Filter(), 0),
        lambda found: found.issues(Filter(), 4_000),
        lambda found: found.issues(Filter(), least=0),
        lambda found: found.issues(parse_filter({"created_at": {"gte": "2026-11-01"}})),
    ],
)
def test_what_cannot_be_grouped_says_why(found, ask):
    with pytest.raises(InvalidQuery, match=r"write|give"):
        ask(found)


def test_one_question_at_a_time(store, found, monkeypatch):
    monkeypatch.setattr(groups, "_PATIENCE_SECONDS", 0.01)
    _add(store, "ok", "ok")
    refused = []

    def ask_too(done, total):
        def ask():
            with pytest.raises(Conflict, match="try again"):
                found.copies(Filter())
            refused.append(done)

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()

    assert len(found.copies(Filter(), on_progress=ask_too).groups) == 1
    assert refused == [2]
    assert len(found.copies(Filter()).groups) == 1
