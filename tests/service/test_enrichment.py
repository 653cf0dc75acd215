import logging
import threading
import time
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from cxnlp.errors import Conflict
from cxnlp.pipeline import Pipeline
from cxnlp.privacy import Masker
from cxnlp.service import Enrichment, Intake
from cxnlp.store import open_store
from tests.fakes import HashingEncoder, WordHeads

INTAKE = Intake(Masker(), b"key", ZoneInfo("UTC"))


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'cxnlp.db'}")
    yield store
    store.close()


def _ingest(store, *texts):
    return [o.id for o in INTAKE.receive(store, [{"external_id": text, "text": text} for text in texts])]


def _enrichment(store, heads=None, encoder=None):
    return Enrichment(store, Pipeline(encoder or HashingEncoder(), heads or WordHeads()))


def test_what_waits_is_analysed_once(store):
    ids = _ingest(store, "快递太慢", "味道好")
    assert _enrichment(store).step() == 2
    assert [store.feedback.get(i).analysis.label for i in ids] == ["negative", "positive"]
    assert _enrichment(store).step() == 0


def test_draining_reports_progress_and_ends_with_nothing_waiting(store):
    _ingest(store, *(f"第{n}条" for n in range(300)))
    seen = []
    _enrichment(store).drain(lambda done, waiting: seen.append((done, waiting)))
    assert seen[-1] == (300, 0)
    assert len(seen) >= 2


class Choking(WordHeads):
    def read(self, passages):
        if any("毒" in p.feedback.text for p in passages):
            raise ValueError("the text 毒 is in this message")
        return super().read(passages)


def test_a_record_that_breaks_the_pass_does_not_hold_up_the_others(store, caplog):
    ids = _ingest(store, "好", "毒", "快递慢")
    with caplog.at_level(logging.ERROR):
        _enrichment(store, Choking()).drain(lambda done, waiting: None)
    assert [store.feedback.get(i).analysis is not None for i in ids] == [True, False, True]
    assert store.feedback.statistics().failed == 1
    assert "毒" not in caplog.text and "ValueError" in caplog.text


class Other(HashingEncoder):
    id = "hashing-2"


def test_reindexing_switches_the_generation_and_keeps_analyses(store):
    ids = _ingest(store, *(f"快递太慢，第{n}次" for n in range(30)))
    _enrichment(store).step()
    before = store.generations.active()
    with pytest.raises(Conflict, match="nothing to build"):
        _enrichment(store).reindex(lambda done, total: None)
    seen = []
    generation = _enrichment(store, encoder=Other()).reindex(lambda done, total: seen.append((done, total)))
    assert (before.encoder, generation.encoder, store.generations.active().encoder) == ("hashing-1", "hashing-2", "hashing-2")
    assert seen == [(30, 30)]
    assert store.vectors.get_many(ids).keys() == set(ids)
    assert store.feedback.get(ids[0]).analysis.label == "negative"


def test_a_worker_of_another_encoder_does_not_mix_vectors(store):
    _ingest(store, "好")
    _enrichment(store).step()
    _ingest(store, "慢")
    with pytest.raises(Conflict, match="reindex"):
        _enrichment(store, encoder=Other()).step()


def test_an_update_during_analysis_wins(store):
    _ingest(store, "好")

    class Slow(WordHeads):
        def read(self, passages):
            INTAKE.receive(store, [{"external_id": "好", "text": "其实很慢"}])
            return super().read(passages)

    _enrichment(store, Slow()).step()
    (record_id,) = {o.id for o in INTAKE.receive(store, [{"external_id": "好", "text": "其实很慢"}])}
    assert store.feedback.get(record_id).analysis is None
    replace(_enrichment(store), holder="next").drain(lambda done, waiting: None)
    assert store.feedback.get(record_id).analysis.label == "negative"


def test_records_without_words_get_them_when_nothing_else_waits(store):
    ids = _ingest(store, *(f"快递太慢，第{n}次" for n in range(100)))
    enrichment = _enrichment(store)
    enrichment.step()
    with store.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM words")
    assert store.words.search(["快递"], 5) == []
    stop = threading.Event()
    worker = threading.Thread(target=enrichment.run, args=(stop,))
    worker.start()
    deadline = time.monotonic() + 20
    while store.words.missing(1) and time.monotonic() < deadline:
        time.sleep(0.02)
    stop.set()
    worker.join()
    assert {hit.id for hit in store.words.search(["快递"], 100)} == set(ids)
