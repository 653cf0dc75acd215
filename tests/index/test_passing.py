import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxnlp.errors import InvalidQuery
from cxnlp.filters import Filter
from cxnlp.index import DIMENSIONS, Passing, sum_facts
from cxnlp.index.columns import Columns
from cxnlp.index.flat import flatten, restore_columns
from cxnlp.index.measures import SUMS

from .samples import DIM, WORDS, entry_lists, filters, id_of, make_entry, matching_observations, passes

VECTOR = np.ones(DIM, np.float32)
EVER = np.array([-10.0, 10.0])


def columns_of(*entries):
    columns = Columns()
    columns.put(entries)
    return columns


def sums(columns, dimensions=("all",), filter=None, edges=EVER):
    chosen = filter or Filter()
    facts = Passing(columns, columns.select(chosen), chosen).facts(dimensions, edges)
    summed = sum_facts(facts, list(SUMS))
    return {name: {key: values[cell].tolist() for key, values in summed.items()} for cell, name in enumerate(facts.names(range(facts.n_cells)))}


def of(summed, name):
    return {key: values[name] for key, values in summed.items()}


def told(n, **given):
    return make_entry(n, VECTOR, **({"created_at": 0.0} | given))


def values_of(entry, name, filter):
    seen = matching_observations(entry, filter)
    if name in ("touchpoint", "stage", "cause"):
        return {o[("touchpoint", "stage", "cause").index(name)] for o in seen} - {None}
    if name == "pair":
        return {f"{o[0]}/{o[2]}" for o in seen if o[2]}
    if name == "risk":
        return set(entry.risks)
    return {""} if name == "all" else {entry.choices[name]} if name in entry.choices else set()


@settings(max_examples=30, deadline=None)
@given(entry_lists(), st.sets(st.integers(0, 11), max_size=4), filters)
def test_each_dimension_counts_as_by_hand(entries, removed, filter):
    columns = Columns()
    left = {entry.id: entry for entry in entries}
    for entry in entries:
        columns.put([entry])
    columns.remove([id_of(seq) for seq in removed])
    passing = [entry for entry in left.values() if entry.seq not in removed and passes(entry, filter)]
    for name in DIMENSIONS:
        counted = {key[0]: n[0] for key, n in of(sums(columns, (name,), filter), "n").items()}
        by_hand = [value for entry in passing for value in values_of(entry, name, filter)]
        assert counted == {value: by_hand.count(value) for value in by_hand}, name


def test_what_is_not_known_is_no_answer():
    nothing = told(1, numbers={"rating": float("nan"), "sentiment": float("nan")}, scale="nps")
    columns = columns_of(nothing, told(2, numbers={"rating": 0.8, "sentiment": -0.25}, scale="nps"), told(3, scale="csat", numbers={"rating": 0.5}))
    ((all_),) = sums(columns).values()
    assert {name: all_[name] for name in ("n", "negative", "sentiment_answers", "nps_answers", "promoters", "csat_answers", "csat_good")} == {
        "n": [3], "negative": [1], "sentiment_answers": [1], "nps_answers": [1], "promoters": [1], "csat_answers": [1], "csat_good": [1],
    }  # fmt: skip
    assert all_["satisfaction_answers"] == [0]


def test_a_record_with_very_many_observations_counts_once_for_each_value():
    seen = tuple((WORDS[i % 3], "s", WORDS[i % 2]) for i in range(90))
    columns = columns_of(
        told(1, observations=seen, feelings=tuple([-1.0, 0.5, 0.0][i % 3] for i in range(90))), told(2, observations=seen[:1], feelings=(0.2,))
    )
    summed = sums(columns, ("touchpoint",))
    assert of(summed, "n") == {("a",): [2], ("b",): [1], ("c",): [1]}
    assert of(summed, "sentiment") == {("a",): [-0.8], ("b",): [0.5], ("c",): [0]}
    assert of(summed, "negative") == {("a",): [1], ("b",): [0], ("c",): [0]}


def test_risks_and_observations_are_crossed_within_a_record():
    one = told(1, observations=(("a", "s", "x"), ("b", "s", None)), feelings=(-0.5, 0.5), risks=("churn", "legal"))
    columns = columns_of(one, told(2, observations=(("a", "s", "x"),), feelings=(-1.0,), risks=("churn",)), told(3, risks=("churn",)))
    assert of(sums(columns, ("risk", "touchpoint")), "n") == {("churn", "a"): [2], ("churn", "b"): [1], ("legal", "a"): [1], ("legal", "b"): [1]}
    assert of(sums(columns, ("cause", "risk")), "sentiment") == {("x", "churn"): [-1.5], ("x", "legal"): [-0.5]}


def test_attributes_with_many_values_are_told_apart_and_too_many_are_refused():
    columns = columns_of(*[told(i, attributes={"shop": f"shop-{i % 900}", "order": f"o-{i}"}) for i in range(1_100)])
    counted = of(sums(columns, ("attributes.shop",)), "n")
    assert len(counted) == 900 and counted["shop-1",] == [2] and counted["shop-899",] == [1]
    with pytest.raises(InvalidQuery, match="more than 1,000"):
        sums(columns, ("attributes.order",))


def test_a_time_between_equal_edges_belongs_to_none():
    """As on a day that a zone left out."""
    columns = columns_of(told(1, created_at=0.0), told(2, created_at=1.0), told(3, created_at=2.0))
    ((all_),) = sums(columns, edges=np.array([0.0, 1.0, 1.0, 2.0])).values()
    assert all_["n"] == [1, 0, 1]


def test_what_a_snapshot_restores_counts_the_same():
    seen = {"observations": (("a", "s", "x"), ("a", "s", "y")), "feelings": (-0.1234, 1.0)}
    columns = columns_of(told(1, **seen), told(2, scale="csat", numbers={"rating": 1.0}), told(3, **seen))
    columns.remove([id_of(1)])
    taken, _ = columns.taken()
    for name in ("all", "touchpoint", "pair"):
        assert sums(restore_columns(*flatten(taken)), (name,)) == sums(columns, (name,))
    assert sums(columns, ("touchpoint",))["a",]["sentiment"] == [0.4383]
