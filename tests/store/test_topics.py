"""What fits, people and new records make of topics in the tables, on both databases."""

import numpy as np
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from cxnlp.errors import Conflict, InvalidQuery, NotFound
from cxnlp.filters import parse_filter
from cxnlp.store import Assigned, Assignments, Candidate, FittedTopic, NewFit, Placed, Result, open_store, said
from cxnlp.store.database import open_database
from cxnlp.store.migration import _SCRIPTS

from .samples import DIM, NOW, enrich, make_analysis, make_feedback, make_generation, make_vectors

NOTHING = Assigned(np.zeros(0, np.int64), np.zeros(0, np.int32), [], np.zeros(0, np.float32))


def _add(store, *texts):
    """Store and analyse records with these texts; return their numbers."""
    first = store.feedback.statistics().records
    receipts = store.feedback.add([make_feedback(first + i, said) for i, said in enumerate(texts, 1)], NOW)
    enrich(store)
    entries = store.vectors.entries_of([receipt.id for receipt in receipts])
    return [entries[receipt.id].seq for receipt in receipts]


def _topic(topic_id, n=0, quotes=()):
    return FittedTopic(topic_id, f"label {topic_id}", ("a", "b"), np.ones(DIM, np.float32), n, (0.5, -0.5), quotes)


def _fit(store, rows, topics=("t-1", "t-2"), kind="documents", activate=True):
    """Keep a fit that puts the record of each number into a row of the topics, and activate it; return its number."""
    number = store.topic_fits.begin(kind, "ann", {"seed": 7}, {}).number
    seqs, whole = np.array(sorted(rows), np.int64), np.full(len(rows), -1, np.int32)
    places = np.array([rows[seq] for seq in sorted(rows)], np.int32)
    told = {"n_records": len(rows), "from_at": 1.0, "to_at": 2.0, "metrics": {"outlier_share": 0.0}, "report": None}
    found = [_topic(topic_id, int(np.sum(places == row)), ((int(seqs[0]), -1),) if row == 0 else ()) for row, topic_id in enumerate(topics)]
    store.topic_fits.keep(number, NewFit(found, Assignments(seqs, whole, places, np.ones(len(rows), np.float32)), "encoder-a", b"space", 0.3, told))
    if activate:
        ids = [topics[row] if row >= 0 else None for row in places.tolist()]
        store.members.activate(number, Assigned(seqs, whole, ids, np.ones(len(rows), np.float32)), store.events.last_seq(), lambda _: NOTHING, "ann")
    return number


def _where(store):
    records = store.feedback.iterate(parse_filter({}))
    return [record.topic and record.topic.id for record in records]


def _id(store, seq):
    return store.sayings.ids([seq])[seq]


def test_a_fit_that_is_kept_reads_back_as_it_was(store):
    a, b, c = _add(store, "一", "二", "三")
    number = _fit(store, {a: 0, b: 1, c: -1}, activate=False)
    fit = store.topic_fits.get(number)
    assert (fit.state, fit.share, fit.is_active, fit.parent) == ("done", 1.0, False, None)
    assert fit.counts == {"records": 3, "items": 3, "topics": 2, "outliers": 1} and fit.parameters == {"seed": 7}
    assert store.fitted.assignments(number).rows.tolist() == [0, 1, -1]
    assert [topic.quotes for topic in store.fitted.topics(number)] == [((a, -1),), ()]
    assert store.fitted.topics(number)[0].position == (0.5, -0.5)
    model = store.fitted.model(number)
    assert (model.topic_ids, model.threshold, model.space, model.centroids.shape) == (("t-1", "t-2"), 0.3, b"space", (2, DIM))
    assert _where(store) == [None] * 3 and store.topics.list() == []
    assert [topic.id for topic in store.topics.list(active_only=False)] == ["t-1", "t-2"]


def test_activation_is_for_all_readers_at_once_and_filters_follow(store):
    a, b, c = _add(store, "一", "二", "三")
    _fit(store, {a: 0, b: 1, c: -1})
    assert _where(store) == ["t-1", "t-2", None]
    assert store.feedback.count(parse_filter({"topic": ["t-2"]})) == 1
    seqs, ids = store.topics.assigned()
    assert (seqs.tolist(), list(ids)) == ([a, b], ["t-1", "t-2"])
    assert store.vectors.entries_of([_id(store, b)])[_id(store, b)].choices["topic"] == "t-2"
    assert store.topic_fits.current() == {"documents": (1, 0)}


