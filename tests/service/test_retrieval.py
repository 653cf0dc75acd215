from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from cxnlp.errors import Conflict, InvalidInput, InvalidQuery, NotFound
from cxnlp.filters import parse_filter
from cxnlp.pipeline import Pipeline
from cxnlp.privacy import Masker
from cxnlp.service import Enrichment, Intake, Question, Retrieval
from cxnlp.store import open_store
from cxnlp.taxonomy import load_taxonomy
from tests.fakes import HashingEncoder, WordHeads

TEXTS = ("快递太慢了，等了一个星期", "快递太慢，三天没动静", "咖啡很好喝，味道浓", "The parcel was broken", "界面好看")


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'cxnlp.db'}")
    yield store
    store.close()


def _add(store, *texts, **more):
    rows = [{"external_id": text, "text": text, **more} for text in texts]
    ids = [o.id for o in Intake(Masker(), b"key", ZoneInfo("UTC")).receive(store, rows)]
    Enrichment(store, Pipeline(HashingEncoder(), WordHeads())).drain(lambda done, waiting: None)
    return ids


def _retrieval(store):
    return Retrieval(store, HashingEncoder(), Masker())


def _ask(store, text="", **more):
    return _retrieval(store).ask(Question(text, **more))


def _ids(found):
    return [hit.record.feedback.id for hit in found.hits]


def test_the_nearest_come_first_with_score_and_exact_quote(store):
    ids = _add(store, *TEXTS)
    found = _ask(store, "快递太慢了，等了一个星期", k=3)
    assert [hit.record.feedback.id for hit in found.hits][:2] == ids[:2]
    assert found.hits[0].score > 0.99 and found.total == 5
    for hit in found.hits:
        assert hit.record.feedback.text[hit.quote.start : hit.quote.end] == hit.quote.text


def test_vectors_of_another_encoder_are_not_compared_with_a_text_but_with_each_other(store):
    ids = _add(store, *TEXTS)

    class Other(HashingEncoder):
        id = "hashing-2"

    retrieval = Retrieval(store, Other(), Masker())
    with pytest.raises(Conflict, match="cxnlp reindex"):
        retrieval.ask(Question("快递太慢了"))
    assert _ids(retrieval.ask(Question(like=(ids[0],), k=1))) == [ids[1]]


def test_only_what_passes_the_filter_is_found(store):
    _add(store, *TEXTS)
    found = _ask(store, "快递", k=10, filter=parse_filter({"label": "negative", "touchpoint": "delivery"}))
    assert {hit.record.analysis.label for hit in found.hits} == {"negative"}
    assert found.total == len(found.hits) == 3


def test_a_label_that_no_record_has_or_can_have_is_refused_with_the_nearest(store):
    _add(store, *TEXTS)
    retrieval = Retrieval(store, HashingEncoder(), Masker(), taxonomy=load_taxonomy())
    wrong = (
        ({"touchpoint": "delivry"}, r"touchpoint is 'delivry'.*'delivery'\?"),
        ({"intent": "praised"}, r"'praise'\?"),
        ({"channel": "x"}, "channel"),
    )
    for filter, message in wrong:
        with pytest.raises(InvalidInput, match=message):
            retrieval.ask(Question("快递", filter=parse_filter(filter)))
    assert retrieval.ask(Question("快递", filter=parse_filter({"touchpoint": "delivery"}))).total == 3


def test_a_label_that_records_have_of_an_earlier_taxonomy_is_found(store):
    _add(store, *TEXTS)
    taxonomy = load_taxonomy()
    later = replace(taxonomy, touchpoints=tuple(label for label in taxonomy.touchpoints if label.id != "delivery"))
    retrieval = Retrieval(store, HashingEncoder(), Masker(), taxonomy=later)
    assert retrieval.ask(Question("快递", filter=parse_filter({"touchpoint": "delivery"}))).total == 3
    with pytest.raises(InvalidInput, match="delivry"):
        retrieval.ask(Question("快递", filter=parse_filter({"touchpoint": ["delivery", "delivry"]})))


def test_similar_leaves_the_record_itself_out(store):
    ids = _add(store, *TEXTS)
    found = _ask(store, like=(ids[0],), k=2)
    assert found.hits[0].record.feedback.id == ids[1]
    assert found.total == 4


