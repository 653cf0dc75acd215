from zoneinfo import ZoneInfo

import pytest

from cxnlp.errors import InvalidQuery, NotFound
from cxnlp.filters import Filter, parse_filter
from cxnlp.pipeline import Pipeline
from cxnlp.privacy import Masker
from cxnlp.service import Enrichment, Intake, Retrieval
from cxnlp.store import open_store
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


def test_the_nearest_come_first_with_score_and_exact_quote(store):
    ids = _add(store, *TEXTS)
    found = _retrieval(store).search("快递太慢了，等了一个星期", 3, Filter())
    assert [hit.record.feedback.id for hit in found.hits][:2] == ids[:2]
    assert found.hits[0].score > 0.99 and found.total == 5
    for hit in found.hits:
        assert hit.record.feedback.text[hit.quote.start : hit.quote.end] == hit.quote.text


def test_only_what_passes_the_filter_is_found(store):
    _add(store, *TEXTS)
    found = _retrieval(store).search("快递", 10, parse_filter({"label": "negative", "touchpoint": "delivery"}))
    assert {hit.record.analysis.label for hit in found.hits} == {"negative"}
    assert found.total == len(found.hits) == 3


def test_similar_leaves_the_record_itself_out(store):
    ids = _add(store, *TEXTS)
    found = _retrieval(store).similar(ids[0], 2, Filter())
    assert found.hits[0].record.feedback.id == ids[1]
    assert found.total == 4


def test_what_is_added_later_is_found_and_what_is_forgotten_is_gone_at_once(store):
    ids = _add(store, *TEXTS)
    retrieval = _retrieval(store)
    retrieval.catch_up()
    (late,) = _add(store, "快递太慢了，等了一个月")
    assert retrieval.catch_up() > 0 and retrieval.n_indexed == 6
    store.feedback.forget([ids[0]])
    found = retrieval.search("快递太慢了，等了一个星期", 5, Filter())
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
        _retrieval(store).search(text, k, Filter())


def test_similar_to_nothing_is_not_found(store):
    with pytest.raises(NotFound, match="r-none"):
        _retrieval(store).similar("r-none", 3, Filter())


def test_an_empty_store_has_no_hits(store):
    found = _retrieval(store).search("快递", 3, Filter())
    assert (found.hits, found.total) == ((), 0)


def test_similar_knows_what_was_analysed_a_moment_ago(store):
    ids = _add(store, *TEXTS)
    retrieval = _retrieval(store)
    retrieval.catch_up()
    (late,) = _add(store, "快递太慢了，等了一个月")
    assert retrieval.similar(late, 1, Filter()).hits[0].record.feedback.id in ids


def test_the_like_of_a_forgotten_record_is_not_found_at_once(store):
    ids = _add(store, *TEXTS)
    retrieval = _retrieval(store)
    retrieval.catch_up()
    store.feedback.forget([ids[0]])
    with pytest.raises(NotFound, match=ids[0]):
        retrieval.similar(ids[0], 2, Filter())


def test_hits_show_corrections(store):
    ids = _add(store, *TEXTS)
    store.feedback.correct(ids[0], {"sentiment": 0.5}, "ada")
    hit = _retrieval(store).search(TEXTS[0], 1, Filter()).hits[0]
    assert hit.record.analysis.sentiment == 0.5
    assert hit.record.corrected == ("sentiment",)