def test_topics_of_clauses_are_beside_those_of_records(store):
    a, b = _add(store, "一", "二")
    _fit(store, {a: 0, b: 1})
    number = store.topic_fits.begin("problems", "ann", {}, {}).number
    seqs, clauses = np.array([a, a, b], np.int64), np.array([0, 1, 1], np.int32)
    told = {"n_records": 2, "from_at": 1.0, "to_at": 2.0, "metrics": {}, "report": None}
    found = NewFit([_topic("t-3", 3)], Assignments(seqs, clauses, np.zeros(3, np.int32), np.ones(3, np.float32)), "encoder-a", b"s", 0.3, told)
    store.topic_fits.keep(number, found)
    near = np.array([0.5, 0.9, 0.7], np.float32)
    store.members.activate(number, Assigned(seqs, clauses, ["t-3"] * 3, near), store.events.last_seq(), lambda _: NOTHING, "ann")
    assert _where(store) == ["t-1", "t-2"] and len(list(store.feedback.iterate(parse_filter({})))) == 2
    assert store.feedback.count(parse_filter({"topic": ["t-3"]})) == 0
    members, cursor = store.topics.belonging("t-3", limit=2)
    assert [(one.seq, one.clause) for one in members] == [(a, 1), (b, 1)]
    assert [(one.seq, one.clause) for one in store.topics.belonging("t-3", cursor)[0]] == [(a, 0)]
    assert len(store.topics.belonging("t-3", newest_first=True)[0]) == 3
    with pytest.raises(InvalidQuery, match="another filter or order"):
        store.topics.belonging("t-1", cursor)


def _save(store, text, rows, fits=None):
    """Analyse a new record with a place among the topics; return its id."""
    n = store.feedback.statistics().records + 1
    (receipt,) = store.feedback.add([make_feedback(n, text)], NOW)
    (claim,) = store.analyses.claim("worker", 1, 60)
    placed = Placed(store.topic_fits.current() if fits is None else fits, {receipt.id: rows})
    result = Result(claim.record_id, claim.version, make_analysis(), make_vectors(n), said(claim.feedback))
    assert store.analyses.save([result], make_generation(store).id, placed) == 1
    return receipt.id


def test_new_records_are_saved_with_their_topic_and_copies_go_where_the_first_is(store):
    a, b = _add(store, "快递太慢", "优惠券领不了")
    _fit(store, {a: 0, b: 1})
    new = _save(store, "店里排队太久", [("documents", -1, "t-2", 0.8)])
    copy = _save(store, "快递太慢！！", [("documents", -1, "t-2", 0.8)])
    far = _save(store, "完全别的事", [("documents", -1, None, 0.1)])
    also_far = _save(store, "完全别的事。", [("documents", -1, "t-1", 0.9)])
    assert [store.feedback.get(i).topic and store.feedback.get(i).topic.id for i in (new, copy, far, also_far)] == ["t-2", "t-1", None, None]


def test_a_place_in_topics_that_are_not_active_any_more_is_refused_and_the_record_waits(store):
    (a,) = _add(store, "一")
    _fit(store, {a: 0})
    for n, fits in enumerate(({"documents": (1, 5)}, {}), 1):
        with pytest.raises(Conflict, match="other topics became active"):
            _save(store, f"二{n}", [("documents", -1, "t-1", 0.8)], fits=fits)
        assert store.feedback.statistics().pending == n


def test_moves_merges_and_their_undoing_leave_all_as_it_was(store):
    a, b, c = _add(store, "快递太慢", "快递太慢。", "优惠券领不了")
    _fit(store, {a: 0, b: 0, c: 1})
    assert store.curation.move("documents", [(_id(store, a), -1)], "t-2", "ann") == 2
    assert _where(store) == ["t-2", "t-2", "t-2"]
    store.curation.merge(["t-2"], "t-1", "bob")
    assert _where(store) == ["t-1"] * 3
    _fit(store, {a: 0, b: 0, c: 1})
    assert _where(store) == ["t-1"] * 3
    with pytest.raises(NotFound):
        store.curation.undo("t-7", "ann")
    assert [change.action for change in store.curation.undo("t-1", "cy")] == ["merge"]
    assert _where(store) == ["t-2"] * 3
    store.curation.undo("t-1", "cy")
    assert _where(store) == ["t-1", "t-1", "t-2"]
    assert [(c.action, c.author, c.undone_by) for c in store.curation.history("t-1")] == [("merge", "bob", "cy"), ("move", "ann", "cy")]


