import json
import shutil
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cxnlp.filters import Filter
from cxnlp.pipeline import Pipeline
from cxnlp.privacy import Masker
from cxnlp.service import Enrichment, Intake
from cxnlp.service import view as view_module
from cxnlp.service.view import View
from cxnlp.store import Assigned, Assignments, FittedTopic, NewFit, open_store
from tests.fakes import DIM, HashingEncoder, WordHeads

TEXTS = ("快递太慢了，等了一个星期", "快递太慢，三天没动静", "咖啡很好喝，味道浓", "The parcel was broken", "界面好看")


class Other(HashingEncoder):
    id = "hashing-2"


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'cxnlp.db'}")
    yield store
    store.close()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "index"


@pytest.fixture
def builds(monkeypatch):
    """Whether the whole store was read, for each view that was asked."""
    made, build = [], View._build
    monkeypatch.setattr(View, "_build", lambda self: made.append(1) or build(self))
    return made


def add(store, *texts):
    ids = [o.id for o in Intake(Masker(), b"key", ZoneInfo("UTC")).receive(store, [{"external_id": text, "text": text} for text in texts])]
    Enrichment(store, Pipeline(HashingEncoder(), WordHeads())).drain(lambda done, waiting: None)
    return ids


def saved(store, folder):
    view = View(store, HashingEncoder(), folder)
    view.catch_up()
    assert view.save_snapshot()
    return view


def found(view, store, record_id):
    vector = store.vectors.get_many([record_id])[record_id].document
    return view.fresh().search(vector, 10)[0].ids


def test_a_view_starts_from_the_snapshot_and_catches_up(store, folder, builds):
    ids = add(store, *TEXTS)
    saved(store, folder)
    (late,) = add(store, "快递太慢了，等了一个月")
    store.feedback.forget([ids[0]])
    second = View(store, HashingEncoder(), folder)
    assert second.catch_up() > 0
    assert len(builds) == 1
    assert (second.n_indexed, sorted(found(second, store, late))) == (5, sorted([*ids[1:], late]))
    assert second.fresh().facets(Filter(), "label") == View(store, HashingEncoder()).fresh().facets(Filter(), "label")


def test_a_snapshot_holds_nothing_of_what_is_deleted(store, folder):
    ids = add(store, *TEXTS)
    view = saved(store, folder)
    store.feedback.forget([ids[0]])
    view.catch_up()
    assert view.save_snapshot(only_if_due=True)
    (snapshot,) = folder.iterdir()
    assert json.loads((snapshot / "manifest.json").read_bytes())["n"] == 4
    assert int(ids[0][2:-4], 16).to_bytes(8, "little") not in b"".join(path.read_bytes() for path in snapshot.iterdir())
    assert int(ids[1][2:-4], 16).to_bytes(8, "little") in b"".join(path.read_bytes() for path in snapshot.iterdir())


@pytest.mark.parametrize("damage", ["cut", "flip", "lost", "manifest", "format", "text"])
def test_a_torn_snapshot_is_passed_over_and_replaced(store, folder, builds, caplog, damage):
    ids = add(store, *TEXTS)
    saved(store, folder)
    (snapshot,) = folder.iterdir()
    codes, manifest = snapshot / "codes.npy", snapshot / "manifest.json"
    if damage == "cut":
        codes.write_bytes(codes.read_bytes()[:-100])
    elif damage == "flip":
        codes.write_bytes(codes.read_bytes()[:-1] + b"\x07")
    elif damage == "lost":
        codes.unlink()
    elif damage == "manifest":
        manifest.write_bytes(manifest.read_bytes()[:30])
    elif damage == "format":
        manifest.write_bytes(manifest.read_bytes().replace(b'"format":2', b'"format":0'))
    else:
        manifest.write_bytes(b"[1]")
    view = View(store, HashingEncoder(), folder)
    with caplog.at_level("INFO"):
        assert set(found(view, store, ids[0])) == set(ids)
    assert len(builds) == 2
    assert snapshot.name in caplog.text
    assert view.save_snapshot()
    assert snapshot not in list(folder.iterdir())
    third = View(store, HashingEncoder(), folder)
    third.catch_up()
    assert (len(builds), third.n_indexed) == (2, 5)


def test_a_snapshot_of_another_encoder_or_generation_is_passed_over(store, folder, builds):
    ids = add(store, *TEXTS)
    saved(store, folder)
    Enrichment(store, Pipeline(Other(), WordHeads())).reindex(lambda done, total: None)
    for encoder in (HashingEncoder(), Other()):
        view = View(store, encoder, folder)
        view.catch_up()
        assert view.n_indexed == len(ids)
    assert len(builds) == 3


def test_a_snapshot_of_another_store_is_passed_over(store, folder, tmp_path, builds):
    add(store, *TEXTS)
    saved(store, folder)
    other = open_store(f"sqlite:///{tmp_path / 'other.db'}")
    try:
        add(other, "one", "two", "three", "four", "five", "six")
        view = View(other, HashingEncoder(), folder)
        view.catch_up()
        assert (view.n_indexed, len(builds)) == (6, 2)
    finally:
        other.close()


