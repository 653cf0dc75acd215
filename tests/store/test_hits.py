import numpy as np

from cxnlp.store.hits import read_hits

from .samples import NOW, enrich, make_feedback, make_vectors


def test_a_hit_is_the_record_with_the_vectors_of_its_clauses(store):
    items = [make_feedback(1), make_feedback(2)]
    store.feedback.add(items, NOW)
    enrich(store)
    found = read_hits(store.database, [items[1].id, "r-none", items[0].id])
    assert {i: hit.record for i, hit in found.items()} == store.feedback.get_many([item.id for item in items])
    sent = make_vectors(store.vectors.entries_of([items[0].id])[items[0].id].seq)
    hit = found[items[0].id]
    assert (hit.has_vectors, hit.spans, hit.clauses.dtype) == (True, sent.spans, np.float32)
    np.testing.assert_allclose(hit.clauses, sent.clauses, atol=1e-3)


def test_a_record_without_vectors_of_the_active_generation_is_a_hit_without_clauses(store):
    items = [make_feedback(1), make_feedback(2)]
    store.feedback.add(items[:1], NOW)
    enrich(store)
    store.feedback.add(items[1:], NOW)
    store.feedback.add([make_feedback(1, text="新的内容")], NOW)
    other = store.generations.begin("encoder-b", "splitter-1", 8)
    store.vectors.save(other.id, [(items[1].id, 1, make_vectors(2))])
    found = read_hits(store.database, [item.id for item in items])
    assert {i: (hit.has_vectors, hit.spans) for i, hit in found.items()} == {item.id: (False, ()) for item in items}
    assert found[items[0].id].record.feedback.text == "新的内容"
