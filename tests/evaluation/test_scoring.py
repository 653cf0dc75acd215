import numpy as np
import pytest

from cxnlp.evaluation.scoring import score
from cxnlp.records import Feedback, Quote
from tests.evaluation.samples import analysis, labels
from tests.service.moments import NOW


def test_what_is_not_labelled_is_not_scored():
    found = score([labels(intent="praise"), labels()], [analysis(intent="praise"), analysis()])
    assert set(found) == {"intent_accuracy"}
    assert (found["intent_accuracy"].value, found["intent_accuracy"].n, found["intent_accuracy"].low) == (1.0, 1, None)


def test_sentiment_figures():
    gold = [labels(sentiment=s) for s in (-1, -0.5, 0, 0.5)]
    found = score(gold, [analysis(sentiment=s) for s in (-0.9, -0.26, -0.3, 0.1)])
    assert found["sentiment_polarity"].value == 0.5
    assert found["sentiment_mae"].value == pytest.approx((0.1 + 0.24 + 0.3 + 0.4) / 4)
    assert found["sentiment_pearson"].value == pytest.approx(np.corrcoef([-1, -0.5, 0, 0.5], [-0.9, -0.26, -0.3, 0.1])[0, 1])
    assert [found[f"flag_{name}"].value for name in ("precision", "recall", "f1")] == [0.5, 0.5, 0.5]


def test_a_label_alone_counts_for_polarity_only():
    found = score([labels(label="negative"), labels(label="positive")], [analysis(sentiment=-0.8), analysis(sentiment=-0.8)])
    assert set(found) == {"sentiment_polarity", "calibration_error"}
    assert found["sentiment_polarity"].value == 0.5


def test_observations_count_as_sets_of_touchpoints_stages_causes_and_pairs():
    gold = [labels(observations=(("delivery", "slow", -1.0), ("product", "none", 1.0))), labels(observations=())]
    got = [analysis(observations=[("packaging", "slow", -0.8), ("product", "defect", -0.5)]), analysis(observations=[("store", "none", 0.5)])]
    found = score(gold, got)
    assert found["touchpoint_micro_f1"].value == pytest.approx(2 / 5)
    assert found["stage_micro_f1"].value == pytest.approx(2 / 3)
    assert found["cause_micro_f1"].value == pytest.approx(2 / 3)
    assert found["pair_micro_f1"].value == 0.0
    assert (found["observation_sign"].value, found["observation_sign"].n) == (0.0, 1)
    assert found["pair_micro_f1"].n == 2


def test_macro_f1_is_the_mean_over_labels_with_enough_support():
    gold = [labels(intent="praise")] * 5 + [labels(intent="complaint")] * 5 + [labels(intent="other")]
    got = [analysis(intent="praise")] * 10 + [analysis(intent="complaint")]
    assert score(gold, got)["intent_macro_f1"].value == pytest.approx((2 * 5 / 15 + 0) / 2)


def test_risks_that_nobody_has_or_finds_give_no_figure():
    assert "risk_micro_f1" not in score([labels(risks=())], [analysis()])
    assert score([labels(risks=())], [analysis(risks=["fraud"])])["risk_micro_f1"].value == 0.0


def test_quotes_are_exact_or_not():
    text = Feedback("s", "1", "ticket", NOW, "slow as ever")
    got = [analysis(observations=[("delivery", "slow", -1.0)]), analysis(observations=[("delivery", "slow", -1.0)], quote=Quote("ever", 0, 4))]
    figure = score([labels()] * 2, got, texts=[text] * 2)["quotes_exact"]
    assert (figure.value, figure.n) == (0.5, 2)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy():
    gold = [labels(label="positive")] * 80 + [labels(label="negative")] * 20
    sure = score(gold, [analysis(sentiment=0.9, confidence=0.8)] * 100)["calibration_error"].value
    assert 0 < sure <= 0.4  # bins of equal confidence are cut in the order of the texts
    mixed = [gold[i] for i in np.random.default_rng(0).permutation(100)]
    assert score(mixed, [analysis(sentiment=0.9, confidence=0.8)] * 100)["calibration_error"].value < sure
    assert score(gold[:80], [analysis(sentiment=0.9, confidence=0.7)] * 80)["calibration_error"].value == pytest.approx(0.3)


def test_satisfaction_is_compared_where_both_sides_have_one():
    gold = [labels(satisfaction=s) for s in (-1.0, 0.0, 1.0, 0.5)]
    found = score(gold, [analysis(satisfaction=s) for s in (-0.5, 0.1, 0.4, None)])["satisfaction_pearson"]
    assert found.value == pytest.approx(np.corrcoef([-1, 0, 1], [-0.5, 0.1, 0.4])[0, 1])
    assert found.n == 3


def test_intervals_hold_the_value_narrow_with_n_and_are_the_same_each_time():
    gold, got = [labels(intent="praise")] * 100, [analysis(intent="praise")] * 70 + [analysis(intent="other")] * 30
    figure = score(gold, got, n_resamples=500)["intent_accuracy"]
    assert figure.low < 0.7 < figure.high
    assert figure.high - figure.low == pytest.approx(2 * 1.96 * (0.7 * 0.3 / 100) ** 0.5, rel=0.2)
    assert figure == score(gold, got, n_resamples=500)["intent_accuracy"]
    wider = score(gold[:20], got[60:80], n_resamples=500)["intent_accuracy"]
    assert wider.high - wider.low > figure.high - figure.low


def test_texts_and_analyses_must_go_together():
    with pytest.raises(ValueError):
        score([labels()], [])
