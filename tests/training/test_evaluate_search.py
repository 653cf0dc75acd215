"""What training/evaluate_search.py makes of rankings, and that what it judges by is sound; the public sets are needed only for measuring."""

import math
from collections import Counter
from datetime import UTC, datetime

import pytest

from cxnlp.bootstrap import Service
from cxnlp.evaluation.scoring import Figure
from cxnlp.records import Feedback
from cxnlp.settings import Settings

LOG2_3 = math.log2(3)


def _asked(*answers):
    from search_tasks import Asked

    return [Asked("?", of_one, "words") for of_one in answers]


@pytest.mark.parametrize(
    ("found", "answers", "value"),
    [
        (["a", "b"], {"a": 2, "b": 1}, 1.0),
        (["b", "a"], {"a": 2, "b": 1}, (1 + 3 / LOG2_3) / (3 + 1 / LOG2_3)),
        (["x", "y", "a"], {"a": 1}, 1 / 2),
        (["x", "a", "y"], {"a": 1, "b": 1}, (1 / LOG2_3) / (1 + 1 / LOG2_3)),
        ([f"x{i}" for i in range(10)] + ["a"], {"a": 2}, 0.0),
        ([], {"a": 1}, 0.0),
        ([f"a{i}" for i in range(10)], {f"a{i}": 1 for i in range(50)}, 1.0),
    ],
)
def test_ndcg_is_that_of_the_first_ten(found, answers, value):
    from evaluate_search import ndcg

    assert ndcg(found, answers) == pytest.approx(value)


@pytest.mark.parametrize(
    ("found", "answers", "value"),
    [
        (["x", "a"], {"a": 1, "b": 1}, 0.5),
        (["b", "c"], {"a": 2, "b": 1, "c": 1}, 0.0),
        (["c", "a"], {"a": 2, "b": 2, "c": 1}, 0.5),
        ([f"a{i}" for i in range(5)], {f"a{i}": 1 for i in range(50)}, 0.5),
        ([f"x{i}" for i in range(10)] + ["a"], {"a": 1}, 0.0),
    ],
)
def test_recall_asks_for_the_best_answers_and_at_most_ten(found, answers, value):
    from evaluate_search import recall

    assert recall(found, answers) == value


def test_hybrid_is_held_against_the_better_of_the_others():
    from evaluate_search import by_kind, figures_of

    asked = _asked({"a": 1}, {"b": 1})
    rankings = {"words": [["a"], ["x"]], "vectors": [["x"], ["x"]], "hybrid": [["a"], ["b"]]}
    found = figures_of(rankings, asked)
    assert {name: found[f"{name}_ndcg"].value for name in rankings} == {"words": 0.5, "vectors": 0.0, "hybrid": 1.0}
    assert found["hybrid_recall"].value == 1.0
    assert (found["hybrid_over_better"].value, found["hybrid_over_better"].n) == (0.5, 2)
    assert by_kind(rankings, asked) == {"words": {"words": (0.5, 2), "vectors": (0.0, 2), "hybrid": (1.0, 2)}}


def test_the_tables_show_every_figure():
    from evaluate_search import kinds_table, table

    figures = {f"{method}_{measure}": Figure(0.5, 7, 0.4, 0.6) for method in ("words", "vectors", "hybrid") for measure in ("ndcg", "recall")}
    figures["hybrid_over_better"] = Figure(-0.125, 7, -0.2, 0.1)
    lines = table({"t": figures}, {"t": "a task"}, {"t": 1_234})
    assert lines[2].startswith("| a task | 1,234 | 7 | nDCG@10 | 0.500 (0.400 to 0.600) |")
    assert lines[2].endswith("| -0.125 (-0.200 to +0.100) |")
    assert len({line.count("|") for line in lines}) == 1
    lines = kinds_table({"code": {"words": (1.0, 3), "vectors": (0.25, 3)}})
    assert lines == ["| kind | questions | words | vectors |", "|---|---|---|---|", "| code | 3 | 1.000 | 0.250 |"]


def test_halves_share_nothing():
    from search_tasks import is_of, read_judged

    ids = [pair["id"] for pair in read_judged("pairs")]
    assert all(is_of("dev", i) != is_of("test", i) for i in ids)
    assert 80 < sum(is_of("dev", i) for i in ids) < len(ids) - 80


def test_there_are_pairs_enough_and_each_is_in_two_languages():
    from search_tasks import read_judged

    pairs = read_judged("pairs")
    assert len(pairs) >= 220
    for field in ("id", "zh", "en"):
        assert len({pair[field] for pair in pairs}) == len(pairs)
    assert all(set(pair) == {"id", "zh", "en"} for pair in pairs)
    assert all(any("\u4e00" <= sign <= "\u9fff" for sign in pair["zh"]) for pair in pairs)
    assert not any("\u4e00" <= sign <= "\u9fff" for pair in pairs for sign in pair["en"])


def test_the_questions_are_answered_by_records_of_data():
    from search_tasks import Limits, read_judged, tasks

    queries = read_judged("queries")
    assert len(queries) == len({query["text"] for query in queries}) == len({query["id"] for query in queries}) == 100
    assert Counter(query["lang"] for query in queries) == {"zh": 50, "en": 50}
    task = tasks("dev", Limits(), Service(Settings()).storeless_intake)["lead"]()
    assert len(task.records) == 865, "what is judged is not to be read as feedback"
    known = {record.id for record in task.records}
    assert [one.text for one in task.asked] == [query["text"] for query in queries]
    for one in task.asked:
        assert set(one.answers) <= known, one.text
        assert set(one.answers.values()) in ({2}, {1, 2}), one.text


@pytest.mark.slow
def test_the_product_is_asked_by_each_method():
    from evaluate_search import rank
    from search_tasks import Asked, Task

    said = {
        "a": "净水器漏水，橱柜都泡坏了",
        "b": "Order LM77-4410 never arrived",
        "c": "The staff in the shop were lovely",
        "d": "会员续费没有通知就扣款",
    }
    records = tuple(Feedback("t", key, "ticket", datetime(2026, 1, 1, tzinfo=UTC), text) for key, text in said.items())
    asked = (Asked("the purifier leaks", {records[0].id: 1}), Asked("LM77-4410", {records[1].id: 1}))
    found = rank(Task("t", records, asked), ("words", "meaning", "both"))
    assert [ids[:1] for ids in found["hybrid"]] == [[records[0].id], [records[1].id]]
    assert found["words"] == [[], [records[1].id]]
    assert found["vectors"][0][0] == records[0].id
