import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxnlp.errors import InvalidInput, InvalidQuery
from cxnlp.filters import Filter, Range
from cxnlp.index.columns import Columns
from cxnlp.index.flat import flatten, restore_columns
from cxnlp.index.hashed import hash_of

from .samples import DIM, SINGLE, entry_lists, filters, id_of, make_entry, matching_observations, passes

VECTOR = np.ones(DIM, np.float32)


def fill(entries, removed=(), batch=4):
    """Return columns that got the entries in batches, and the entries that should be left."""
    columns, left = Columns(), {}
    for start in range(0, len(entries), batch):
        last = {entry.id: entry for entry in entries[start : start + batch]}
        columns.put(list(last.values()))
        left |= last
    columns.remove([id_of(seq) for seq in removed])
    return columns, [entry for entry in left.values() if entry.id not in {id_of(seq) for seq in removed}]


def selected(columns, filter):
    return sorted(columns.ids.names(np.flatnonzero(columns.select(filter))))


@settings(max_examples=60, deadline=None)
@given(entry_lists(), st.sets(st.integers(0, 11), max_size=4), filters)
def test_select_equals_the_plain_evaluation(entries, removed, filter):
    columns, left = fill(entries, removed)
    assert selected(columns, filter) == sorted(e.id for e in left if passes(e, filter))


@settings(max_examples=60, deadline=None)
@given(entry_lists(), st.sets(st.integers(0, 11), max_size=8), filters)
def test_dropping_dead_rows_changes_no_answer(entries, removed, filter):
    columns, left = fill(entries, removed)
    taken, rows = columns.taken()
    assert columns.ids.names(rows) == taken.ids.names(np.arange(taken.live.n))
    assert taken.live.n == taken.live.n_alive == len(left)
    assert selected(taken, filter) == selected(columns, filter)
    for name in ("channel", "cause", "risk", "attributes.region"):
        assert taken.facets(filter, name) == columns.facets(filter, name)


