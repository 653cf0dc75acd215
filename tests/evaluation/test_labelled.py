import pytest

from cxnlp.errors import InvalidFeedback
from cxnlp.evaluation.labelled import read_labels
from tests.evaluation.samples import TAXONOMY, labels


def test_missing_labels_are_none():
    read = read_labels({"text": "slow", "sentiment": None, "intent": " ", "satisfaction": float("nan")}, TAXONOMY)
    assert read == labels()
    assert read.is_empty and read.polarity is None


def test_labels_are_read_from_lists_and_objects_alike():
    row = {"sentiment": -0.5, "intent": "complaint", "risks": ["churn"], "observations": [["delivery", "slow", -1], ["product", None, 0.5]]}
    objects = row | {
        "risks": [{"id": "churn", "confidence": 0.4}],
        "observations": [
            {"touchpoint": "delivery", "cause": "slow", "sentiment": -1, "quote": {}},
            {"touchpoint": "product", "cause": None, "sentiment": 0.5},
        ],
    }
    expected = labels(-0.5, "complaint", (("delivery", "slow", -1.0), ("product", "none", 0.5)), ("churn",))
    assert read_labels(row, TAXONOMY) == read_labels(objects, TAXONOMY) == expected
    assert expected.polarity == "negative"


def test_cells_of_a_table_are_read_as_what_they_spell():
    cells = {
        "sentiment": " -0.5 ",
        "intent": "complaint",
        "observations": '[["delivery", "slow", -0.5]]',
        "risks": "churn|repeat",
        "label": "negative",
    }
    assert read_labels(cells, TAXONOMY) == labels(-0.5, "complaint", (("delivery", "slow", -0.5),), ("churn", "repeat"), label="negative")
    assert read_labels({"risks": "none", "observations": "none"}, TAXONOMY) == labels(observations=(), risks=())


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"sentiment": 2}, "sentiment"),
        ({"sentiment": "bad"}, "sentiment"),
        ({"sentiment": True}, "sentiment"),
        ({"satisfaction": [1]}, "satisfaction"),
        ({"intent": "rage"}, "intent"),
        ({"intent": ["complaint"]}, "intent"),
        ({"label": "meh"}, "label"),
        ({"label": "negative", "sentiment": 0.5}, "label"),
        ({"risks": "churn|doom"}, "risks[1]"),
        ({"risks": 3}, "risks"),
        ({"observations": "delivery"}, "observations"),
        ({"observations": [["delivery", "slow"]]}, "observations[0]"),
        ({"observations": [["moon", "slow", -1]]}, "observations[0].touchpoint"),
        ({"observations": [["delivery", "gravity", -1]]}, "observations[0].cause"),
        ({"observations": [["delivery", "slow", 1]]}, "observations[0].cause"),
        ({"observations": [["delivery", "none", -1]]}, "observations[0].cause"),
        ({"observations": [["delivery", "slow", None]]}, "observations[0].sentiment"),
    ],
)
def test_labels_that_cannot_be_used_are_refused_with_field_and_remedy(row, field):
    with pytest.raises(InvalidFeedback) as caught:
        read_labels(row, TAXONOMY)
    assert caught.value.field == field
    assert caught.value.remedy
