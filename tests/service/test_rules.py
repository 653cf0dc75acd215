import logging

import pytest

from cxnlp.errors import InvalidInput, NotFound
from cxnlp.privacy import Masker
from cxnlp.service import Curation
from cxnlp.service.flagging import Flagging
from cxnlp.service.rules import Rules, rules_in_force
from cxnlp.store import open_store
from cxnlp.taxonomy import load_taxonomy
from tests.service.topics.groupings import SUBJECTS, add, fit, texts_about, told_subjects, topic_of

from .complaints import DAY, NOW, complain

VIP = {"name": "vip", "level": 1, "when": {"segment": ["vip"], "sentiment": {"lte": -0.3}}}


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path}/cxnlp.db")
    yield opened
    opened.close()


@pytest.fixture
def rules(store):
    return Rules(store, load_taxonomy())


def put(rules, **changes):
    return rules.put(rules.parse(VIP | changes), "ann")


def test_the_shipped_rule_holds_until_it_is_changed(rules, store):
    (default,) = rules.list()
    assert (default.name, default.version, default.author, default.at) == ("default", 0, "cxnlp", None)
    assert rules.put(default.rule, "ann") == default
    changed = rules.put(rules.parse(default.rule.to_line() | {"cooldown_hours": 1}), "ann")
    assert (changed.version, changed.rule.cooldown_hours, changed.author) == (1, 1, "ann")
    assert rules_in_force(store) == [changed]
    assert [known.version for known in rules.versions("default")] == [0, 1]


def test_a_deleted_rule_holds_no_more_also_the_shipped_one(rules):
    put(rules)
    rules.delete("default", "bob")
    assert [known.name for known in rules.list()] == ["vip"]
    assert rules.get("default").to_json() == {
        "name": "default",
        "version": 1,
        "deleted": True,
        "author": "bob",
        "at": rules.get("default").to_json()["at"],
    }
    with pytest.raises(NotFound, match="deleted before"):
        rules.delete("default", "bob")
    with pytest.raises(NotFound, match=r"no rule 'none'.*vip"):
        rules.get("none")


def test_a_rule_that_cannot_be_met_is_not_saved(rules):
    with pytest.raises(InvalidInput, match="delivry"):
        rules.parse(VIP | {"when": {"touchpoint": ["delivry"]}})
    assert [known.name for known in rules.list()] == ["default"]


def test_a_rule_of_another_version_of_cxnlp_is_logged_and_holds_up_nobody(rules, store, caplog):
    store.rules.put("odd", {"name": "odd", "level": 1, "when": {"phase_of_moon": ["full"]}}, "ann")
    with caplog.at_level(logging.ERROR):
        assert [known.name for known in rules.list()] == ["default"]
    assert "phase_of_moon" in caplog.text
    complain(store, 1)
    assert Flagging(store).judge() > 0
    assert len(store.flags.page().flags) == 1


def test_a_trial_tells_what_would_have_fired_and_raises_nothing(rules, store):
    for n, (days, sentiment, segment) in enumerate([(1, -0.6, "vip"), (9, -0.9, "vip"), (10, -0.4, "new"), (40, -0.9, "vip"), (2, 0.5, "vip")]):
        complain(store, n, customer=f"c-{n}", at=NOW - days * DAY, sentiment=sentiment, segment=segment)
    levels = [{"level": 1, "when": {"segment": ["vip"], "sentiment": {"lte": -0.8}}}, {"level": 2, "when": {"sentiment": {"lte": -0.5}}}]
    rule = rules.parse({"name": "try", "levels": levels})
    seen = []
    found = rules.test(rule, NOW - 30 * DAY, on_progress=lambda *n: seen.append(n))
    assert (found.n_records, found.n_flags, found.n_repeats) == (4, 2, 0)
    assert [flag.level for _, flag in found.samples] == [1, 2]
    assert sum(sum(levels.values()) for levels in found.by_week.values()) == 2
    assert list(found.by_week) == sorted(found.by_week) and seen[-1] == (4, 4)
    assert rules.test(rule, NOW - 50 * DAY).n_flags == 3
    assert rules.test(rule, NOW - 50 * DAY, n_samples=1).samples[0][0].feedback.external_id == "1"
    assert store.flags.page().flags == []
    assert [e for e in store.events.read(0, 100) if e.type.startswith("flag.")] == []


def test_a_trial_goes_through_all_records_in_parts_and_says_how_far_it_is(rules, store, monkeypatch):
    monkeypatch.setattr("cxnlp.service.rules._RECORDS_AT_ONCE", 2)
    for n in range(5):
        complain(store, n, customer=f"c-{n}")
    steps = list(rules.steps(rules.list()[0].rule, NOW - DAY))
    assert [(found.n_records, found.n_flags, found.n_all, found.is_complete) for found in steps] == [
        (2, 2, 5, False),
        (4, 4, 5, False),
        (5, 5, 5, False),
        (5, 5, 5, True),
    ]
    assert steps[0].to_progress() == {"records": 2, "of": 5, "complete": False}
    assert (steps[-1].to_json()["records"], steps[-1].to_json()["complete"]) == (5, True)


def test_a_trial_about_a_topic_that_was_merged_counts_what_it_became(rules, store, monkeypatch):
    told_subjects(monkeypatch)
    for subject in SUBJECTS[:2]:
        add(store, texts_about(subject, 20))
    fit(store)
    a, b = (topic_of(store, texts_about(subject, 1)[0]) for subject in SUBJECTS[:2])
    rule = rules.parse({"name": "try", "level": 2, "when": {"topic": [b]}})
    assert rules.test(rule, NOW - DAY).n_flags == 20
    curation = Curation(store, Masker(), load_taxonomy())
    curation.merge([b], a, "ann")
    assert rules.test(rule, NOW - DAY).n_flags == 40
    curation.undo(a, "ann")
    assert rules.test(rule, NOW - DAY).n_flags == 20


def test_a_trial_on_nothing_ends(rules):
    (found,) = rules.steps(rules.list()[0].rule, NOW - DAY)
    assert (found.n_records, found.n_all, found.is_complete) == (0, 0, True)


def test_a_trial_joins_repeats_as_live_flags_would(rules, store):
    for n, (hours, customer, cause) in enumerate(
        [(72, "c-a", "slow"), (60, "c-a", "slow"), (40, "c-a", "slow"), (40, "c-a", "attitude"), (60, "c-b", "slow")]
    ):
        complain(store, n, customer=customer, at=NOW - hours / 24 * DAY, cause=cause)
    found = rules.test(rules.list()[0].rule, NOW - 30 * DAY)
    assert (found.n_flags, found.n_repeats) == (4, 1)
    Flagging(store).judge()
    flags = store.flags.page().flags
    assert (len(flags), sum(flag.repeats for flag in flags)) == (4, 1)


def test_a_trial_knows_repeat_contacts(rules, store):
    for n, days in enumerate([9, 3, 1]):
        complain(store, n, at=NOW - days * DAY, sentiment=0.1, cause=None)
    rule = rules.parse({"name": "again", "level": 2, "when": {"repeat_contact": {"days": 7}}})
    found = rules.test(rule, NOW - 30 * DAY)
    assert sorted(record.feedback.external_id for record, _ in found.samples) == ["1", "2"]
