import pytest

from cxnlp.errors import Conflict, NotFound
from cxnlp.store import events

from .samples import DIM, NOW, enrich, make_feedback, make_generation, make_vectors


def begin(store, encoder="encoder-b"):
    return store.generations.begin(encoder, "splitter-1", DIM)


def build(store, generation, limit=2):
    while claims := store.vectors.missing(generation.id, limit):
        store.vectors.save(generation.id, [(c.record_id, c.version, make_vectors(100 + c.seq)) for c in claims])


def test_first_generation_is_active_and_another_encoder_is_told_to_reindex(store):
    assert store.generations.active() is None
    made = make_generation(store)
    assert store.generations.active() == made == make_generation(store)
    with pytest.raises(Conflict, match="cxnlp reindex"):
        make_generation(store, "encoder-b")
    with pytest.raises(Conflict, match="active already"):
        begin(store, "encoder-a")


def test_vectors_are_vouched_for_by_encoder_and_splitter(store):
    store.generations.check("encoder-b", "splitter-9")  # there is nothing to compare with yet
    made = make_generation(store)
    store.generations.check(made.encoder)
    store.generations.check(made.encoder, made.splitter)
    for other in (("encoder-b", None), ("encoder-b", made.splitter), (made.encoder, "splitter-9")):
        with pytest.raises(Conflict, match="cxnlp reindex"):
            store.generations.check(*other)


def test_build_is_resumed_and_switched_without_mixing(store):
    store.feedback.add([make_feedback(n) for n in range(5)], NOW)
    enrich(store)
    old = make_generation(store)
    generation = begin(store)
    first = store.vectors.missing(generation.id, 2)
    store.vectors.save(generation.id, [(c.record_id, c.version, make_vectors()) for c in first])
    with pytest.raises(Conflict, match="still lacks 3 records"):
        store.generations.activate(generation.id)
    assert begin(store) == generation
    before = store.vectors.entries(0, 10)
    build(store, generation)
    assert [row.document.tolist() for row in store.vectors.entries(0, 10)] == [row.document.tolist() for row in before]
    store.generations.activate(generation.id)
    assert store.generations.active().id == generation.id
    assert [g.state for g in store.generations.list()] == ["retired", "active"]
    assert len(store.vectors.entries(0, 10)) == 5
    assert store.vectors.get_many([make_feedback(1).id], old.id) == {}
    event = store.events.read(0, 100, [events.GENERATION_ACTIVATED])[0]
    assert (event.record_id, event.data) == (None, {"generation_id": generation.id})
    assert store.generations.delete_retired() == 0


def test_record_analysed_during_a_build_is_built_too(store):
    store.feedback.add([make_feedback(1)], NOW)
    enrich(store)
    generation = begin(store)
    build(store, generation)
    store.feedback.add([make_feedback(1, "changed"), make_feedback(2)], NOW)
    assert store.vectors.missing(generation.id, 10) == []
    enrich(store)
    assert len(store.vectors.missing(generation.id, 10)) == 2
    build(store, generation)
    store.generations.activate(generation.id)
    assert len(store.vectors.entries(0, 10)) == 2


def test_build_for_another_encoder_is_given_up(store):
    store.feedback.add([make_feedback(1)], NOW)
    enrich(store)
    b = begin(store)
    build(store, b)
    c = begin(store, "encoder-c")
    assert [g.state for g in store.generations.list()] == ["active", "retired", "building"]
    with pytest.raises(Conflict, match="retired"):
        store.vectors.save(b.id, [(make_feedback(1).id, 1, make_vectors())])
    with pytest.raises(Conflict, match="retired"):
        store.generations.activate(b.id)
    with pytest.raises(NotFound):
        store.generations.activate(c.id + 1)
    assert store.generations.delete_retired() == 1
