import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from cxnlp.errors import Conflict, InvalidInput, InvalidQuery, NotFound
from cxnlp.store import Escalation, Verdict

from .samples import NOW, enrich, make_feedback

HOURS = {1: 4, 2: 24, 3: 72}


def add(store, *numbers, **fields):
    return [receipt.id for receipt in store.feedback.add([make_feedback(n, **fields) for n in numbers], NOW)]


def judge(record_id, level=2, version=1, at=NOW, historical=False):
    deadline = at + timedelta(hours=HOURS[level]) if level and not historical else None
    return Verdict(record_id, version, "default", at, level, ({"en": "negative", "zh": "负面"},), deadline, historical)


def apply(store, *verdicts, position=None, holder="a"):
    store.events.lease("flags", holder, 60)
    return store.flags.apply(verdicts, holder, store.events.last_seq() if position is None else position)


def told(store):
    return [(e.type, e.data["level"]) for e in store.events.read(0, 100) if e.type.startswith("flag.")]


def only(store):
    (flag,) = store.flags.page().flags
    return flag


def test_flag_is_raised_once_for_the_same_cause(store):
    (record_id,) = add(store, 1)
    assert apply(store, judge(record_id)) == 1
    assert apply(store, judge(record_id, at=NOW + timedelta(hours=1))) == 0
    assert told(store) == [("flag.raised", 2)]
    flag = only(store)
    (event,) = store.events.read(0, 10, ["flag.raised"])
    assert event.record_id == record_id
    assert event.data == flag.to_line()
    assert event.data == {
        "id": flag.id,
        "record_id": record_id,
        "rule": "default",
        "level": 2,
        "reasons": [{"en": "negative", "zh": "负面"}],
        "raised_at": "2026-11-20T12:00:00.123Z",
        "deadline": "2026-11-21T12:00:00.123Z",
        "state": "open",
        "historical": False,
        "owner": None,
        "priority": None,
        "explanation": None,
        "overdue_at": None,
        "repeats": 0,
        "rule_version": 0,
    }
    assert store.flags.get(flag.id) == flag
    assert store.flags.get("f-none") is None


def test_verdict_without_level_raises_nothing(store):
    (record_id,) = add(store, 1)
    assert apply(store, Verdict(record_id, 1, "default", NOW)) == 0
    assert store.flags.page().flags == []


def test_many_flags_in_one_go(store):
    ids = add(store, *range(620))
    assert apply(store, *[judge(i) for i in ids]) == 620
    assert len(store.flags.page(limit=1000).flags) == 620


def test_change_of_level_is_told_and_moves_the_deadline(store):
    (record_id,) = add(store, 1)
    apply(store, judge(record_id, 3))
    apply(store, judge(record_id, 1, at=NOW + timedelta(hours=1)))
    assert only(store).deadline == NOW + timedelta(hours=5)
    assert only(store).raised_at == NOW
    apply(store, judge(record_id, 2, at=NOW + timedelta(hours=2)))
    assert only(store).deadline == NOW + timedelta(hours=24)
    assert told(store) == [("flag.raised", 3), ("flag.changed", 1), ("flag.changed", 2)]


def test_a_flag_that_becomes_less_urgent_is_due_from_when_it_was_raised(store):
    (record_id,) = add(store, 1)
    raised_at, later = NOW, NOW + timedelta(hours=3)
    apply(store, judge(record_id, level=2))
    add(store, 1, text="less bad")
    # As with business hours: from one time to the next, the clock shows more than from the other.
    due = {raised_at: NOW + timedelta(hours=100), later: NOW + timedelta(hours=200)}
    apply(store, replace(judge(record_id, level=3, version=2, at=later), deadline=due[later], due=due.get))
    assert (only(store).level, only(store).deadline) == (3, due[raised_at])


def test_more_urgent_level_never_puts_the_deadline_off(store):
    (record_id,) = add(store, 1)
    apply(store, judge(record_id, 3))
    apply(store, judge(record_id, 1, at=NOW + timedelta(hours=71)))
    assert only(store).deadline == NOW + timedelta(hours=72)


