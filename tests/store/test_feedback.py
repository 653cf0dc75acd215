import dataclasses
import threading
from datetime import timedelta

import pytest

from cxnlp.errors import InvalidInput, InvalidQuery, NotFound
from cxnlp.filters import Filter, parse_filter
from cxnlp.lines import to_line
from cxnlp.records import Customer, Turn
from cxnlp.store import events

from .samples import NOW, TEXT, enrich, make_analysis, make_conversation_analysis, make_feedback, make_full


def statuses(receipts):
    return [(receipt.status, receipt.version) for receipt in receipts]


def told(store, after=0):
    return [(e.type, e.record_id) for e in store.events.read(after, 1000)]


def test_record_comes_back_as_it_was_given(store):
    items = [make_feedback(), make_full(2)]
    assert statuses(store.feedback.add(items, NOW)) == [("accepted", 1), ("accepted", 1)]
    for item in items:
        record = store.feedback.get(item.id)
        assert record.feedback == item
        assert (record.version, record.received_at, record.analysis, record.topic) == (1, NOW, None, None)
    assert store.feedback.get("r-none") is None
    assert list(store.feedback.get_many([items[1].id, "r-none", items[0].id])) == [items[1].id, items[0].id]


def test_sending_again_is_harmless(store):
    store.feedback.add([make_feedback()], NOW)
    last = store.events.last_seq()
    again = dataclasses.replace(make_feedback(), text="masked better")
    assert statuses(store.feedback.add([again], NOW)) == [("duplicate", 1)]
    assert store.feedback.get(again.id).feedback.text == TEXT
    assert store.events.last_seq() == last


def test_new_content_is_the_next_version_and_keeps_history(store):
    old = make_full(1)
    store.feedback.add([old], NOW)
    enrich(store, lambda claim: make_conversation_analysis())
    new = make_feedback(1, "solved", updated_at=NOW + timedelta(hours=1))
    later = NOW + timedelta(hours=2)
    assert statuses(store.feedback.add([new], later)) == [("updated", 2)]
    record = store.feedback.get(new.id)
    assert (record.feedback, record.version, record.received_at, record.analysis) == (new, 2, later, None)
    (earlier,) = store.feedback.history(new.id)
    assert (earlier.feedback, earlier.version, earlier.received_at) == (old, 1, NOW)
    assert told(store)[-1] == (events.UPDATED, new.id)
    assert [claim.version for claim in store.analyses.claim("w", 10, 60)] == [2]
    assert store.vectors.entries(0, 10) == []


def test_content_older_than_the_stored_is_a_duplicate(store):
    store.feedback.add([make_feedback(1, "second", updated_at=NOW)], NOW)
    older = make_feedback(1, "first", updated_at=NOW - timedelta(seconds=1))
    assert statuses(store.feedback.add([older], NOW)) == [("duplicate", 1)]
    assert statuses(store.feedback.add([make_feedback(1, "third")], NOW)) == [("updated", 2)]


def test_repetitions_within_a_batch_are_met_in_order(store):
    a, b = make_feedback(1, "a"), make_feedback(1, "b")
    receipts = store.feedback.add([a, a, make_feedback(2), b, b, a], NOW)
    assert statuses(receipts) == [("accepted", 1), ("duplicate", 1), ("accepted", 1), ("updated", 2), ("duplicate", 2), ("updated", 3)]
    assert [record.feedback.text for record in store.feedback.history(a.id)] == ["a", "b"]
    assert store.feedback.get(a.id).feedback == a
    assert store.feedback.statistics().pending == 2
    assert [type for type, record_id in told(store) if record_id == a.id] == [events.RECEIVED, events.UPDATED, events.UPDATED]


def test_nothing_and_large_batches_are_added(store):
    assert store.feedback.add([], NOW) == []
    items = [make_feedback(n) for n in range(1203)]
    assert {receipt.status for receipt in store.feedback.add(items, NOW)} == {"accepted"}
    assert {receipt.status for receipt in store.feedback.add(items, NOW)} == {"duplicate"}
    assert len(store.feedback.get_many([item.id for item in items])) == 1203