@settings(max_examples=60, deadline=None)
@given(entry_lists(), filters)
def test_taken_columns_go_on_growing(entries, filter):
    columns, left = fill(entries[: len(entries) // 2])
    taken, _ = columns.taken()
    rest = {entry.id: entry for entry in entries[len(entries) // 2 :]}
    taken.put(list(rest.values()))
    assert selected(taken, filter) == sorted(e.id for e in ({e.id: e for e in left} | rest).values() if passes(e, filter))


@settings(max_examples=60, deadline=None)
@given(entry_lists(), st.sets(st.integers(0, 11), max_size=8), filters)
def test_columns_of_arrays_give_the_same_answers(entries, removed, filter):
    columns, _ = fill(entries, removed)
    arrays, texts = flatten(columns.taken()[0])
    restored = restore_columns(arrays, json.loads(json.dumps(texts)))
    assert selected(restored, filter) == selected(columns, filter)
    for name in (*SINGLE, "cause", "risk", "attributes.region"):
        assert restored.facets(filter, name) == columns.facets(filter, name)


@settings(max_examples=60, deadline=None)
@given(entry_lists(), filters)
def test_facets_equal_the_plain_count(entries, filter):
    columns, left = fill(entries)
    passing = [e for e in left if passes(e, filter)]
    for name in SINGLE:
        assert columns.facets(filter, name) == Counter(e.choices[name] for e in passing if name in e.choices)
    for place, name in enumerate(("touchpoint", "stage", "cause")):
        seen = Counter(v for e in passing for v in {o[place] for o in matching_observations(e, filter)} - {None})
        assert columns.facets(filter, name) == seen
    assert columns.facets(filter, "risk") == Counter(v for e in passing for v in set(e.risks))
    assert columns.facets(filter, "attributes.region") == Counter(e.attributes["region"] for e in passing if "region" in e.attributes)


def test_touchpoint_and_cause_must_match_within_one_observation():
    columns = Columns()
    columns.put([make_entry(0, VECTOR, observations=(("delivery", "service", "slow"), ("price", "sale", "expensive")))])
    assert selected(columns, Filter(touchpoint=("delivery",), cause=("slow",))) == [id_of(0)]
    assert selected(columns, Filter(touchpoint=("delivery",), cause=("expensive",))) == []
    assert columns.facets(Filter(touchpoint=("delivery",)), "cause") == {"slow": 1}


def test_a_bound_holds_at_the_very_value():
    columns = Columns()
    columns.put([make_entry(0, VECTOR, numbers={"sentiment": -0.3})])
    assert selected(columns, Filter(sentiment=Range(lte=-0.3, gte=-0.3))) == [id_of(0)]
    assert selected(columns, Filter(sentiment=Range(lt=-0.3))) == selected(columns, Filter(sentiment=Range(gt=-0.3))) == []


def test_a_thousand_names_of_attributes_take_no_column_each():
    columns = Columns()
    columns.put([make_entry(i, VECTOR, attributes={f"name{i}": "x", "n": str(i % 7)}) for i in range(1_000)])
    assert selected(columns, Filter(attributes={"name512": ("x",)})) == [id_of(512)]
    assert columns.select(Filter(attributes={"n": ("3", "4")})).sum() == sum(i % 7 in (3, 4) for i in range(1_000))


def test_a_reader_sees_nothing_of_a_put_that_came_after_its_moment():
    columns = Columns()
    columns.put([make_entry(i, VECTOR, choices={"channel": "chat"}) for i in range(10)])
    before = columns.live
    columns.put([make_entry(i, VECTOR, choices={"channel": "call"}) for i in range(5, 2_000)])
    assert (before.n, before.n_alive, before.alive.all()) == (10, 10, True)
    columns.live = before
    assert selected(columns, Filter(channel=("chat",))) == sorted(id_of(i) for i in range(10))


def test_values_that_nobody_has_any_more_are_forgotten():
    columns = Columns()
    columns.put([make_entry(0, VECTOR, choices={"customer": "secret"}, attributes={"a": "secret"}), make_entry(1, VECTOR, choices={"customer": "b"})])
    columns.remove([id_of(0), id_of(77)])
    taken, _ = columns.taken()
    arrays, texts = flatten(taken)
    assert "secret" not in str(texts)
    assert hash_of("secret") not in [*arrays["customer"], *arrays["attributes_values"]]


def test_values_that_may_all_differ_are_filtered_however_many_but_listed_only_up_to_a_thousand():
    columns = Columns()
    columns.put([make_entry(i, VECTOR, choices={"customer": f"c-{i}"}, attributes={"order": f"o-{i}", "n": str(i % 7)}) for i in range(1_001)])
    assert selected(columns, Filter(customer=("c-5", "c-1000"), attributes={"order": ("o-1000", "o-7")})) == [id_of(1_000)]
    assert columns.facets(Filter(), "attributes.n")["3"] == 143
    for name in ("customer", "attributes.order"):
        with pytest.raises(InvalidQuery, match="more than 1,000 values"):
            columns.facets(Filter(), name)


def test_more_values_than_16_bits_number_are_told_apart():
    columns = Columns()
    columns.put([make_entry(i, VECTOR, choices={"source": f"s-{i}"}) for i in range(33_000)])
    assert selected(columns, Filter(source=("s-32999", "s-3"))) == [id_of(3), id_of(32_999)]
    assert columns.facets(Filter(), "source")["s-32768"] == 1


def test_copies_are_counted_among_those_that_pass():
    columns = Columns()
    keys = [7, -7, 7 + (1 << 40), 0, -(1 << 63)]
    columns.put([make_entry(i, VECTOR, copy_key=keys[i % 5], choices={"channel": "chat" if i < 50 else "call"}) for i in range(100)])
    columns.remove([id_of(0)])
    assert columns.copies([7, -7, 9, -(1 << 63), 7 + (1 << 40)], columns.select(Filter())) == [19, 20, 0, 20, 20]
    assert columns.copies([7, -7], columns.select(Filter(channel=("chat",)))) == [9, 10]
    assert columns.copies([], columns.select(Filter())) == []


def test_topics_are_replaced_as_a_whole():
    columns = Columns()
    columns.put([make_entry(i, VECTOR, choices={"topic": "t-1"}) for i in (5, 3, 9, 7)])
    columns.remove([id_of(9)])
    columns.set_topics(np.array([3, 4, 7, 9]), ["t-2", "t-2", "t-3", "t-2"])
    assert columns.facets(Filter(), "topic") == {"t-2": 1, "t-3": 1}
    assert selected(columns, Filter(topic=("t-2",))) == [id_of(3)]
    columns.set_topics(np.zeros(0, np.int64), [])
    assert columns.facets(Filter(), "topic") == {}


def test_an_id_of_another_form_is_refused():
    with pytest.raises(InvalidInput, match="r-7"):
        Columns().put([replace(make_entry(7, VECTOR), id="r-7")])
    assert Columns().rows_of(["r-7", "", "R-" + "0" * 20]) == {}


def test_ids_are_told_apart_by_each_of_their_digits():
    columns = Columns()
    ids = [f"r-{'0' * i}{digit}{'0' * (19 - i)}" for i in range(20) for digit in "1f"]
    columns.put([replace(make_entry(i, VECTOR), id=record_id) for i, record_id in enumerate(ids)])
    assert columns.rows_of([*ids, "r-" + "0" * 20]) == {record_id: row for row, record_id in enumerate(ids)}
    assert columns.ids.names(np.arange(len(ids))) == ids
    assert columns.rows_of([ids[3]]) == {ids[3]: 3}


def test_an_unknown_facet_is_refused():
    with pytest.raises(InvalidQuery, match="colour"):
        Columns().facets(Filter(), "colour")