def test_flag_is_withdrawn_when_nothing_raises_it_any_more_and_comes_back_with_new_words(store):
    (record_id,) = add(store, 1)
    apply(store, judge(record_id))
    apply(store, Verdict(record_id, 1, "default", NOW))
    assert only(store).state == "withdrawn"
    assert apply(store, Verdict(record_id, 1, "default", NOW)) == 0
    apply(store, judge(record_id))
    assert only(store).state == "open"
    apply(store, Verdict(record_id, 1, "default", NOW))
    add(store, 1, text="es wird schlimmer")
    apply(store, judge(record_id, version=2))
    types = [type for type, _ in told(store)]
    assert types == ["flag.raised", "flag.withdrawn", "flag.changed", "flag.withdrawn", "flag.raised"]


def test_what_people_have_closed_comes_back_only_with_new_and_more_urgent_words(store):
    (record_id,) = add(store, 1)
    apply(store, judge(record_id, 2))
    store.flags.set_state(only(store).id, "resolved", None, "ann")
    assert apply(store, judge(record_id, 1)) == 0
    assert apply(store, Verdict(record_id, 1, "default", NOW)) == 0
    add(store, 1, text="still angry")
    assert apply(store, judge(record_id, 2, version=2)) == 0
    add(store, 1, text="my lawyer will call")
    assert apply(store, judge(record_id, 1, version=3)) == 1
    assert (only(store).state, only(store).level) == ("open", 1)


def test_historical_flag_becomes_live_when_the_conversation_goes_on(store):
    (record_id,) = add(store, 1)
    apply(store, judge(record_id, historical=True))
    assert (only(store).deadline, only(store).historical) == (None, True)
    add(store, 1, text="and now this")
    apply(store, judge(record_id, version=2))
    assert (only(store).deadline, only(store).historical) == (NOW + timedelta(hours=24), False)
    assert [type for type, _ in told(store)] == ["flag.raised", "flag.raised"]
    apply(store, judge(record_id, 3, version=2, historical=True))
    assert not only(store).historical


def test_verdict_on_a_version_or_record_that_is_gone_is_left_alone(store):
    ids = add(store, 1, 2)
    add(store, 1, text="new words")
    store.feedback.forget([ids[1]])
    assert apply(store, judge(ids[0]), judge(ids[1])) == 0
    assert store.flags.page().flags == []


def test_flag_is_deleted_with_its_record(store):
    ids = add(store, 1, 2)
    apply(store, *map(judge, ids))
    store.feedback.forget([ids[0]])
    assert [flag.record_id for flag in store.flags.page().flags] == [ids[1]]


def test_flags_and_cursor_are_written_together_or_not_at_all(store):
    (record_id,) = add(store, 1)
    store.events.lease("flags", "a", -1)
    store.events.lease("flags", "b", 60)
    with pytest.raises(Conflict):
        store.flags.apply([judge(record_id)], "a", 1)
    assert store.flags.page().flags == []
    assert told(store) == []
    apply(store, judge(record_id), position=1, holder="b")
    assert store.events.lease("flags", "b", 60) == 1


def test_cursor_stays_where_it_is_when_flags_cannot_be_told(store, monkeypatch):
    (record_id,) = add(store, 1)

    def fail(*_):
        raise ZeroDivisionError

    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(store.events, "append", fail)
        apply(store, judge(record_id))
    assert store.events.lease("flags", "a", 60) == 0
    assert store.flags.page().flags == []


def test_people_acknowledge_resolve_and_dismiss(store):
    (record_id,) = add(store, 1)
    apply(store, judge(record_id))
    flag = only(store)
    acknowledged = store.flags.set_state(flag.id, "acknowledged", None, "ann")
    assert acknowledged == replace(flag, state="acknowledged", author="ann")
    store.flags.set_state(flag.id, "acknowledged", None, "ann")
    dismissed = store.flags.set_state(flag.id, "dismissed", "it was a joke about SECRETWORDS", "bob")
    assert (dismissed.state, dismissed.note, dismissed.author) == ("dismissed", "it was a joke about SECRETWORDS", "bob")
    assert [type for type, _ in told(store)] == ["flag.raised", "flag.acknowledged", "flag.dismissed"]
    assert "SECRETWORDS" not in json.dumps([dict(e.data) for e in store.events.read(0, 100)])