def test_candidates_become_a_topic_with_their_copies(store):
    a, *others = _add(store, "快递太慢", "扣费不停", "一直扣费", "一直扣费！")
    _fit(store, {a: 0} | dict.fromkeys(others, -1), topics=("t-1",))
    candidates = store.candidates.list(0.0, 0.0, -1.0, 10)
    assert [one.seq for one in candidates] == others and store.candidates.list(0.0, NOW.timestamp() + 1, -1.0, 10) == []
    assert store.events.lease("topics", "me", 60) == 0
    found = {candidates[0]: 0.9, candidates[1]: 0.8}
    assert store.candidates.emerge((1, 9), _topic("t-2"), found, "me", 5) == 0
    assert store.candidates.emerge((1, 0), _topic("t-2"), found, "me", 6) == 3
    assert _where(store) == ["t-1", "t-2", "t-2", "t-2"] and store.topics.get("t-2").state == "emerging"
    assert store.topic_fits.current() == {"documents": (1, 1)} and store.fitted.model(1).topic_ids == ("t-1", "t-2")
    with pytest.raises(Conflict, match="no longer held"):
        store.candidates.emerge((1, 1), _topic("t-3"), {Candidate(a, 0): 0.9}, "you", 7)


def test_one_fit_runs_at_a_time_until_it_ends_or_gives_no_sign_of_life(store, monkeypatch):
    first = store.topic_fits.begin("documents", "ann", {}, {})
    with pytest.raises(Conflict, match="fit 1 is running"):
        store.topic_fits.begin("problems", "bob", {}, {})
    assert store.topic_fits.report(first.number, "discover", 0.5) is True
    store.topic_fits.cancel(first.number, "bob")
    assert store.topic_fits.report(first.number, "discover", 0.6) is False
    store.topic_fits.end(first.number, "cancelled", "told to")
    second = store.topic_fits.begin("problems", "bob", {}, {})
    monkeypatch.setattr("cxnlp.store.topics.fits.LEASE_SECONDS", -1.0)
    store.topic_fits.report(second.number, "read", 0.1)
    third = store.topic_fits.begin("documents", "cy", {}, {})
    with pytest.raises(Conflict, match="another took over"):
        store.topic_fits.report(second.number, "read", 0.2)
    assert [fit.state for fit in store.topic_fits.list()] == ["interrupted", "interrupted", "cancelled"] and third.number == 3


def test_topics_of_before_versions_are_kept(url):
    """The tables of revision 0006 with three topics, two of them active, become a version."""
    database = open_database(url)
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        record = "INSERT INTO feedback (seq, id, source, external_id, version, channel, text, created_at, received_at, historical, fingerprint)"
        for n in range(1, 5):
            connection.execute(text(f"{record} VALUES ({n}, 'r-{n}', 's', '{n}', 1, 'ticket', 'x', 1, 1, false, 'f')"))
        topic = text("INSERT INTO topics VALUES (:id, :number, :label, :words, :centroid, :is_active, 5.0)")
        for n, is_active in ((1, False), (2, True), (3, True)):
            row = {"id": f"t-{n}", "number": n, "label": f"label {n}", "words": '["a"]', "centroid": np.ones(DIM, np.float32).tobytes()}
            connection.execute(topic, row | {"is_active": is_active})
        for seq, topic_id in ((1, "t-2"), (2, "t-3"), (4, "t-3")):
            connection.execute(text(f"INSERT INTO topic_members VALUES ({seq}, '{topic_id}', 0.5)"))
    database.close()
    store = open_store(url)
    assert _where(store) == ["t-2", "t-3", None, "t-3"]
    assert [(topic.id, topic.n, topic.label) for topic in store.topics.list()] == [("t-3", 2, "label 3"), ("t-2", 1, "label 2")]
    assert store.topics.highest() == 3 and store.topics.get("t-1").is_active is False
    (fit,) = store.topic_fits.list()
    assert (fit.state, fit.is_active) == ("done", True) and store.fitted.assignments(fit.number).seqs.tolist() == [1, 2, 4]
    assert store.fitted.model(fit.number) is None
    store.close()
