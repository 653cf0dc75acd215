import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
from sqlalchemy import select

from cxnlp.records import Turn
from cxnlp.store import Result, Said, said
from cxnlp.store.schema import feedback, words
from cxnlp.text.copies import copy_key
from cxnlp.text.terms import terms

from .samples import NOW, enrich, make_analysis, make_feedback, make_generation, make_vectors

TEXTS = (
    "快递太慢了，等了一个星期还没到",
    "型号X-200B坏了，换一个也坏",
    "The courier never called about my pure3",
    "服務態度很差，退款也慢",
    "Refunds are slow and the courier was rude, the courier!",
    "味道好，会再来",
)


def fill(store, texts=TEXTS):
    """Store texts with their analyses and return the ids."""
    items = [make_feedback(n, text) for n, text in enumerate(texts)]
    store.feedback.add(items, NOW)
    enrich(store)
    return [item.id for item in items]


def found(store, ids, query, limit=10, **options):
    return [ids.index(hit.id) for hit in store.words.search(terms(query), limit, **options)]


def seqs_of(store, ids):
    entries = store.vectors.entries_of(ids)
    return [entries[i].seq for i in ids]


def rows_of(store):
    """Return what `words` holds, by seq, with the id and the time of each record."""
    query = select(feedback.c.id, feedback.c.created_at, words.c.terms, words.c.copy_key).join_from(words, feedback).order_by(words.c.seq)
    with store.database.read() as connection:
        return [SimpleNamespace(**dict(row._mapping) | {"terms": row.terms.split(" ")}) for row in connection.execute(query)]


@pytest.mark.parametrize(
    ("query", "best"),
    [("快递 慢", 0), ("X200B", 1), ("x-200b", 1), ("PURE 3", 2), ("服务态度", 3), ("refunding", 4), ("couriers", 4), ("好味道", 5)],
)
def test_words_of_both_languages_and_codes_are_found(store, query, best):
    ids = fill(store)
    assert found(store, ids, query)[0] == best


def test_the_best_hit_holds_the_rarest_words_and_says_how_much_it_holds(store):
    ids = fill(store, ["the slow courier", "the slow parcel", "slow", "slow again, and slow", "zebra parcel"])
    hits = store.words.search(terms("slow zebra parcel"), 10)
    assert [ids.index(hit.id) for hit in hits][:2] == [4, 1]
    assert hits[0].score > hits[1].score > hits[-1].score > 0
    shares = {ids.index(hit.id): hit.share for hit in hits}
    assert 0 < shares[2] < shares[1] < shares[4] < 1
    (half,) = store.words.search(terms("zebra neverseen"), 10)
    assert 0.3 < half.share < 0.7


def test_among_equals_the_newest_comes_first_and_the_limit_holds(store):
    ids = fill(store, ["slow courier"] * 5)
    assert found(store, ids, "courier", limit=3) == [4, 3, 2]


def test_nothing_is_found_for_nothing(store):
    assert store.words.search(["slow"], 5) == []
    ids = fill(store)
    assert [store.words.search(*asked) for asked in (([], 5), (["slow"], 0), (["nowhere"], 5), (["slow"], 5, []), (["slow"], 5, [10**9]))] == [[]] * 5
    assert [store.words.phrase(*asked) for asked in (([], 5), (["slow"], 0), (["slow", "slow"], 5), (["slow"], 5, []))] == [[]] * 4
    assert found(store, ids, "的 了 the") == []


@pytest.mark.parametrize("few", [500, 0])
def test_a_search_among_some_records_finds_only_these(store, monkeypatch, few):
    monkeypatch.setattr("cxnlp.store.words._FEW", few)
    ids = fill(store)
    seqs = seqs_of(store, ids)
    assert found(store, ids, "courier slow", seqs=[seqs[2], seqs[0]]) == [2]
    assert found(store, ids, "courier slow", seqs=np.array(seqs[:4])) == [2]
    assert [hit.id for hit in store.words.phrase(terms("the courier"), 5, seqs=seqs[:3])] == [ids[2]]


def test_common_words_find_those_that_hold_several_of_them(store, monkeypatch):
    monkeypatch.setattr("cxnlp.store.words.MOST_ENTRIES", 3)
    ids = fill(store, ["slow courier", *["slow parcel"] * 6, *["rude courier"] * 5])
    assert found(store, ids, "slow courier")[0] == 0


def test_counts_beyond_the_most_that_are_counted_are_estimated(store, monkeypatch):
    monkeypatch.setattr("cxnlp.store.fulltext.MOST_COUNTED", 10)
    ids = fill(store, ["slow courier"] * 30 + ["zebra parcel"] * 2)
    assert found(store, ids, "courier zebra")[:2] == [31, 30]


def test_a_phrase_is_found_where_its_words_stand_in_a_row(store):
    ids = fill(store, ["the battery died at once", "died: the battery", "the battery suddenly died", "电池 battery died 了", "型号X-200B坏了"])
    assert [ids.index(hit.id) for hit in store.words.phrase(terms("battery died"), 10)] == [3, 0]
    assert [ids.index(hit.id) for hit in store.words.phrase(terms("X-200B坏"), 10)] == [4]
    assert [hit.share for hit in store.words.phrase(terms("battery died"), 1)] == [1.0]


ODD = ("o'neil", "a\\b", 'a"b', "c++", "r&d", "a_b", "v2.1", "24/7", "a-b|c", "100%", "a:b*", "(x)", "!y", "😡👍🏽", "字", "é", "배송")


