from cxnlp.insight import Key, Part, describe_breach, describe_movement, name_series
from cxnlp.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()


def test_a_movement_is_told_in_both_languages():
    parts = [Part(Key("pair", "delivery/slow"), 20, 2, 18, 0.6), Part(Key("attributes.region", "西南"), 18, 2, 16, 1.04)]
    said = describe_movement(Key("all", ""), "volume", (1234.0, 700.4), 3, parts, TAXONOMY)
    assert said["en"] == (
        "all feedback: records 1,234 in 3 days, 700 expected; of the change: problem Delivery and logistics / Slow or late 60%, region 西南 100%"
    )
    assert said["zh"] == "全部反馈：3天条数 1,234，预期 700；变化来自：问题「物流与配送 / 等待与时效」 60%、地区「西南」 100%"


def test_numbers_are_told_as_people_read_them():
    def said(measure, *values):
        return describe_movement(Key("channel", "chat"), measure, values, 1, (), TAXONOMY)["en"]

    assert said("csat", 0.712, 0.85) == "channel chat: CSAT 71.2% in 1 day, 85.0% expected"
    assert said("sentiment", -0.41, 0.1) == "channel chat: mean sentiment -0.41 in 1 day, +0.10 expected"
    assert said("volume", 6.0, 0.52) == "channel chat: records 6 in 1 day, 0.5 expected"


def test_a_limit_is_told_and_unknown_values_stand_for_themselves():
    assert describe_breach(Key("all", ""), "complaint_share", (0.061, 0.05), 7, TAXONOMY)["zh"] == "全部反馈：7天投诉占比 6.1%，界限 5.0%"
    assert name_series(Key("touchpoint", "drone"), TAXONOMY, "en") == "touchpoint drone"
    assert name_series(Key("attributes.store_id", "12"), TAXONOMY, "zh") == "store_id「12」"
