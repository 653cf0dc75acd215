import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from cxnlp.errors import Conflict
from cxnlp.filters import parse_filter
from cxnlp.store import Reading, Result, events

from .samples import NOW, enrich, make_analysis, make_conversation_analysis, make_feedback, make_full, make_generation, make_vectors

CLAIM = """
import sys
from cxnlp.store import open_store
store = open_store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
while claims := store.analyses.claim(sys.argv[2], 3, 600):
    print(*(claim.record_id for claim in claims), sep="\\n", flush=True)
store.close()
"""


def analyzed_events(store):
    return [event.record_id for event in store.events.read(0, 1000, [events.ANALYZED])]


def test_analysis_comes_back_as_it_was_given(store):
    store.feedback.add([make_feedback(1), make_full(2)], NOW)
    made = {make_feedback(1).id: make_analysis(), make_full(2).id: make_conversation_analysis()}
    assert enrich(store, lambda claim: made[claim.record_id]) == 2
    assert {i: record.analysis for i, record in store.feedback.get_many(list(made)).items()} == made
    assert analyzed_events(store) == list(made)


def test_claimed_records_go_to_nobody_else_until_the_lease_ends(store):
    store.feedback.add([make_feedback(n) for n in range(5)], NOW)
    first = store.analyses.claim("a", 3, 60)
    assert [claim.feedback for claim in first] == [make_feedback(n) for n in range(3)]
    assert len(store.analyses.claim("b", 10, -1)) == 2
    assert len(store.analyses.claim("a", 10, 60)) == 2
    assert store.analyses.claim("b", 10, 60) == []
    assert store.analyses.release("a") == 5
    assert len(store.analyses.claim("b", 10, 60)) == 5


def test_claim_is_renewed_as_long_as_nobody_else_has_the_records(store):
    store.feedback.add([make_feedback(n) for n in range(3)], NOW)
    claims = store.analyses.claim("a", 3, -1)
    assert store.analyses.renew(claims[:2], "a", 60) == 2
    assert [claim.record_id for claim in store.analyses.claim("b", 10, 60)] == [make_feedback(2).id]
    assert store.analyses.renew(claims, "a", 60) == 2
    assert store.analyses.renew(claims[2:], "a", 60) == 0


