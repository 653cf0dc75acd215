import re
from pathlib import Path

import pytest
import yaml

from cxnlp.errors import InvalidInput
from cxnlp.feeds.hours import parse_hours
from cxnlp.feeds.rules import parse_rule, parse_rules, shipped_rules
from cxnlp.taxonomy import load_taxonomy

ANGRY_VIP = """
rules:
  - name: angry-vip
    description: VIP 客户不满
    level: 1
    when: {segment: [vip], sentiment: {lte: -0.3}}
    unless: {intent: [inquiry]}
    owners: {delivery: logistics, default: vip-desk}
    deadline_hours: {1: 2}
    business_hours: {days: [mon, tue], from: "09:00", to: "18:00", zone: Asia/Shanghai}
    cooldown_hours: 12
    overdue_raises: 1
"""


def test_the_shipped_rules_can_be_used_with_the_shipped_taxonomy():
    taxonomy = load_taxonomy()
    for rule in shipped_rules():
        assert parse_rule(rule.to_line(), taxonomy) == rule
    assert [rule.name for rule in shipped_rules()] == ["default"]


def test_a_rule_is_read_from_yaml_and_from_its_own_line():
    (rule,) = parse_rules(ANGRY_VIP, load_taxonomy())
    assert (rule.levels[0].level, rule.description, rule.cooldown_hours, rule.overdue_raises) == (1, "VIP 客户不满", 12, 1)
    assert rule.deadline_hours == {1: 2, 2: 24, 3: 72}
    assert rule.business_hours.days == (0, 1)
    assert parse_rule(rule.to_line()) == rule
    assert parse_rules("name: one\nlevel: 3\nwhen: {intent: [complaint]}")[0].name == "one"
    assert [r.name for r in parse_rules('[{"name": "a", "level": 3, "when": {"spam": false}}]')] == ["a"]


def test_a_rule_tells_how_far_back_it_asks():
    levels = [
        {"level": 2, "when": {"repeat_contact": {"days": 7}}},
        {"level": 3, "when": {"spam": False}, "unless": {"repeat_contact": {"days": 30}}},
    ]
    assert parse_rule({"name": "r", "levels": levels}).repeat_days == 30
    assert shipped_rules()[0].repeat_days == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "Angry VIP"}, "name is 'Angry VIP'; write up to 64 lower case"),
        ({"severity": 1}, r"rule 'r': 'severity' is no field.*known are name"),
        ({"level": 4}, "rule 'r': level is '4'; write a whole number from 1 to 3"),
        ({"level": True}, "level is 'True'"),
        ({"when": {"colour": 1}}, "rule 'r': when.colour is no condition"),
        ({"when": {"touchpoint": ["delivry"]}}, r"rule 'r': levels\[0\].when.touchpoint is 'delivry'"),
        ({"unless": [{"risk": ["x"]}]}, r"rule 'r': unless\[0\].risk is 'x'"),
        ({"unless": [{}]}, r"unless\[0\] is '\{\}'"),
        ({"levels": []}, "write either level and when, or levels"),
        ({"owners": {"delivery": ""}}, "owners is"),
        ({"owners": {"shop": "ann"}}, "owners.shop is no touchpoint"),
        ({"deadline_hours": {4: 1}}, "deadline_hours is"),
        ({"deadline_hours": {1: 0}}, "deadline_hours.1 is '0'; write hours from"),
        ({"deadline_hours": {1: float("inf")}}, "deadline_hours.1"),
        ({"cooldown_hours": -1}, "cooldown_hours is '-1'"),
        ({"cooldown_hours": float("nan")}, "cooldown_hours"),
        ({"overdue_raises": 3}, "overdue_raises is '3'"),
        ({"business_hours": "9-5"}, "rule 'r': business_hours is '9-5'"),
        ({"description": 7}, "description is '7'"),
    ],
)
def test_rules_that_cannot_be_used_are_refused_with_name_field_value_and_remedy(change, message):
    good = {"name": "r", "level": 2, "when": {"sentiment": {"lte": -0.5}}}
    assert parse_rule(good, load_taxonomy())
    with pytest.raises(InvalidInput, match=message):
        parse_rule(good | change, load_taxonomy())


@pytest.mark.parametrize("levels", [None, [], "high", [{"level": 1}], [{"level": 1, "when": {"spam": True}, "owner": "x"}], [7]])
def test_levels_that_cannot_be_used_are_refused(levels):
    with pytest.raises(InvalidInput, match="levels"):
        parse_rule({"name": "r", "levels": levels})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "mine.yaml: a rule is 'None'"),
        ("rules: [", "mine.yaml: cannot be read as YAML"),
        ("- 7", "mine.yaml: a rule is '7'"),
        ("rules:\n  - {name: a, level: 9, when: {spam: true}}", "mine.yaml: rule 'a': level is '9'"),
        ("- &r {name: a, level: 1, when: {spam: true}}\n- *r", "mine.yaml: two rules are named 'a'"),
    ],
)
def test_files_that_cannot_be_used_are_named(text, message):
    with pytest.raises(InvalidInput, match=message):
        parse_rules(text, None, "mine.yaml")


def test_the_example_in_the_documentation_can_be_used():
    text = (Path(__file__).parents[2] / "docs" / "flags.md").read_text(encoding="utf-8")
    example, hours = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (rule,) = parse_rules(example, load_taxonomy())
    assert len(parse_hours(yaml.safe_load(hours)["business_hours"]).spans) == 2
    assert (rule.name, len(rule.levels), rule.repeat_days) == ("vip", 4, 7)
    fields = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert set(rule.to_line()) <= fields | {"description"}