def test_states_that_cannot_be_set_are_refused(store):
    (record_id,) = add(store, 1)
    apply(store, judge(record_id))
    flag = only(store)
    with pytest.raises(InvalidInput, match="acknowledged, resolved, dismissed"):
        store.flags.set_state(flag.id, "open", None, "ann")
    with pytest.raises(InvalidInput, match="say why"):
        store.flags.set_state(flag.id, "dismissed", " ", "ann")
    with pytest.raises(NotFound):
        store.flags.set_state("f-none", "resolved", None, "ann")
    apply(store, Verdict(record_id, 1, "default", NOW))
    with pytest.raises(Conflict, match="withdrawn"):
        store.flags.set_state(flag.id, "resolved", None, "ann")


def ranked(store, *ranks):
    """Raise flags with these priorities, the deadlines the other way round."""
    ids = add(store, *range(len(ranks)))
    due = [None if rank is None else NOW + timedelta(hours=100 - rank) for rank in ranks]
    apply(store, *[replace(judge(i), priority=rank, deadline=at) for i, rank, at in zip(ids, ranks, due, strict=True)])
    return ids


def read_on(store, sort, limit=2, meanwhile=lambda: None):
    """Return the priorities of all flags, read in parts; `meanwhile` is called after the first."""
    page = store.flags.page(sort=sort, limit=limit)
    meanwhile()
    seen = [flag.priority for flag in page.flags]
    while page.next_cursor:
        page = store.flags.page(sort=sort, limit=limit, cursor=page.next_cursor)
        seen += [flag.priority for flag in page.flags]
    return seen


@pytest.mark.parametrize("sort", ["priority", "deadline"])
@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
def test_flags_are_listed_by_what_is_to_be_done_first(store, sort, limit):
    ranked(store, 10, None, 70, 30, 70, 50)
    assert read_on(store, sort, limit) == [70, 70, 50, 30, 10, None]
    with pytest.raises(InvalidQuery, match="newest, priority, deadline"):
        store.flags.page(sort="level")


@pytest.mark.parametrize("sort", ["priority", "deadline"])
def test_flags_that_change_while_a_list_is_read_come_last_and_none_is_missed(store, sort):
    ids = ranked(store, 90, 80, 70, 60, 50)

    def change():
        later = NOW + timedelta(minutes=1)
        change = {"priority": 99, "deadline": NOW + timedelta(hours=1), "level": 1}
        apply(store, *[replace(judge(i, at=later), **change) for i in (ids[0], ids[3])])

    assert read_on(store, sort, meanwhile=change) == [90, 80, 70, 50, 99, 99]


def test_two_flags_of_a_record_are_both_listed_whatever_part_they_are_in(store):
    (record_id,) = add(store, 1)
    apply(store, *[replace(judge(record_id), rule=rule) for rule in ("a", "b", "c")])
    for sort in ("newest", "priority", "deadline"):
        assert len(read_on(store, sort, limit=1)) == 3


def test_flags_are_listed_newest_first_by_state_and_level(store):
    ids = add(store, *range(5))
    apply(store, *[judge(i, level=1 + n % 2, at=NOW + timedelta(minutes=n)) for n, i in enumerate(ids)])
    store.flags.set_state(store.flags.page().flags[0].id, "resolved", None, "ann")
    first = store.flags.page(limit=3)
    rest = store.flags.page(limit=3, cursor=first.next_cursor)
    assert [flag.record_id for flag in first.flags + rest.flags] == ids[::-1]
    assert rest.next_cursor is None
    assert {flag.record_id for flag in store.flags.page(level=2).flags} == {ids[1], ids[3]}
    assert {flag.record_id for flag in store.flags.page("open", 1).flags} == {ids[0], ids[2]}
    with pytest.raises(InvalidQuery, match="another"):
        store.flags.page("open", cursor=first.next_cursor)
    with pytest.raises(InvalidQuery, match="withdrawn"):
        store.flags.page("closed")
    with pytest.raises(InvalidQuery, match="1 to 1000"):
        store.flags.page(limit=0)


def test_flags_survive_a_new_analysis(store):
    (record_id,) = add(store, 1)
    enrich(store)
    apply(store, judge(record_id))
    store.analyses.requeue([record_id])
    enrich(store)
    assert apply(store, judge(record_id)) == 0
    with store.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM flags")).scalar() == 1