def test_processes_that_claim_at_once_share_nothing(store, url):
    items = [make_feedback(n) for n in range(120)]
    store.feedback.add(items, NOW)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    claiming = [subprocess.Popen([sys.executable, "-c", CLAIM, url, name], **pipes) for name in "ab"]
    for process in claiming:
        assert process.stdout.readline() == "ready\n"
    answers = [[], []]
    readers = [threading.Thread(target=lambda i=i, p=p: answers[i].extend(p.communicate("go\n")[0].split())) for i, p in enumerate(claiming)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert [process.returncode for process in claiming] == [0, 0]
    assert sorted(answers[0] + answers[1]) == sorted(item.id for item in items)


def test_result_of_an_earlier_version_is_dropped(store):
    generation = make_generation(store)
    store.feedback.add([make_feedback(1), make_feedback(2), make_feedback(3)], NOW)
    claims = store.analyses.claim("w", 10, 60)
    store.feedback.add([make_feedback(1, "changed")], NOW)
    store.feedback.forget([make_feedback(2).id])
    assert store.analyses.save([Result(c.record_id, c.version, make_analysis(), make_vectors()) for c in claims], generation.id) == 1
    assert store.feedback.get(make_feedback(1).id).analysis is None
    assert analyzed_events(store) == [make_feedback(3).id]
    assert [claim.version for claim in store.analyses.claim("v", 10, 60)] == [2]


def test_version_is_saved_once_though_two_analysed_it(store):
    generation = make_generation(store)
    store.feedback.add([make_feedback()], NOW)
    (late,) = store.analyses.claim("late", 1, -1)
    (quick,) = store.analyses.claim("quick", 1, 60)
    for claim, sentiment, n_applied in ((quick, -0.8, 1), (late, 0.8, 0)):
        result = Result(claim.record_id, claim.version, make_analysis(sentiment), make_vectors())
        assert store.analyses.save([result], generation.id) == n_applied
    assert store.feedback.get(quick.record_id).analysis.sentiment == -0.8
    assert len(analyzed_events(store)) == 1


def test_failing_record_leaves_the_queue_after_three_attempts(store):
    store.feedback.add([make_feedback()], NOW)
    for _ in range(3):
        (claim,) = store.analyses.claim("w", 10, 60)
        store.analyses.fail(claim.record_id, claim.version, "too odd " * 100)
    assert store.analyses.claim("w", 10, 60) == []
    ((failed, error),) = store.analyses.failures()
    assert (failed, error[:7], len(error)) == (make_feedback().id, "too odd", 300)
    assert store.analyses.requeue_failed() == 1
    assert enrich(store) == 1
    assert store.analyses.failures() == []


def test_failure_of_an_earlier_version_does_not_count(store):
    store.feedback.add([make_feedback()], NOW)
    store.feedback.add([make_feedback(1, "changed")], NOW)
    for _ in range(3):
        store.analyses.fail(make_feedback().id, 1, "x")
    assert store.feedback.statistics().failed == 0


def test_requeued_record_shows_its_analysis_until_the_new_one(store):
    store.feedback.add([make_feedback(1), make_feedback(2)], NOW)
    enrich(store)
    assert store.analyses.requeue([make_feedback(1).id, "r-none"]) == 1
    assert store.feedback.get(make_feedback(1).id).analysis == make_analysis()
    assert store.analyses.requeue_all() == 2
    assert enrich(store, lambda claim: make_analysis(0.4)) == 2
    assert {record.analysis.sentiment for record in store.feedback.get_many([make_feedback(1).id, make_feedback(2).id]).values()} == {0.4}


def test_process_with_a_retired_encoder_cannot_save(store):
    store.feedback.add([make_feedback(1)], NOW)
    old = make_generation(store)
    (claim,) = store.analyses.claim("w", 10, 60)
    store.generations.activate(store.generations.begin("encoder-b", "splitter-1", 8).id)
    with pytest.raises(Conflict, match="restart"):
        store.analyses.save([Result(claim.record_id, 1, make_analysis(), make_vectors())], old.id)
    assert store.feedback.statistics().pending == 1


def test_a_record_is_read_anew_with_corrections_on_top_and_vectors_as_they_were(store):
    one, two = make_feedback(1), make_feedback(2)
    store.feedback.add([one, two], NOW)
    enrich(store)
    store.feedback.correct(one.id, {"intent": "praise"}, "ann")
    before, seen = store.vectors.get_many([one.id]), store.events.last_seq()
    new = replace(make_analysis(0.9, cause=None, risks=(), intent="inquiry"), model="test-2")
    assert store.analyses.reread([Reading(one.id, 1, new), Reading(two.id, 1, new), Reading("r-none", 1, new)]) == 2
    first, second = store.feedback.get(one.id).analysis, store.feedback.get(two.id).analysis
    assert (first.intent, first.sentiment, first.model, first.risks) == ("praise", 0.9, "test-2", ())
    assert second == new
    assert store.vectors.get_many([one.id]).keys() == before.keys()
    assert store.vectors.entries_of([two.id])[two.id].choices["label"] == "positive"
    assert store.feedback.count(parse_filter({"risk": ["churn"]})) == 0
    told = [(e.record_id, e.data) for e in store.events.read(seen, 10)]
    assert sorted(told) == sorted([(one.id, {"version": 1, "reason": "model"}), (two.id, {"version": 1, "reason": "model"})])


def test_a_record_that_changed_meanwhile_is_not_read_anew(store):
    item = make_feedback(1)
    store.feedback.add([item], NOW)
    enrich(store)
    store.feedback.add([make_feedback(1, "changed")], NOW)
    assert store.analyses.reread([Reading(item.id, 1, make_analysis(0.9))]) == 0
    enrich(store)
    assert store.analyses.reread([Reading(item.id, 1, make_analysis(0.9))]) == 0
    assert store.feedback.get(item.id).analysis.sentiment == -0.8