def test_what_is_added_later_is_found_and_what_is_forgotten_is_gone_at_once(store):
    ids = _add(store, *TEXTS)
    retrieval = _retrieval(store)
    retrieval.catch_up()
    (late,) = _add(store, "快递太慢了，等了一个月")
    assert retrieval.catch_up() > 0 and retrieval.n_indexed == 6
    store.feedback.forget([ids[0]])
    found = retrieval.ask(Question("快递太慢了，等了一个星期", k=5))
    assert ids[0] not in [hit.record.feedback.id for hit in found.hits]
    assert late in [hit.record.feedback.id for hit in found.hits]


def test_a_new_generation_is_taken_over_whole(store):
    ids = _add(store, *TEXTS)
    retrieval = _retrieval(store)
    retrieval.catch_up()

    class Other(HashingEncoder):
        id = "hashing-2"

    Enrichment(store, Pipeline(Other(), WordHeads())).reindex(lambda done, total: None)
    retrieval.catch_up()
    assert retrieval.n_indexed == len(ids)


@pytest.mark.parametrize(("text", "k"), [("", 5), (" \n", 5), ("x" * 20_001, 5), ("ok", 0), ("ok", 1_001), ("ok", -1)])
def test_queries_that_cannot_be_answered_say_why(store, text, k):
    with pytest.raises(InvalidQuery):
        _ask(store, text, k=k)


def test_similar_to_nothing_is_not_found(store):
    with pytest.raises(NotFound, match="r-none"):
        _ask(store, like=("r-none",), k=3)


def test_an_empty_store_has_no_hits(store):
    found = _ask(store, "快递", k=3)
    assert (found.hits, found.total) == ((), 0)


def test_similar_knows_what_was_analysed_a_moment_ago(store):
    ids = _add(store, *TEXTS)
    retrieval = _retrieval(store)
    retrieval.catch_up()
    (late,) = _add(store, "快递太慢了，等了一个月")
    assert retrieval.ask(Question(like=(late,), k=1)).hits[0].record.feedback.id in ids


def test_the_like_of_a_forgotten_record_is_not_found_at_once(store):
    ids = _add(store, *TEXTS)
    retrieval = _retrieval(store)
    retrieval.catch_up()
    store.feedback.forget([ids[0]])
    with pytest.raises(NotFound, match=ids[0]):
        retrieval.ask(Question(like=(ids[0],), k=2))


def test_hits_show_corrections(store):
    ids = _add(store, *TEXTS)
    store.feedback.correct(ids[0], {"sentiment": 0.5}, "ada")
    hit = _ask(store, TEXTS[0], k=1).hits[0]
    assert hit.record.analysis.sentiment == 0.5
    assert hit.record.corrected == ("sentiment",)


def test_a_product_code_is_found_whatever_the_vectors_say(store):
    *_, code = _add(store, *(f"快递太慢了，等了{n}天" for n in range(2, 40)), "型号 ZX-900B 的滤芯去哪里买")
    found = _ask(store, "ZX-900B", k=3)
    assert _ids(found)[0] == code
    assert found.hits[0].matched == ("zx-900b",)


def test_a_phrase_in_quotation_marks_must_occur(store):
    one, _, both = _add(store, "客服态度很差", "客服慢，态度好", "我说客服态度很差，真的")
    assert set(_ids(_ask(store, "“客服态度很差”"))) == {one, both}
    assert _ids(_ask(store, '"never said by anyone"')) == []


def test_a_pasted_complaint_that_quotes_somebody_is_answered(store):
    ids = _add(store, *TEXTS)
    pasted = "我等了一个星期快递还没到，打电话去问，客服说“明天一定到”，结果又过了三天还是没有动静，快递太慢了，我要退款"
    assert sorted(_ids(_ask(store, pasted, k=5))) == sorted(ids)


def test_one_way_of_ranking_can_be_asked_for(store):
    ids = _add(store, *TEXTS)
    assert _ids(_ask(store, "parcel", by="words")) == [ids[3]]
    assert len(_ask(store, "parcel", by="meaning").hits) == 5


def test_of_the_nearest_the_newest_come_first(store):
    old = _add(store, "快递太慢了，等了一个星期", created_at="2026-01-01T00:00:00Z")
    new = _add(store, "快递太慢了，等了一个星期啊", created_at="2026-02-01T00:00:00Z")
    assert _ids(_ask(store, "快递太慢了，等了一个星期", sort="newest")) == new + old
    assert _ids(_ask(store, "快递太慢了，等了一个星期")) == old + new


