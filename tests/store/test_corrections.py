import pytest

from cxnlp.errors import InvalidInput
from cxnlp.store.corrections import apply_corrections, check_correction

from .samples import make_analysis, make_feedback, make_full

PAIR = {"touchpoint": "refund", "stage": "after", "cause": None, "sentiment": 0.2}


def test_quote_is_found_in_the_customers_turns_only():
    checked = check_correction("observations", [{**PAIR, "quote": {"text": "leave"}}], make_full())
    assert checked[0]["quote"] == {"text": "leave", "turn": 2, "start": 7, "end": 12}
    with pytest.raises(InvalidInput, match="not in what the customer said"):
        check_correction("observations", [{**PAIR, "quote": {"text": "请稍等"}}], make_full())


def test_quote_keeps_the_place_it_names():
    item = make_feedback(text="bad bad")
    named = check_correction("risks", [{"id": "churn", "quote": {"text": "bad", "start": 4, "end": 7}}], item)
    assert (named[0]["quote"]["start"], named[0]["confidence"]) == (4, 1.0)
    moved = check_correction("risks", [{"id": "churn", "quote": {"text": "bad", "start": -3}}], item)
    assert moved[0]["quote"]["start"] == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sentiment", 1.01),
        ("sentiment", True),
        ("sentiment", "bad"),
        ("sentiment", float("nan")),
        ("intent", ""),
        ("intent", 3),
        ("observations", "x"),
        ("observations", [3]),
        ("observations", [PAIR]),
        ("observations", [PAIR | {"quote": {"text": ""}}]),
        ("observations", [PAIR | {"touchpoint": None, "quote": {"text": "bad"}}]),
        ("risks", [{"id": "churn", "confidence": 2, "quote": {"text": "bad"}}]),
        ("text", "x"),
    ],
)
def test_unusable_corrections_are_refused(field, value):
    with pytest.raises(InvalidInput):
        check_correction(field, value, make_feedback(text="bad bad"))


def test_fields_that_nobody_corrected_stay():
    analysis = make_analysis()
    assert apply_corrections(analysis, {}, make_feedback()) == analysis
    corrected = apply_corrections(analysis, {"intent": "praise"}, make_feedback())
    assert (corrected.intent, corrected.confidence, corrected.observations) == ("praise", analysis.confidence, analysis.observations)