def test_a_snapshot_is_of_no_use_when_the_events_since_are_pruned(store, folder, builds):
    ids = add(store, *TEXTS)
    saved(store, folder)
    store.feedback.forget([ids[0]])
    add(store, "late")
    store.events.prune(0)
    view = View(store, HashingEncoder(), folder)
    view.catch_up()
    assert (view.n_indexed, len(builds)) == (5, 2)


def test_a_snapshot_whose_last_event_is_the_only_one_kept_is_good(store, folder, builds):
    add(store, *TEXTS)
    saved(store, folder)
    store.events.prune(0)
    view = View(store, HashingEncoder(), folder)
    view.catch_up()
    assert (view.n_indexed, len(builds)) == (5, 1)


def test_several_processes_write_and_read_one_folder(store, folder, builds):
    ids = add(store, *TEXTS)
    first, second = saved(store, folder), View(store, HashingEncoder(), folder)
    second.catch_up()
    abandoned = folder / ".writing-dead"
    abandoned.mkdir()
    add(store, "late")
    for view in (first, second, first):
        view.catch_up()
        view._n_changed = 1
        assert view.save_snapshot()
        third = View(store, HashingEncoder(), folder)
        assert (set(ids) < set(found(third, store, ids[0])), len(builds)) == (True, 1)
    assert sorted(path.name[:5] for path in folder.iterdir()) == [".writ", "view-"]


def test_a_snapshot_that_is_removed_while_it_is_read_hurts_nobody(store, folder, builds, monkeypatch):
    ids = add(store, *TEXTS)
    saved(store, folder)
    read = view_module.read_snapshot

    def removing(*given):
        shutil.rmtree(next(folder.iterdir()))
        yield from read(*given)

    monkeypatch.setattr(view_module, "read_snapshot", removing)
    assert set(found(View(store, HashingEncoder(), folder), store, ids[0])) == set(ids)
    assert len(builds) == 2


def test_a_folder_that_cannot_be_written_is_told_and_not_fatal(store, tmp_path, caplog):
    add(store, *TEXTS)
    (tmp_path / "index").write_text("in the way")
    view = View(store, HashingEncoder(), tmp_path / "index")
    view.catch_up()
    assert not view.save_snapshot()
    assert "cannot be written" in caplog.text


def test_snapshots_are_renewed_when_enough_has_changed(store, folder, monkeypatch):
    view = View(store, HashingEncoder(), folder)
    view.catch_up()
    assert not view.save_snapshot()
    ids = add(store, *TEXTS)
    view.catch_up()
    assert view.save_snapshot(only_if_due=True)
    assert not view.save_snapshot()
    monkeypatch.setattr(view_module, "_CHANGED_SHARE", 0.5)
    add(store, "late")
    view.catch_up()
    assert not view.save_snapshot(only_if_due=True)
    store.feedback.forget([ids[0]])
    view.catch_up()
    assert view.save_snapshot(only_if_due=True)


def test_a_long_build_is_saved_at_once(store, folder, monkeypatch):
    add(store, *TEXTS)
    View(store, HashingEncoder(), folder).catch_up()
    assert not folder.exists()
    monkeypatch.setattr(view_module, "_LONG_SECONDS", 0)
    view = View(store, HashingEncoder(), folder)
    view.catch_up()
    assert (len(list(folder.iterdir())), view.n_indexed) == (1, len(TEXTS))
    (late,) = add(store, "快递太慢了，等了一个月")
    view.catch_up()
    assert late in found(view, store, late)


def test_a_topic_fit_is_read_without_reading_the_store_anew(store, builds):
    add(store, *TEXTS)
    view = View(store, HashingEncoder())
    view.catch_up()
    seqs = [entry.seq for entry in store.vectors.entries(0, 10)]
    rows = np.array([0, 1, 1], np.int32)
    assignments = Assignments(np.array(seqs[:6:2], np.int64), np.full(3, -1, np.int32), rows, np.ones(3, np.float32))
    told = {"n_records": 3, "from_at": 1.0, "to_at": 2.0, "metrics": {}, "report": None}
    topics = [FittedTopic(f"t-{n}", "label", ("word",), np.ones(DIM, np.float32)) for n in (1, 2)]
    number = store.topic_fits.begin("documents", "ann", {}, {}).number
    store.topic_fits.keep(number, NewFit(topics, assignments, "", b"", 0.0, told))
    assigned = Assigned(assignments.seqs, assignments.clauses, ["t-1", "t-2", "t-2"], assignments.similarities)
    none = Assigned(assigned.seqs[:0], assigned.clauses[:0], [], assigned.similarities[:0])
    store.members.activate(number, assigned, store.events.last_seq(), lambda ids: none, "ann")
    view.catch_up()
    assert view.fresh().facets(Filter(), "topic") == {"t-1": 1, "t-2": 2}
    assert len(builds) == 1


def test_a_search_does_not_wait_for_a_view_that_is_built_anew(store, monkeypatch):
    ids = add(store, *TEXTS)
    view = View(store, HashingEncoder())
    view.catch_up()
    seen, build = [], View._build

    def slow(self):
        self._is_long, self._caught_up_at = True, float("-inf")
        seen.append(self.fresh().n)
        return build(self)

    monkeypatch.setattr(View, "_build", slow)
    Enrichment(store, Pipeline(Other(), WordHeads())).reindex(lambda done, total: None)
    view.catch_up()
    assert (seen, view.n_indexed) == ([5], len(ids))
