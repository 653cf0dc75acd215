import pytest

from cxnlp.errors import InvalidInput
from cxnlp.taxonomy import load_taxonomy


@pytest.fixture
def load(tmp_path):
    def write(text):
        path = tmp_path / "own.yaml"
        path.write_text(text, encoding="utf-8")
        return load_taxonomy(path)

    return write


def test_the_default_is_whole_and_trained():
    taxonomy = load_taxonomy()
    assert [len(taxonomy.ids(kind)) for kind in ("stages", "touchpoints", "causes", "intents", "risks")] == [6, 18, 19, 5, 5]
    assert all(label.trained and label.zh and label.en and label.about for label in (*taxonomy.touchpoints, *taxonomy.causes))
    assert taxonomy.stage_of["delivery"] == "service"


def test_a_new_touchpoint_is_added_untrained_with_its_examples(load):
    taxonomy = load("touchpoints:\n  - {id: charging, stage: service, zh: 充电, about: charging stations, examples: [the charger was occupied]}\n")
    added = taxonomy.touchpoints[-1]
    assert (added.id, added.zh, added.examples, added.trained) == ("charging", "充电", ("the charger was occupied",), False)
    assert len(taxonomy.touchpoints) == 19
    assert taxonomy.stage_of["charging"] == "service"


def test_a_new_name_keeps_meaning_stage_and_head(load):
    delivery = next(t for t in load("touchpoints:\n  - {id: delivery, zh: 送货}\n").touchpoints if t.id == "delivery")
    default = next(t for t in load_taxonomy().touchpoints if t.id == "delivery")
    assert delivery.zh == "送货" and delivery.trained
    assert (delivery.en, delivery.about, delivery.stage) == (default.en, default.about, default.stage)


@pytest.mark.parametrize("entry", ["{id: slow, about: something else altogether}", "{id: slow, examples: [took ages]}"])
def test_a_meaning_of_ones_own_takes_the_head_away(load, entry):
    slow = next(c for c in load(f"causes:\n  - {entry}\n").causes if c.id == "slow")
    assert not slow.trained and slow.about and slow.en == "Slow or late"


def test_the_order_of_the_default_stays(load):
    assert load("touchpoints:\n  - {id: delivery, zh: 送货}\n").ids("touchpoints") == load_taxonomy().ids("touchpoints")


def test_entries_can_be_removed(load):
    taxonomy = load("remove: [loyalty, policy]\n")
    assert "loyalty" not in taxonomy.ids("touchpoints") and "policy" not in taxonomy.ids("causes")


def test_a_new_stage_can_be_used_at_once(load):
    taxonomy = load("stages:\n  - {id: trial, en: Trial}\ntouchpoints:\n  - {id: demo, stage: trial, about: product demonstrations}\n")
    assert taxonomy.stage_of["demo"] == "trial"


def test_json_says_what_is_trained(load):
    shown = load("causes:\n  - {id: weather, about: 'rain, snow, storm'}\n").to_json()["causes"]
    assert shown[-1] == {"id": "weather", "zh": "", "en": "", "about": "rain, snow, storm", "trained": False}
    assert shown[0]["trained"] is True


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("touchpoints: [", "cannot be read as YAML"),
        ("- a list", "must be a mapping"),
        ("touchpoint:\n  - {id: x, about: y}", "unknown touchpoint"),
        ("touchpoints: delivery", "must be a list"),
        ("touchpoints:\n  - delivery", "write {id: my_id"),
        ("touchpoints:\n  - {id: x, about: a, b, stage: service}", "quote texts with commas"),
        ("touchpoints:\n  - {id: x, stage: service}", "neither about nor examples"),
        ("touchpoints:\n  - {id: x, about: y}", "write one of"),
        ("touchpoints:\n  - {id: x, stage: nowhere, about: y}", "'nowhere'"),
        ("touchpoints:\n  - {id: my id, stage: service, about: y}", "cannot be an id"),
        ("causes:\n  - {id: none, about: y}", "cannot be an id"),
        ("causes:\n  - {id: x, about: y, examples: one text}", "examples a list"),
        ("causes:\n  - {id: x, about: [y]}", "take one text"),
        ("causes:\n  - {id: x, about: y}\n  - {id: x, about: z}", "two entries 'x'"),
        ("intents:\n  - {id: x, about: y}", "cannot be changed"),
        ("remove: loyalty", "list of ids"),
        ("remove: [loyality]", "'loyality'"),
        ("version: two", "whole number"),
        ("remove: [awareness]", "has stage 'awareness'"),
    ],
)
def test_a_mistake_is_told_with_the_entry_and_what_to_write(load, text, told):
    with pytest.raises(InvalidInput, match=r"own\.yaml") as caught:
        load(text)
    assert told in str(caught.value)


def test_a_file_that_is_missing_is_told(tmp_path):
    with pytest.raises(InvalidInput, match=r"nowhere\.yaml"):
        load_taxonomy(tmp_path / "nowhere.yaml")