def test_threads_that_add_the_same_records_accept_each_once(store):
    items = [make_feedback(n) for n in range(40)]
    receipts = []
    threads = [threading.Thread(target=lambda: receipts.extend(store.feedback.add(items, NOW))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(receipt.status for receipt in receipts) == ["accepted"] * 40 + ["duplicate"] * 120


def test_pages_lead_through_all_records_newest_first(store):
    items = [make_feedback(n, created_at=NOW - timedelta(minutes=n // 3)) for n in range(10)]
    store.feedback.add(items, NOW)
    for newest_first in (True, False):
        seen, cursor = [], None
        while True:
            page = store.feedback.page(Filter(), cursor, 4, newest_first=newest_first)
            seen += page.records
            cursor = page.next_cursor
            if cursor is None:
                break
        assert len({record.feedback.id for record in seen}) == len(seen) == 10
        times = [record.feedback.created_at for record in seen]
        assert times == sorted(times, reverse=newest_first)


def test_page_is_stable_while_records_arrive(store):
    store.feedback.add([make_feedback(n) for n in range(1, 5)], NOW)
    first = store.feedback.page(Filter(), None, 2)
    store.feedback.add([make_feedback(0, created_at=NOW + timedelta(hours=1))], NOW)
    second = store.feedback.page(Filter(), first.next_cursor, 10)
    assert [r.feedback.external_id for r in (*first.records, *second.records)] == ["t-1", "t-2", "t-3", "t-4"]


def test_page_refuses_limits_and_the_cursors_of_other_filters(store):
    store.feedback.add([make_feedback(n) for n in range(3)], NOW)
    cursor = store.feedback.page(Filter(), None, 1).next_cursor
    with pytest.raises(InvalidQuery, match="another filter"):
        store.feedback.page(parse_filter({"channel": "ticket"}), cursor, 1)
    with pytest.raises(InvalidQuery, match="another filter or order"):
        store.feedback.page(Filter(), cursor, 1, newest_first=False)
    for limit in (0, 1001):
        with pytest.raises(InvalidQuery, match="limit"):
            store.feedback.page(Filter(), None, limit)


def test_export_gives_every_record_once_in_order_of_receipt(store):
    store.feedback.add([make_feedback(n, channel="chat" if n % 2 else "ticket") for n in range(25)], NOW)
    assert [r.feedback.external_id for r in store.feedback.iterate(Filter(), 7)] == [f"t-{n}" for n in range(25)]
    assert [r.feedback.external_id for r in store.feedback.iterate(Filter(channel=("chat",)), 4)] == [f"t-{n}" for n in range(1, 25, 2)]


def test_correction_wins_survives_a_new_analysis_and_can_be_taken_back(store):
    item = make_feedback()
    store.feedback.add([item], NOW)
    enrich(store)
    changes = {"sentiment": 0.5, "intent": "praise", "risks": [], "observations": [{**pair("courier", "rude"), "quote": {"text": "courier"}}]}
    record = store.feedback.correct(item.id, changes, "ann")
    assert record == store.feedback.get(item.id)
    assert record.corrected == ("intent", "observations", "risks", "sentiment")
    line = to_line(record)
    assert (line["sentiment"], line["label"], line["confidence"], line["intent"], line["risks"]) == (0.5, "positive", 1.0, "praise", [])
    quote = line["observations"][0]["quote"]
    assert TEXT[quote["start"] : quote["end"]] == quote["text"] == "courier"
    assert store.feedback.count(parse_filter({"touchpoint": "courier", "cause": "rude", "label": "positive"})) == 1
    assert store.feedback.count(parse_filter({"touchpoint": "delivery"})) == 0
    assert store.feedback.count(parse_filter({"risk": "churn"})) == 0
    store.analyses.requeue([item.id])
    enrich(store, lambda claim: make_analysis(-0.9))
    assert to_line(store.feedback.get(item.id)) == line
    assert store.feedback.count(parse_filter({"touchpoint": "courier", "label": "positive"})) == 1
    restored = store.feedback.correct(item.id, dict.fromkeys(changes), "ann")
    assert (restored.analysis, restored.corrected) == (make_analysis(-0.9), ())
    assert store.feedback.count(parse_filter({"touchpoint": "delivery", "risk": "churn", "label": "negative"})) == 1
    assert told(store)[-1] == (events.UPDATED, item.id)


def test_correction_is_stale_when_the_content_changes_until_it_is_made_again(store):
    store.feedback.add([make_feedback()], NOW)
    enrich(store)
    kept, lost = {**pair("delivery", "slow"), "quote": {"text": "一个星期"}}, {**pair("courier", "rude"), "quote": {"text": "courier"}}
    store.feedback.correct(make_feedback().id, {"intent": "praise", "observations": [kept, lost]}, "ann")
    changed = make_feedback(1, "还是没到，等了一个星期")
    store.feedback.add([changed], NOW)
    enrich(store, lambda claim: make_analysis(risks=()))
    record = store.feedback.get(changed.id)
    assert (record.corrected, record.stale, record.analysis.intent) == (("intent", "observations"), ("intent", "observations"), "praise")
    (observation,) = record.analysis.observations
    assert changed.text[observation.quote.start : observation.quote.end] == "一个星期"
    assert store.feedback.correct(changed.id, {"intent": "praise"}, "ann").stale == ("observations",)


def test_correction_of_a_record_that_waits_is_applied_when_it_is_analysed(store):
    store.feedback.add([make_feedback()], NOW)
    assert store.feedback.correct(make_feedback().id, {"sentiment": 1}, "ann").analysis is None
    enrich(store)
    assert store.feedback.get(make_feedback().id).analysis.sentiment == 1
    assert store.feedback.count(parse_filter({"sentiment": {"gte": 1}})) == 1


def test_bad_corrections_change_nothing(store):
    store.feedback.add([make_feedback()], NOW)
    enrich(store)
    before = store.feedback.get(make_feedback().id), store.events.last_seq()
    with pytest.raises(InvalidInput, match=r"observations\[0\]\.quote: these words are not"):
        store.feedback.correct(make_feedback().id, {"intent": "praise", "observations": [{**pair("a", None), "quote": {"text": "nowhere"}}]}, "ann")
    with pytest.raises(InvalidInput, match="cannot be corrected; known are sentiment"):
        store.feedback.correct(make_feedback().id, {"language": None}, "ann")
    with pytest.raises(NotFound):
        store.feedback.correct("r-none", {"intent": "praise"}, "ann")
    assert (store.feedback.get(make_feedback().id), store.events.last_seq()) == before


def test_forgotten_record_is_gone_everywhere_and_its_number_is_not_used_again(store):
    store.feedback.add([make_feedback(1), make_feedback(2)], NOW)
    enrich(store)
    store.feedback.correct(make_feedback(2).id, {"intent": "praise"}, "ann")
    store.feedback.add([make_feedback(2, "new words")], NOW)
    seq = store.vectors.entries(0, 10)[-1].seq
    assert store.feedback.forget([make_feedback(2).id, "r-none", make_feedback(2).id]) == 1
    assert store.feedback.get(make_feedback(2).id) is None
    assert store.feedback.history(make_feedback(2).id) == []
    assert store.analyses.claim("w", 10, 60) == []
    last = store.events.read(store.events.last_seq() - 1, 1)[0]
    assert (last.type, last.record_id, last.data) == (events.DELETED, make_feedback(2).id, {})
    store.feedback.add([make_feedback(2)], NOW)
    record = store.feedback.get(make_feedback(2).id)
    assert (record.version, record.corrected) == (1, ())
    enrich(store)
    assert store.vectors.entries(0, 10)[-1].seq > seq + 1


def test_customer_is_forgotten_also_in_the_history_of_others(store):
    mine, others = Customer("c-mine"), Customer("c-other")
    store.feedback.add([make_feedback(1, customer=mine), make_feedback(2, customer=mine), make_feedback(3, customer=others)], NOW)
    store.feedback.add([make_feedback(2, "other content", customer=others)], NOW)
    assert store.feedback.forget_customer("c-mine") == 1
    assert [r.feedback.external_id for r in store.feedback.iterate(Filter())] == ["t-2", "t-3"]
    assert store.feedback.history(make_feedback(2).id) == []
    assert store.feedback.forget_customer("c-mine") == 0


def test_no_file_holds_what_was_forgotten(sqlite_store, tmp_path):
    store = sqlite_store
    items = [make_feedback(n, f"{TEXT} MARK{n:05d}X " + "word " * (n * 7 % 150), customer=Customer(f"CUST{n:05d}X")) for n in range(900)]
    store.feedback.add(items, NOW)
    enrich(store)
    for n in range(1, 900, 9):
        store.feedback.correct(items[n].id, {"risks": [{"id": "legal", "quote": {"text": f"MARK{n:05d}X"}}]}, "ann")
    forgotten = set()
    for step in range(6):
        changed = set(range(step, 900, 6)) - forgotten
        store.feedback.add([make_feedback(n, items[n].text + " again" * (n % 40), customer=items[n].customer) for n in changed], NOW)
        gone = set(range(step, 900, 13)) - forgotten
        store.feedback.forget([items[n].id for n in gone])
        forgotten |= gone
    found = b"".join(path.read_bytes() for path in (tmp_path / "home").iterdir())
    left = [n for n in forgotten if f"MARK{n:05d}X".encode() in found or f"CUST{n:05d}X".encode() in found]
    assert left == []
    assert b"MARK00008X" in found


def test_large_file_is_erased_when_asked_for_the_whole(sqlite_store, monkeypatch):
    monkeypatch.setattr("cxnlp.store.dialect._SMALL_BYTES", 0)
    sqlite_store.feedback.add([make_feedback(n, "x" * 3000) for n in range(100)], NOW)
    sqlite_store.feedback.forget([make_feedback(n).id for n in range(100)])
    pages = "PRAGMA page_count"
    with sqlite_store.database.read() as connection:
        before = connection.exec_driver_sql(pages).scalar()
    assert sqlite_store.database.erase_traces(whole=True)
    with sqlite_store.database.read() as connection:
        assert connection.exec_driver_sql(pages).scalar() < before / 2


def test_traces_are_erased_on_every_database(store):
    assert store.database.erase_traces(whole=True)
    store.feedback.add([make_feedback()], NOW)
    assert store.feedback.statistics().records == 1


def test_statistics_count_the_work(store):
    store.feedback.add([make_feedback(n) for n in range(4)], NOW)
    enrich(store)
    store.feedback.add([make_feedback(0, "changed"), make_feedback(9)], NOW)
    for _ in range(3):
        store.analyses.fail(make_feedback(9).id, 1, "too odd")
    assert dataclasses.astuple(store.feedback.statistics()) == (5, 3, 1, 1)


def pair(touchpoint, cause):
    return {"touchpoint": touchpoint, "stage": "service", "cause": cause, "sentiment": -0.5}


def test_corrected_records_are_those_whose_content_people_saw(store):
    items = [make_feedback(n) for n in range(4)]
    store.feedback.add(items, NOW)
    enrich(store)
    for n in (3, 1, 2):
        store.feedback.correct(items[n].id, {"intent": "praise"}, "ann")
    store.feedback.correct(items[2].id, {"intent": None}, "ann")
    store.feedback.add([make_feedback(3, "changed")], NOW)
    assert store.feedback.corrected_ids() == [items[1].id]


def test_a_conversation_is_extended_if_it_still_has_that_version(store):
    first = make_full(1)
    (receipt,) = store.feedback.add([first], NOW)
    enrich(store)
    longer = dataclasses.replace(
        first, turns=(*first.turns, Turn("agent", "wait", NOW, "m-4")), updated_at=NOW + timedelta(minutes=1), fingerprint="longer"
    )
    assert store.feedback.extend(receipt.id, 2, longer) is None
    assert store.feedback.extend("r-none", 1, longer) is None
    assert store.feedback.extend(receipt.id, 1, longer) == 2
    record = store.feedback.get(receipt.id)
    assert (record.feedback, record.analysis, record.version, record.received_at) == (longer, None, 2, NOW)
    assert store.feedback.history(receipt.id) == []
    assert store.feedback.statistics().pending == 1
    last = store.events.read(0, 100)[-1]
    assert (last.type, last.record_id, last.data) == (events.UPDATED, receipt.id, {"version": 2, "reason": "turns"})
    assert store.feedback.add([first], NOW)[0].status == "duplicate"
