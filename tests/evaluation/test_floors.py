from cxnlp.evaluation.floors import find_drops, set_floors
from cxnlp.evaluation.scoring import Figure


def test_floors_lie_under_what_was_measured_and_ceilings_over_it():
    assert set_floors({"intent_accuracy": Figure(0.876, 9), "sentiment_mae": Figure(0.203, 9)}, {}) == {
        "intent_accuracy": 0.84,
        "sentiment_mae": 0.24,
    }
    assert set_floors({"intent_accuracy": Figure(0.87, 9)}, {}) == {"intent_accuracy": 0.84}


def test_what_falls_short_is_named_with_value_and_bound():
    floors = {"intent_accuracy": 0.84, "sentiment_mae": 0.24, "flag_f1": 0.5}
    assert find_drops({"intent_accuracy": Figure(0.84, 9), "sentiment_mae": Figure(0.24, 9), "flag_f1": Figure(0.9, 9)}, floors) == []
    drops = find_drops({"intent_accuracy": Figure(0.83, 9), "sentiment_mae": Figure(0.25, 9)}, floors)
    assert [line.split(":")[0] for line in drops] == ["intent_accuracy", "sentiment_mae", "flag_f1"]
    assert "0.830" in drops[0] and "0.84" in drops[0]


def test_no_floor_becomes_easier():
    before = {"intent_accuracy": 0.86, "sentiment_mae": 0.2, "risk_micro_f1": 0.1}
    figures = {name: Figure(0.87, 9) for name in ("intent_accuracy", "risk_micro_f1", "flag_f1")} | {"sentiment_mae": Figure(0.203, 9)}
    assert set_floors(figures, before) == {"intent_accuracy": 0.86, "risk_micro_f1": 0.84, "flag_f1": 0.84, "sentiment_mae": 0.2}
