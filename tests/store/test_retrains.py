import pytest

from cxnlp.errors import Conflict, NotFound
from cxnlp.store import retrains


def test_one_retrain_runs_at_a_time_and_says_who_holds_it(store):
    first = store.retrains.begin("ann")
    assert (first.state, first.share, first.ended_at) == ("running", 0.0, None)
    store.retrains.report(first.id, "fit", 0.5)
    with pytest.raises(Conflict, match=f"{first.id}, begun by 'ann', 50% done"):
        store.retrains.begin("bob")
    store.retrains.end(first.id, retrains.DONE, "kept")
    done = store.retrains.get(first.id)
    assert (done.state, done.share, done.outcome) == ("done", 1.0, "kept")
    second = store.retrains.begin("bob")
    assert [r.id for r in store.retrains.list()] == [second.id, first.id]


def test_one_whose_process_died_gives_way_and_cannot_come_back(store, monkeypatch):
    monkeypatch.setattr(retrains, "LEASE_SECONDS", -1.0)
    dead = store.retrains.begin("ann")
    assert store.retrains.get(dead.id).state == "interrupted"
    monkeypatch.undo()
    store.retrains.begin("bob")
    with pytest.raises(Conflict, match="another took over"):
        store.retrains.report(dead.id, "fit", 0.5)
    store.retrains.end(dead.id, retrains.DONE, "kept")
    assert store.retrains.get(dead.id).state == "interrupted"


def test_an_unknown_retrain_is_told(store):
    with pytest.raises(NotFound):
        store.retrains.get("j-0")