def test_copies_are_one_hit_on_request(store):
    _add(store, "快递太慢了！", "快递太慢了", "快递 太慢 了 😡", "咖啡很好喝，味道浓")
    assert [hit.copies for hit in _ask(store, "快递太慢了", k=2, collapse=True).hits] == [3, 1]
    assert [hit.copies for hit in _ask(store, "快递太慢了", k=2).hits] == [None, None]


def test_collapsed_parts_lose_nothing_and_repeat_nothing(store):
    for text in TEXTS:
        _add(store, text, f"{text}！！", f"{text} 😡")
    seen, cursor = [], None
    while True:
        found = _ask(store, "快递太慢", k=2, collapse=True, cursor=cursor)
        seen += [(hit.record.feedback.text.rstrip("！ 😡"), hit.copies) for hit in found.hits]
        if (cursor := found.next_cursor) is None:
            break
    assert sorted(seen) == sorted((text, 3) for text in TEXTS)


def test_the_newest_of_all_that_is_alike_come_first_over_all_parts(store):
    for n in range(6):
        _add(store, "快递太慢了，等了一个星期" + "啊" * n, created_at=f"2026-01-0{n + 1}T00:00:00Z")
    days, cursor = [], None
    while True:
        found = _ask(store, "快递太慢了，等了一个星期", k=2, sort="newest", cursor=cursor)
        days += [hit.record.feedback.created_at.day for hit in found.hits]
        if (cursor := found.next_cursor) is None:
            break
    assert days == [6, 5, 4, 3, 2, 1]


def test_facets_count_all_that_pass_the_filter(store):
    _add(store, *TEXTS, channel="review", attributes={"region": "西南"})
    found = _ask(store, "快递", k=1, facets=("label", "attributes.region"))
    assert found.facets == {"label": {"negative": 3, "positive": 2}, "attributes.region": {"西南": 5}}
    with pytest.raises(InvalidQuery, match="colour"):
        _ask(store, "快递", facets=("colour",))


def test_parts_follow_each_other_without_a_gap(store):
    ids = _add(store, *TEXTS)
    first = _ask(store, "快递太慢", k=2)
    second = _ask(store, "快递太慢", k=2, cursor=first.next_cursor)
    third = _ask(store, "快递太慢", k=2, cursor=second.next_cursor)
    assert sorted(_ids(first) + _ids(second) + _ids(third)) == sorted(ids)
    assert third.next_cursor is None
    with pytest.raises(InvalidQuery, match="cursor"):
        _ask(store, "something else", k=2, cursor=first.next_cursor)


def test_examples_lead_towards_and_away(store):
    ids = _add(store, *TEXTS)
    found = _ask(store, like=(ids[0],), unlike=(ids[2],), k=5)
    assert _ids(found)[0] == ids[1]
    assert found.hits[0].score == pytest.approx(_ask(store, like=(ids[0],), k=1).hits[0].score)
    assert {ids[0], ids[2]}.isdisjoint(_ids(found))
    with pytest.raises(InvalidQuery):
        _ask(store, unlike=(ids[0],))


def test_a_summary_tells_of_what_is_alike_and_recent(store):
    now = datetime.now(UTC).isoformat()
    for n in range(3):
        _add(store, "快递太慢了" + "！" * n, created_at=now, attributes={"resolution": "refund"})
    _add(store, "快递太慢了呀", created_at="2020-01-01T00:00:00Z", attributes={"resolution": "ignored"})
    summary = _ask(store, "快递太慢了", days=30).summary
    assert (summary.n, summary.resolution, summary.about) == (3, "refund", ("delivery", "slow"))
    assert _ask(store, "快递太慢了").summary is None


@pytest.mark.parametrize("text", ["配達が遅すぎます、返金してください", "доставка очень медленная", "Die Lieferung war leider viel zu spät"])
def test_a_third_language_is_refused_with_the_remedy(store, text):
    with pytest.raises(InvalidQuery, match="Chinese or English"):
        _ask(store, text)


@pytest.mark.parametrize("text", ["Lumo Fry 5L", "S3", "😡", "refund pls", "le menu", "退款"])
def test_short_and_odd_queries_are_answered(store, text):
    _add(store, *TEXTS)
    assert len(_ask(store, text, k=5).hits) == 5
