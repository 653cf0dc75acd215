import numpy as np

from cxnlp.records import Customer, Rating

from .samples import NOW, enrich, make_analysis, make_feedback, make_generation, make_vectors


def test_vectors_come_back_up_to_half_precision(store):
    store.feedback.add([make_feedback(1), make_feedback(2)], NOW)
    enrich(store)
    found = store.vectors.get_many([make_feedback(2).id, make_feedback(1).id, "r-none"])
    assert set(found) == {make_feedback(1).id, make_feedback(2).id}
    seq = store.vectors.entries_of([make_feedback(1).id])[make_feedback(1).id].seq
    vectors, sent = found[make_feedback(1).id], make_vectors(seq)
    assert (vectors.document.dtype, vectors.clauses.dtype, vectors.clauses.shape) == (np.float32, np.float32, (2, 8))
    np.testing.assert_allclose(vectors.document, sent.document, atol=1e-3)
    np.testing.assert_allclose(vectors.clauses, sent.clauses, atol=1e-3)
    assert vectors.spans == sent.spans


def test_rows_tell_an_index_all_that_filters_ask_for(store):
    item = make_feedback(1, customer=Customer("c-1", "vip"), rating=Rating("nps", 10), attributes={"region": "西南"})
    store.feedback.add([item, make_feedback(2)], NOW)
    enrich(store, lambda claim: make_analysis(-0.8 if claim.record_id == item.id else 0.8, cause=None, risks=("legal", "churn")))
    first, second = store.vectors.entries(0, 10)
    assert (first.id, first.attributes) == (item.id, {"region": "西南"})
    assert first.choices == {
        "source": "zendesk", "channel": "ticket", "segment": "vip", "customer": "c-1", "language": "zh", "label": "negative", "intent": "complaint",
    }  # fmt: skip
    assert first.numbers == {"sentiment": -0.8, "confidence": 0.9, "rating": 1.0}
    assert (first.created_at, first.received_at) == (item.created_at.timestamp(), NOW.timestamp())
    assert (first.observations, first.risks) == ((("delivery", "service", None),), ("churn", "legal"))
    assert ("segment" in second.choices, second.attributes, second.choices["label"]) == (False, {}, "positive")
    assert first.document.dtype == np.float32
    assert store.vectors.entries_of([second.id, "r-none"]) == {second.id: second}
    store.feedback.correct(item.id, {"sentiment": 1, "observations": []}, "ann")
    corrected = store.vectors.entries_of([item.id])[item.id]
    assert (corrected.choices["label"], corrected.observations) == ("positive", ())


def test_rows_are_read_in_parts(store):
    assert store.vectors.entries(0, 10) == []
    assert store.vectors.entries_of(["r-1"]) == {}
    store.feedback.add([make_feedback(n) for n in range(7)], NOW)
    enrich(store)
    seen, after = [], 0
    while rows := store.vectors.entries(after, 3):
        seen += rows
        after = rows[-1].seq
    assert [row.id for row in seen] == [make_feedback(n).id for n in range(7)]


def test_documents_come_in_the_order_asked_for_and_are_nan_where_there_is_none(store):
    store.feedback.add([make_feedback(n) for n in range(3)], NOW)
    enrich(store)
    generation = store.generations.active()
    first, second, third = (entry.seq for entry in store.vectors.entries(0, 10))
    store.feedback.forget([make_feedback(1).id])
    store.feedback.add([make_feedback(2, "changed")], NOW)
    found = store.vectors.documents([third, first, 10**6, second, first], generation.id, 8)
    assert (found.dtype, found.shape) == (np.float32, (5, 8))
    assert np.isnan(found).all(axis=1).tolist() == [True, False, True, True, False]
    np.testing.assert_allclose(found[1], make_vectors(first).document, atol=1e-3)
    assert np.isnan(store.vectors.documents([first], generation.id + 1, 8)).all()
    assert store.vectors.documents([], generation.id, 8).shape == (0, 8)


def test_vectors_of_earlier_versions_are_not_saved(store):
    store.feedback.add([make_feedback(1), make_feedback(2)], NOW)
    enrich(store)
    generation = store.generations.begin("encoder-b", "splitter-1", 8)
    claims = store.vectors.missing(generation.id, 10)
    store.feedback.add([make_feedback(1, "changed")], NOW)
    assert store.vectors.save(generation.id, [(c.record_id, c.version, make_vectors()) for c in claims]) == 1
    assert store.vectors.get_many([c.record_id for c in claims], generation.id).keys() == {make_feedback(2).id}


def test_missing_goes_on_behind_a_number(store):
    store.feedback.add([make_feedback(n) for n in range(4)], NOW)
    make_generation(store)
    enrich(store)
    generation = store.generations.begin("encoder-b", "splitter-1", 8)
    first = store.vectors.missing(generation.id, 3)
    rest = store.vectors.missing(generation.id, 3, after_seq=first[-1].seq)
    assert [c.feedback.external_id for c in (*first, *rest)] == ["t-0", "t-1", "t-2", "t-3"]


def test_a_sample_is_the_same_for_a_seed_and_leaves_corrected_records_out(store):
    assert store.vectors.sample(5, 1) == []
    items = [make_feedback(n) for n in range(40)]
    store.feedback.add(items, NOW)
    enrich(store)
    store.feedback.correct(items[0].id, {"intent": "praise"}, "ann")
    first = store.vectors.sample(10, 1)
    assert first == store.vectors.sample(10, 1)
    assert len(set(first)) == 10
    assert set(first) != set(store.vectors.sample(10, 2))
    assert set(store.vectors.sample(100, 1)) == {item.id for item in items[1:]}
