import pytest

from cxnlp.errors import InvalidInput
from cxnlp.insight import load_rules


def test_the_default_is_what_the_documentation_says():
    rules = load_rules()
    assert (rules.sensitivity, rules.rate, rules.minimum, rules.attributes) == ("medium", 0.01, 5, ("product", "region", "app_version"))
    assert [limit.name for limit in rules.thresholds] == ["satisfaction_low", "complaints_high", "satisfaction_falling"]


def test_a_file_replaces_what_it_names(tmp_path):
    path = tmp_path / "alerts.yaml"
    path.write_text("sensitivity: low\nattributes: [store]\nleast_change: {nps: 5}\nthresholds: []\n")
    rules = load_rules(path)
    assert (rules.rate, rules.attributes, rules.thresholds, rules.minimum) == (0.001, ("store",), (), 5)
    assert (rules.least_change["nps"], rules.least_change["volume"]) == (5, 0.3)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sensitivty: low", "unknown 'sensitivty'; known are sensitivity"),
        ("sensitivity: extreme", "write one of low, medium, high"),
        ("minimum: 0", "minimum is '0'; write a whole number from 1"),
        ("most_values: true", "most_values is 'True'"),
        ("least_change: {volume: -1}", "write numbers above 0 by volume"),
        ("least_change: {speed: 1}", "write numbers above 0 by volume"),
        ("attributes: product", "write a list of names"),
        ("thresholds: 3", "write a list"),
        ("thresholds: [{measure: csat, below: 1}]", "write {name: my_limit"),
        ("thresholds: [{name: a, measure: happiness, below: 1}]", "measure is 'happiness'; write one of volume"),
        ("thresholds: [{name: a, measure: csat}]", "has 0 limits"),
        ("thresholds: [{name: a, measure: csat, below: 1, above: 0}]", "has 2 limits"),
        ("thresholds: [{name: a, measure: csat, below: yes}]", "write one number"),
        ("thresholds: [{name: a, measure: csat, below: 1, weeks: 0}]", "weeks is '0'"),
        ("thresholds: [{name: a, measure: csat, below: 1, colour: red}]", "unknown 'colour'"),
        ("thresholds: [{name: a, measure: csat, below: 1, dimensions: [planet]}]", "dimensions is"),
        ("thresholds: [{name: a, measure: csat, below: 1}, {name: a, measure: csat, below: 2}]", "two entries 'a'"),
        ("[1, 2]", "must be a mapping"),
        ("a: [", "cannot be read as YAML"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(tmp_path, text, told):
    path = tmp_path / "alerts.yaml"
    path.write_text(text)
    with pytest.raises(InvalidInput) as raised:
        load_rules(path)
    assert told in str(raised.value) and str(path) in str(raised.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_rules(tmp_path / "none.yaml")