def escalate(store, now, level=1, holder="a"):
    position = store.events.lease("flags", holder, 60)
    found = [Escalation(flag.id, level, 90, {"en": "late", "zh": "超时"}) for flag in store.flags.overdue(now)]
    return store.flags.escalate(found, now, holder, position)


def test_a_flag_that_nobody_took_on_in_time_is_told_of_once_and_becomes_more_urgent(store):
    ids = add(store, 1, 2)
    apply(store, judge(ids[0], 2), judge(ids[1], 3))
    assert escalate(store, NOW + timedelta(hours=24)) == 0
    late = NOW + timedelta(hours=24, seconds=1)
    assert escalate(store, late) == 1
    assert escalate(store, late + timedelta(hours=1)) == 0
    flag = next(f for f in store.flags.page().flags if f.record_id == ids[0])
    assert (flag.level, flag.priority, flag.explanation["en"], flag.overdue_at) == (1, 90, "late", late)
    assert told(store)[-1] == ("flag.overdue", 1)
    assert apply(store, judge(ids[0], 2)) == 0
    assert store.flags.get(flag.id) == flag


def test_flags_that_people_have_dealt_with_and_those_without_a_deadline_are_never_overdue(store):
    ids = add(store, 1, 2, 3)
    apply(store, judge(ids[0]), judge(ids[1]), judge(ids[2], historical=True))
    first, second = (flag.id for flag in store.flags.page().flags if not flag.historical)
    store.flags.set_state(first, "acknowledged", None, "ann")
    store.flags.set_state(second, "resolved", None, "ann")
    assert store.flags.overdue(NOW + timedelta(days=900)) == []


def test_one_that_is_taken_on_while_it_is_being_escalated_is_left_alone(store):
    (record_id,) = add(store, 1)
    apply(store, judge(record_id))
    late = NOW + timedelta(days=2)
    (flag,) = store.flags.overdue(late)
    store.flags.set_state(flag.id, "acknowledged", None, "ann")
    position = store.events.lease("flags", "a", 60)
    assert store.flags.escalate([Escalation(flag.id, 1, 90, {})], late, "a", position) == 0
    assert only(store).level == 2


def test_only_the_holder_of_the_lease_escalates(store):
    (record_id,) = add(store, 1)
    apply(store, judge(record_id))
    store.events.lease("flags", "a", -1)
    store.events.lease("flags", "b", 60)
    late = NOW + timedelta(days=2)
    with pytest.raises(Conflict):
        store.flags.escalate([Escalation(only(store).id, 1, 90, {})], late, "a", 1)
    assert (only(store).level, only(store).overdue_at) == (2, None)


def test_a_flag_that_is_raised_anew_can_be_overdue_anew(store):
    (record_id,) = add(store, 1)
    apply(store, judge(record_id, 3))
    escalate(store, NOW + timedelta(days=4), level=2)
    store.flags.set_state(only(store).id, "resolved", None, "ann")
    add(store, 1, text="worse than ever")
    apply(store, judge(record_id, 2, version=2, at=NOW + timedelta(days=5)))
    assert (only(store).state, only(store).overdue_at) == ("open", None)
    assert escalate(store, NOW + timedelta(days=7)) == 1


def test_an_owner_comes_with_the_flag_and_people_can_give_it_to_another(store):
    ids = add(store, 1, 2)
    apply(store, replace(judge(ids[0]), owner="desk"), judge(ids[1]))
    (flag,) = store.flags.page(owner="desk").flags
    given = store.flags.set_state(flag.id, None, None, "ann", owner="bob")
    assert (given.owner, given.state, given.author) == ("bob", "open", None)
    assert told(store)[-1] == ("flag.changed", 2)
    apply(store, replace(judge(ids[0], 1), owner="desk"))
    assert store.flags.get(flag.id).owner == "bob"
    assert store.flags.page(owner="desk").flags == []
    both = store.flags.set_state(flag.id, "acknowledged", None, "ann", owner="cy")
    assert (both.owner, both.state, both.author) == ("cy", "acknowledged", "ann")
    with pytest.raises(InvalidInput, match="state and owner are missing"):
        store.flags.set_state(flag.id, None, "because", "ann")
