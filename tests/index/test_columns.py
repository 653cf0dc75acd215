from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxnlp.errors import InvalidQuery
from cxnlp.filters import Filter, Range
from cxnlp.index.columns import Columns

from .samples import DIM, SINGLE, entry_lists, filters, make_entry, matching_observations, passes

VECTOR = np.ones(DIM, np.float32)


def fill(entries, removed=(), batch=4):
    """Return columns that got the entries in batches, and the entries that should be left."""
    columns, left = Columns(), {}
    for start in range(0, len(entries), batch):
        last = {entry.id: entry for entry in entries[start : start + batch]}
        columns.put(list(last.values()))
        left |= last
    columns.remove([f"r-{seq}" for seq in removed])
    return columns, [entry for entry in left.values() if entry.id not in {f"r-{seq}" for seq in removed}]


def selected(columns, filter):
    return sorted(columns.ids[row] for row in np.flatnonzero(columns.select(filter)))


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
    assert [columns.ids[row] for row in rows] == taken.ids
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
    assert selected(columns, Filter(touchpoint=("delivery",), cause=("slow",))) == ["r-0"]
    assert selected(columns, Filter(touchpoint=("delivery",), cause=("expensive",))) == []
    assert columns.facets(Filter(touchpoint=("delivery",)), "cause") == {"slow": 1}


def test_a_bound_holds_at_the_very_value():
    columns = Columns()
    columns.put([make_entry(0, VECTOR, numbers={"sentiment": -0.3})])
    assert selected(columns, Filter(sentiment=Range(lte=-0.3, gte=-0.3))) == ["r-0"]
    assert selected(columns, Filter(sentiment=Range(lt=-0.3))) == selected(columns, Filter(sentiment=Range(gt=-0.3))) == []


def test_a_thousand_names_of_attributes_take_no_column_each():
    columns = Columns()
    columns.put([make_entry(i, VECTOR, attributes={f"name{i}": "x", "n": str(i % 7)}) for i in range(1_000)])
    assert selected(columns, Filter(attributes={"name512": ("x",)})) == ["r-512"]
    assert columns.select(Filter(attributes={"n": ("3", "4")})).sum() == sum(i % 7 in (3, 4) for i in range(1_000))


def test_a_reader_sees_nothing_of_a_put_that_came_after_its_moment():
    columns = Columns()
    columns.put([make_entry(i, VECTOR, choices={"channel": "chat"}) for i in range(10)])
    before = columns.live
    columns.put([make_entry(i, VECTOR, choices={"channel": "call"}) for i in range(5, 2_000)])
    assert (before.n, before.n_alive, before.alive.all()) == (10, 10, True)
    columns.live = before
    assert selected(columns, Filter(channel=("chat",))) == sorted(f"r-{i}" for i in range(10))


def test_values_that_nobody_has_any_more_are_forgotten():
    columns = Columns()
    columns.put([make_entry(0, VECTOR, choices={"customer": "secret"}, attributes={"a": "secret"}), make_entry(1, VECTOR, choices={"customer": "b"})])
    columns.remove(["r-0", "r-77"])
    taken, _ = columns.taken()
    assert taken._choices["customer"].coding.values == ["b"]
    assert taken._attributes.codings[0].values == []


def test_an_unknown_facet_is_refused():
    with pytest.raises(InvalidQuery, match="colour"):
        Columns().facets(Filter(), "colour")
