import pytest

from cxnlp.errors import Conflict, NotFound
from cxnlp.store import events, open_store

CARD = {"name": "base-1", "encoder_id": "encoder-a", "labels": {"intents": ["praise"]}}
METRICS = {"corrections": {"own": {"agreement": 0.8}}}


def add(store, parent="base-1", weights=b"\x00weights", author="ann"):
    return store.versions.add("base-1", parent, CARD, weights, {"n_corrections": 40, "metrics": METRICS, "author": author})


def test_a_version_is_kept_with_all_that_is_known_of_it_and_not_active_yet(store):
    made = add(store)
    assert (made.id, made.parent, made.encoder, made.n_corrections) == ("base-1+1", "base-1", "encoder-a", 40)
    assert (made.metrics, made.author, made.is_active) == (METRICS, "ann", False)
    assert store.versions.get(made.id) == made
    assert store.versions.active() is None
    assert store.versions.content(made.id) == (CARD | {"name": "base-1+1"}, b"\x00weights")


def test_versions_are_numbered_and_listed_in_order(store):
    first = add(store)
    second = add(store, parent=first.id)
    assert [v.id for v in store.versions.list()] == ["base-1+1", "base-1+2"]
    assert store.versions.get(second.id).parent == first.id


def test_activations_are_undone_one_by_one_down_to_the_shipped_heads(store):
    first, second = add(store), add(store)
    for version_id in (first.id, second.id, None, first.id):
        store.versions.activate(version_id, "ann")
    assert [v.is_active for v in store.versions.list()] == [True, False]
    seen = []
    for _ in range(4):
        store.versions.rollback("bob")
        active = store.versions.active()
        seen.append(active and active.id)
    assert seen == [None, second.id, first.id, None]
    with pytest.raises(Conflict, match="no activation is left"):
        store.versions.rollback("bob")


def test_an_activation_is_an_event_and_activating_twice_is_one(store):
    made = add(store)
    store.versions.activate(made.id, "ann")
    store.versions.activate(made.id, "ann")
    store.versions.rollback("bob")
    told = [event.data for event in store.events.read(0, 10, [events.HEADS_ACTIVATED])]
    assert told == [{"version_id": made.id, "author": "ann"}, {"version_id": None, "author": "bob"}]
    with pytest.raises(Conflict):
        store.versions.rollback("bob")


def test_unknown_versions_are_refused_and_change_nothing(store):
    for ask in (store.versions.get, store.versions.content, lambda i: store.versions.activate(i, "ann")):
        with pytest.raises(NotFound, match="models list"):
            ask("base-1+7")
    assert store.versions.active() is None


def test_another_process_sees_what_was_activated(url):
    here, there = open_store(url), open_store(url)
    made = add(here)
    here.versions.activate(made.id, "ann")
    assert there.versions.active().id == made.id
    here.close()
    there.close()
