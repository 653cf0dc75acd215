from datetime import timedelta

import pytest

from cxnlp.records import Customer
from cxnlp.store import Verdict

from .samples import NOW, enrich, make_analysis, make_feedback

HOUR = timedelta(hours=1)
HOURS = {1: 4, 2: 24, 3: 72}


def add(store, n, customer="c-ann", text="slow again", at=NOW, touchpoint="delivery", cause="slow", sentiment=-0.8):
    """Store and analyse a record of a customer; return its id."""
    feedback = make_feedback(n, text=text, created_at=at, customer=Customer(customer, None) if customer else None)
    (receipt,) = store.feedback.add([feedback], NOW)
    enrich(store, lambda _: make_analysis(sentiment, touchpoint, cause))
    return receipt.id


def judge(record_id, level=2, version=1, at=NOW, historical=False, priority=50, cooldown=24, rule="default"):
    deadline = at + HOURS[level] * HOUR if level and not historical else None
    return Verdict(
        record_id, version, rule, at, level, ({"en": "negative", "zh": "负面"},), deadline, historical,
        priority=priority, explanation={"en": f"p {priority}", "zh": f"p {priority}"}, cooldown_seconds=cooldown * 3600,
    )  # fmt: skip


def none(record_id, version=1):
    return Verdict(record_id, version, "default", NOW)


def apply(store, *verdicts):
    store.events.lease("flags", "a", 60)
    return store.flags.apply(verdicts, "a", store.events.last_seq())


def told(store):
    return [(e.type, e.record_id, e.data["repeats"]) for e in store.events.read(0, 1000) if e.type.startswith("flag.")]


def flagged(store):
    return {flag.record_id: flag for flag in store.flags.page().flags}


def test_a_second_conversation_about_the_same_joins_the_open_flag(store):
    first, second = add(store, 1), add(store, 2, at=NOW + HOUR)
    apply(store, judge(first))
    assert apply(store, judge(second, at=NOW + HOUR)) == 1
    assert [(f.record_id, f.repeats, f.level) for f in store.flags.page().flags] == [(first, 1, 2)]
    assert told(store) == [("flag.raised", first, 0), ("flag.repeated", second, 1)]
    assert apply(store, judge(second), judge(first)) == 0
    assert flagged(store)[first].repeats == 1


def test_both_in_one_go_make_one_flag(store):
    ids = [add(store, n) for n in (1, 2, 3)]
    apply(store, *map(judge, ids))
    assert [(f.record_id, f.repeats) for f in store.flags.page().flags] == [(ids[0], 2)]


@pytest.mark.parametrize(
    "other",
    [
        {"customer": "c-bob"},
        {"customer": None},
        {"touchpoint": "support"},
        {"cause": "unreachable"},
        {"cause": None},
        {"at": NOW + 25 * HOUR},
        {"at": NOW - 25 * HOUR},
    ],
)
def test_what_is_not_the_same_gets_a_flag_of_its_own(store, other):
    first, second = add(store, 1), add(store, 2, **other)
    apply(store, judge(first), judge(second))
    assert set(flagged(store)) == {first, second}


def test_without_a_cool_down_or_by_another_rule_nothing_is_joined(store):
    first, second = add(store, 1), add(store, 2)
    apply(store, judge(first), judge(second, cooldown=0), judge(first, rule="vip"))
    assert len(store.flags.page().flags) == 3


@pytest.mark.parametrize("state", ["resolved", "dismissed"])
def test_what_people_have_closed_is_not_joined(store, state):
    first, second, third = add(store, 1), add(store, 2), add(store, 3)
    apply(store, judge(first))
    apply(store, judge(second))
    store.flags.set_state(flagged(store)[first].id, state, "done", "ann")
    apply(store, judge(second))
    assert set(flagged(store)) == {first}
    apply(store, judge(third))
    assert set(flagged(store)) == {first, third}


def test_a_joined_record_with_new_words_gets_its_own_flag_once_the_first_is_closed(store):
    first, second = add(store, 1), add(store, 2)
    apply(store, judge(first), judge(second))
    store.flags.set_state(flagged(store)[first].id, "resolved", None, "ann")
    add(store, 2, text="and slow once more")
    apply(store, judge(second, version=2))
    assert flagged(store)[second].state == "open"
    assert flagged(store)[first].repeats == 0


def test_a_more_urgent_repeat_makes_the_flag_more_urgent_and_another_look_does_not_lower_it(store):
    first, second = add(store, 1), add(store, 2)
    apply(store, judge(first, 3, priority=30))
    apply(store, judge(second, 1, at=NOW + HOUR, priority=80))
    flag = flagged(store)[first]
    assert (flag.level, flag.deadline, flag.priority, flag.explanation["en"]) == (1, NOW + 5 * HOUR, 80, "p 80")
    assert apply(store, judge(first, 3, priority=30)) == 0
    assert flagged(store)[first] == flag


def test_a_flag_stays_while_a_repeat_deserves_it_and_goes_with_the_last(store):
    first, second, third = add(store, 1), add(store, 2), add(store, 3)
    apply(store, *map(judge, (first, second, third)))
    assert apply(store, none(first)) == 0
    apply(store, none(second))
    assert (flagged(store)[first].state, flagged(store)[first].repeats) == ("open", 1)
    apply(store, none(third))
    assert flagged(store)[first].state == "withdrawn"
    assert told(store)[-1] == ("flag.withdrawn", first, 0)


def test_a_flag_that_only_a_repeat_kept_comes_back_to_its_record(store):
    first, second = add(store, 1), add(store, 2)
    apply(store, judge(first), judge(second))
    apply(store, none(first))
    apply(store, judge(first))
    apply(store, none(second))
    assert flagged(store)[first].state == "open"


def test_news_does_not_vanish_in_the_flag_of_an_old_record(store):
    old, new = add(store, 1), add(store, 2)
    apply(store, judge(old, historical=True))
    apply(store, judge(new))
    assert [f.historical for f in (flagged(store)[old], flagged(store)[new])] == [True, False]
    late = add(store, 3)
    assert apply(store, judge(late, 1, historical=True)) == 0
    assert flagged(store)[new].level == 2
    assert sum(f.repeats for f in flagged(store).values()) == 1


def test_when_the_flagged_record_is_forgotten_those_that_joined_it_are_told_of_anew(store):
    first, second = add(store, 1), add(store, 2)
    apply(store, judge(first), judge(second))
    before = store.events.last_seq()
    store.feedback.forget([first])
    assert [(e.type, e.record_id) for e in store.events.read(before, 10)] == [("record.deleted", first), ("record.updated", second)]
    apply(store, judge(second))
    assert set(flagged(store)) == {second}


def test_a_repeat_that_is_forgotten_no_longer_counts(store):
    first, second = add(store, 1), add(store, 2)
    apply(store, judge(first), judge(second))
    store.feedback.forget([second])
    assert flagged(store)[first].repeats == 0
