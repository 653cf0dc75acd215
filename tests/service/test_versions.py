import time

import numpy as np
import pytest

from cxnlp.errors import Conflict, NotFound
from cxnlp.heads import Network
from cxnlp.pipeline import Pipeline
from cxnlp.service import ActiveHeads, Enrichment, Versions
from cxnlp.service import versions as room
from cxnlp.service.versions import reanalyze
from cxnlp.store import open_store
from tests.fakes import HashingEncoder, WordHeads
from tests.service.test_enrichment import _ingest

CARD = {"name": "base-1", "encoder_id": "hashing-1", "built_at": "2026-11-01T00:00:00+00:00", "labels": {"intents": ["praise"]}}
WEIGHTS = {"pair": np.zeros((2, 2), np.float32)}


class NamedHeads(WordHeads):
    """Word heads that say which network they are of."""

    def __init__(self, network):
        self.name = network.card["name"]

    def read(self, passages):
        from dataclasses import replace

        return [replace(analysis, model=self.name) for analysis in super().read(passages)]


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'cxnlp.db'}")
    yield store
    store.close()


def _versions(store, **card):
    return Versions(store, Network(WEIGHTS, CARD | card))


def _add(store, parent="base-1", **card):
    made = {"n_corrections": 40, "metrics": {}, "author": "ann"}
    return store.versions.add("base-1", parent, CARD | card, Network(WEIGHTS, CARD).to_bytes(), made).id


def _enrichment(store, versions):
    return Enrichment(store, Pipeline(HashingEncoder(), ActiveHeads(versions, NamedHeads)))


def test_the_shipped_heads_are_the_root_and_read_until_another_is_activated(store):
    versions = _versions(store)
    assert versions.active().id == "base-1"
    made = _add(store)
    assert [(line["id"], line["parent"], line["active"]) for line in versions.list()] == [("base-1", None, True), (made, "base-1", False)]
    assert versions.activate(made, "ann").id == made
    assert [line["active"] for line in versions.list()] == [False, True]
    assert versions.network(made).card["name"] == made
    np.testing.assert_array_equal(versions.network(made).weights["pair"], WEIGHTS["pair"])
    assert versions.activate("base-1", "ann").id == "base-1"
    assert [versions.rollback("ann").id for _ in range(2)] == [made, "base-1"]


def test_every_analysis_names_its_version_and_an_activation_is_noticed_without_a_restart(store, monkeypatch):
    monkeypatch.setattr(room, "CHECK_SECONDS", 0.05)
    first = _versions(store)
    worker, made = _enrichment(store, first), _add(store)
    seen = []
    for text, act in (("一", None), ("二", lambda v: v.activate(made, "ann")), ("三", lambda v: v.rollback("ann"))):
        if act:
            act(_versions(store))  # as another process would
            time.sleep(0.1)
        (record,) = _ingest(store, text)
        worker.step()
        seen.append(store.feedback.get(record).analysis.model)
    assert seen == ["base-1", made, "base-1"]


def test_a_version_of_another_encoder_is_never_used_and_said_so(store):
    made = _add(store)
    _versions(store).activate(made, "ann")
    moved = _versions(store, encoder_id="hashing-2", name="base-2")
    active = moved.active()
    assert (active.id, active.version) == ("base-2", None)
    assert made in active.warning and "cxnlp retrain" in active.warning
    assert [(line["id"], line["usable"]) for line in moved.list()] == [("base-2", True), (made, False)]
    with pytest.raises(Conflict, match="another encoder"):
        moved.activate(made, "ann")
    (record,) = _ingest(store, "好")
    _enrichment(store, moved).step()
    assert store.feedback.get(record).analysis.model == "base-2"


def test_a_version_with_other_labels_or_damaged_weights_is_not_used(store, caplog):
    with pytest.raises(Conflict, match="other labels"):
        _versions(store).network(_add(store, labels={"intents": ["other"]}))
    damaged = store.versions.add("base-1", "base-1", CARD, b"broken", {"n_corrections": 1, "metrics": {}, "author": "ann"}).id
    store.versions.activate(damaged, "ann")
    (record,) = _ingest(store, "好")
    _enrichment(store, _versions(store)).step()
    assert store.feedback.get(record).analysis.model == "base-1"
    assert "damaged" in caplog.text


def test_an_unknown_version_is_told(store):
    with pytest.raises(NotFound, match="models list"):
        _versions(store).activate("base-1+9", "ann")


def test_records_are_read_anew_from_their_vectors_and_only_once(store):
    versions, encoder = _versions(store), HashingEncoder()
    ids = _ingest(store, *(f"快递太慢，第{n}次" for n in range(5)))
    _enrichment(store, versions).step()
    store.feedback.correct(ids[0], {"intent": "inquiry"}, "ann")
    active = versions.activate(_add(store), "ann")
    encoder.states = None  # nothing is encoded
    seen = []
    heads = NamedHeads(versions.network(active.id))
    assert reanalyze(store, active, heads, lambda done, total: seen.append((done, total))) == 5
    records = store.feedback.get_many(ids)
    assert {record.analysis.model for record in records.values()} == {active.id}
    assert records[ids[0]].analysis.intent == "inquiry"
    assert seen == [(5, 5)]
    assert reanalyze(store, active, heads, lambda done, total: None) == 0