def test_a_term_is_taken_as_it_is(store):
    ids = fill(store, ["text"] * (len(ODD) + 1))
    plain = Said("a b o neil c r d x y 2.1 v2 7 100", 1)
    store.words.save([(record_id, 1, Said(f"a {term} z", 1)) for record_id, term in zip(ids, ODD, strict=False)] + [(ids[-1], 1, plain)])
    assert {term: [ids.index(hit.id) for hit in store.words.search([term], 5)] for term in ODD} == {term: [n] for n, term in enumerate(ODD)}
    assert [[hit.id for hit in store.words.phrase(["a", term, "z"], 5)] for term in ODD] == [[i] for i in ids[:-1]]


def test_only_the_customer_speaks_but_for_the_codes_that_others_name(store):
    turns = (Turn("customer", "the zebra is late"), Turn("agent", "which giraffe? PS-0417"), Turn("customer", "退款"))
    item = make_feedback(1, text="", turns=turns)
    store.feedback.add([item], NOW)
    enrich(store)
    assert [len(store.words.search([word], 5)) for word in ("zebra", "giraff", "退款", "ps-0417")] == [1, 0, 1, 1]
    (row,) = rows_of(store)
    assert (row.id, row.created_at, row.terms[:3]) == (item.id, item.created_at.timestamp(), ["zebra", "late", "退款"])
    assert row.copy_key == copy_key("the zebra is late\n退款")


def test_new_content_takes_the_old_words_away(store):
    ids = fill(store, ["the zebra is late", "the courier is late"])
    store.feedback.add([make_feedback(0, "the giraffe is late")], NOW)
    assert store.words.search(["zebra"], 5) == []
    enrich(store)
    assert [found(store, ids, word) for word in ("zebra", "giraffe", "courier")] == [[], [0], [1]]


def test_analysing_again_keeps_the_words_as_they_are(store):
    ids = fill(store)
    before = rows_of(store)
    store.analyses.requeue(ids)
    enrich(store)
    assert rows_of(store) == before
    assert found(store, ids, "zebra slow courier")[0] == 4


def test_forgotten_records_are_found_no_more(store):
    ids = fill(store)
    assert store.feedback.forget([ids[4]]) == 1
    assert found(store, ids, "courier") == [2]
    assert store.words.phrase(terms("courier was rude"), 5) == []


def test_an_index_is_told_the_keys_of_copies(store):
    fill(store)
    assert [entry.copy_key for entry in store.vectors.entries(0, 10)] == [copy_key(text) for text in TEXTS]


def test_records_of_earlier_versions_get_their_words_later(store):
    store.feedback.add([make_feedback(n, f"zebra {n}") for n in range(5)], NOW)
    generation = make_generation(store)
    claims = store.analyses.claim("worker", 100, 60)
    store.analyses.save([Result(c.record_id, c.version, make_analysis(), make_vectors(c.seq)) for c in claims], generation.id)
    assert store.words.search(["zebra"], 10) == []
    assert [entry.copy_key for entry in store.vectors.entries(0, 10)] == [0] * 5
    missing = store.words.missing(3)
    assert [claim.record_id for claim in missing] == [make_feedback(n).id for n in range(3)]
    store.feedback.add([make_feedback(1, "changed meanwhile")], NOW)
    assert store.words.save([(claim.record_id, claim.version, said(claim.feedback)) for claim in missing]) == 2
    rest = store.words.missing(10, after_seq=missing[-1].seq)
    assert store.words.save([(claim.record_id, claim.version, said(claim.feedback)) for claim in rest]) == 2
    assert store.words.missing(10) == []
    assert len(store.words.search(["zebra"], 10)) == 4


def test_a_huge_text_is_cut_to_what_both_databases_take(store):
    texts = [f"zebra {' '.join(f'{n}字' for n in range(20_000))} giraffe", " ".join(f"{'字é' * 31}{n}" for n in range(1_500)), "same " * 40_000]
    ids = fill(store, texts)
    assert [hit.id for hit in store.words.search(["zebra"], 5)] == ids[:1]
    assert store.words.search(["giraff"], 5) == []
    assert all(len(row.terms) <= 16_000 for row in rows_of(store))
    assert store.words.save([(ids[0], 1, Said(" ".join(f"{'字' * 7}{n}" for n in range(15_000)), 0))]) == 1
    assert store.feedback.forget(ids) == 3


def test_no_file_holds_the_words_of_what_was_forgotten(sqlite_store, tmp_path):
    marks = [
        f"zq{hashlib.sha256(str(n).encode()).hexdigest()[:12]}zq" for n in range(300)
    ]  # the index stores what a word differs in from its neighbour
    ids = fill(sqlite_store, [f"{mark} courier {'word ' * (n % 9)}" for n, mark in enumerate(marks)])
    forgotten = set()
    for step in range(4):
        changed = set(range(step, 300, 11)) - forgotten
        sqlite_store.feedback.add([make_feedback(n, f"{marks[n]} again {step}") for n in changed], NOW)
        enrich(sqlite_store)
        part = set(range(step, 300, 7)) - forgotten
        sqlite_store.feedback.forget([ids[n] for n in part])
        forgotten |= part
    on_disk = b"".join(path.read_bytes() for path in (tmp_path / "home").iterdir())
    assert all(marks[n].encode() in on_disk for n in set(range(300)) - forgotten)
    assert [n for n in forgotten if marks[n][5:].encode() in on_disk] == []


def test_a_large_file_keeps_no_words_once_the_whole_is_erased(sqlite_store, tmp_path, monkeypatch):
    monkeypatch.setattr("cxnlp.store.dialect._SMALL_BYTES", 0)
    ids = fill(sqlite_store, ["a zqforgotten word", "another"])
    sqlite_store.feedback.forget(ids[:1])
    assert sqlite_store.database.erase_traces(whole=True)
    assert b"zqforgotten" not in b"".join(path.read_bytes() for path in (tmp_path / "home").iterdir())
