from cxnlp.evaluation.breakdown import Confusion, LabelScore, find_confusions, score_labels
from tests.evaluation.samples import analysis, labels


def test_each_label_has_precision_recall_and_support():
    gold = [labels(intent="praise")] * 3 + [labels(intent="complaint"), labels()]
    got = [analysis(intent=i) for i in ("praise", "complaint", "complaint", "complaint", "praise")]
    assert score_labels(gold, got) == [
        LabelScore("intent", "praise", 1.0, 1 / 3, 0.5, 3),
        LabelScore("intent", "complaint", 1 / 3, 1.0, 0.5, 1),
    ]


def test_confusions_are_counted_the_commonest_first():
    gold = [labels(sentiment=-1.0, intent="complaint")] * 2 + [labels(sentiment=0.0, intent="inquiry")]
    got = [analysis(sentiment=0.9, intent="praise"), analysis(sentiment=0.8, intent="complaint"), analysis(sentiment=0.9, intent="inquiry")]
    assert find_confusions(gold, got) == [
        Confusion("label", "negative", "positive", 2),
        Confusion("intent", "complaint", "praise", 1),
        Confusion("label", "neutral", "positive", 1),
    ]
    assert len(find_confusions(gold, got, 1)) == 1


def test_a_missed_touchpoint_is_taken_for_a_wrong_one_and_causes_are_compared_where_the_touchpoint_is_right():
    gold = [labels(observations=(("delivery", "slow", -1.0), ("store", "none", 0.5)))]
    got = [analysis(observations=[("delivery", "unavailable", -1.0), ("product", "none", 0.5)])]
    assert find_confusions(gold, got) == [Confusion("cause", "slow", "unavailable", 1), Confusion("touchpoint", "store", "product", 1)]
    nothing_read = find_confusions([labels(observations=(("store", "none", 0.5),))], [analysis()])
    assert nothing_read == [Confusion("touchpoint", "store", "-", 1)]
    one_more = find_confusions(
        [labels(observations=(("store", "none", 0.5),))], [analysis(observations=[("store", "none", 0.5), ("store", "slow", -1)])]
    )
    assert one_more == []
