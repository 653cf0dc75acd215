from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cxnlp.privacy import Masker
from cxnlp.service import Curation
from cxnlp.service.flagging import Flagging
from cxnlp.service.rules import Rules
from cxnlp.store import open_store
from cxnlp.taxonomy import load_taxonomy
from tests.service.topics.groupings import SUBJECTS, add, fit, texts_about, told_subjects, topic_of

from .complaints import DAY, NOW, analyze, complain

HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path}/cxnlp.db")
    yield opened
    opened.close()


@pytest.fixture
def flagging(store):
    return Flagging(store)


@pytest.fixture
def rules(store):
    return Rules(store, load_taxonomy())


def judge_all(flagging):
    while flagging.judge():
        pass


def types(store):
    return [event.type for event in store.events.read(0, 1000) if event.type.startswith("flag.")]


def flags(store):
    return {(flag.record_id, flag.rule): flag for flag in store.flags.page().flags}


def test_each_rule_in_force_raises_its_own_flag_with_its_version_owner_and_priority(store, flagging, rules):
    rules.put(rules.parse({"name": "slow", "level": 1, "when": {"cause": ["slow"]}, "owners": {"delivery": "logistics"}}), "ann")
    record_id = complain(store, 1)
    judge_all(flagging)
    found = flags(store)
    assert set(found) == {(record_id, "default"), (record_id, "slow")}
    slow = found[record_id, "slow"]
    assert (slow.level, slow.owner, slow.rule_version) == (1, "logistics", 1)
    assert slow.explanation["en"].startswith(f"{slow.priority} = impact 0.60")
    assert found[record_id, "default"].rule_version == 0


def test_a_changed_rule_applies_to_what_is_judged_from_then_on(store, flagging, rules):
    first = complain(store, 1, customer="c-1")
    judge_all(flagging)
    default = rules.get("default").rule.to_line()
    rules.put(rules.parse(default | {"levels": [{"level": 1, "when": {"sentiment": {"lte": -0.9}}}]}), "ann")
    second = complain(store, 2, customer="c-2")
    judge_all(flagging)
    assert set(flags(store)) == {(first, "default")}
    assert flags(store)[first, "default"].state == "open"
    complain(store, 1, customer="c-1", text="new words about it")
    judge_all(flagging)
    assert flags(store)[first, "default"].state == "withdrawn"
    rules.delete("default", "ann")
    complain(store, 2, sentiment=-1.0, text="words")
    judge_all(flagging)
    assert (second, "default") not in flags(store)


def test_a_repeat_joins_and_is_told_of_with_its_own_record(store, flagging):
    first = complain(store, 1)
    judge_all(flagging)
    second = complain(store, 2)
    judge_all(flagging)
    assert types(store) == ["flag.raised", "flag.repeated"]
    assert flags(store)[first, "default"].repeats == 1
    (event,) = store.events.read(0, 100, ["flag.repeated"])
    assert (event.record_id, event.data["record_id"], event.data["repeats"]) == (second, first, 1)
    store.feedback.forget([first])
    judge_all(flagging)
    assert set(flags(store)) == {(second, "default")}


def test_a_repeat_contact_is_known_from_the_store(store, flagging, rules):
    rules.put(rules.parse({"name": "again", "level": 2, "when": {"repeat_contact": {"days": 7}}}), "ann")
    complain(store, 1, at=NOW - 5 * DAY, sentiment=0.2)
    second = complain(store, 2, sentiment=0.2)
    complain(store, 3, sentiment=0.2, customer="c-bob")
    judge_all(flagging)
    assert set(flags(store)) == {(second, "again")}
    assert flags(store)[second, "again"].reasons[0]["en"] == "contact 2 about this within 7 days"
    assert "contact 2 about this" in flags(store)[second, "again"].explanation["en"]


def test_an_overdue_flag_becomes_more_urgent_once_with_a_new_priority(store, flagging):
    record_id = complain(store, 1)
    judge_all(flagging)
    before = flags(store)[record_id, "default"]
    assert flagging.escalate(datetime.now(UTC) + 71 * HOUR) == 0
    late = datetime.now(UTC) + 73 * HOUR
    assert [flagging.escalate(late), flagging.escalate(late)] == [1, 0]
    after = flags(store)[record_id, "default"]
    assert (before.level, after.level) == (3, 2)
    assert after.priority > before.priority and "overdue" in after.explanation["en"] and "已超时" in after.explanation["zh"]
    assert types(store) == ["flag.raised", "flag.overdue"]


def test_a_rule_that_does_not_raise_overdue_flags_only_tells_of_them(store, flagging, rules):
    rules.put(rules.parse(rules.get("default").rule.to_line() | {"overdue_raises": 0}), "ann")
    record_id = complain(store, 1)
    judge_all(flagging)
    assert flagging.escalate(datetime.now(UTC) + 73 * HOUR) == 1
    assert flags(store)[record_id, "default"].level == 3


def test_only_the_process_that_holds_the_lease_escalates(store, flagging):
    complain(store, 1)
    judge_all(flagging)
    late = datetime.now(UTC) + 73 * HOUR
    assert Flagging(store).escalate(late) == 0
    flagging.close()
    assert Flagging(store).escalate(late) == 1


def test_a_flag_whose_record_waits_for_analysis_is_still_told_of_when_it_is_overdue(store, flagging):
    record_id = complain(store, 1)
    judge_all(flagging)
    priority = flags(store)[record_id, "default"].priority
    store.feedback.add([_newer(store, record_id)], datetime.now(UTC))
    assert flagging.escalate(datetime.now(UTC) + 73 * HOUR) == 1
    assert flags(store)[record_id, "default"].priority == priority
    analyze(store)
    judge_all(flagging)
    assert flags(store)[record_id, "default"].level == 2


def test_a_rule_about_a_topic_follows_it_where_it_is_merged_and_back(store, flagging, rules, monkeypatch):
    told_subjects(monkeypatch)
    for subject in SUBJECTS[:2]:
        add(store, texts_about(subject, 20))
    fit(store)
    a, b = (topic_of(store, texts_about(subject, 1)[0]) for subject in SUBJECTS[:2])
    spared = {"level": 3, "when": {"topic": [a]}, "unless": [{"topic": [b]}]}
    rules.put(rules.parse({"name": "asked", "level": 2, "when": {"topic": [b]}}), "ann")
    rules.put(rules.parse({"name": "spared", "levels": [spared]}), "ann")
    rules.put(rules.parse({"name": "never", "level": 1, "when": {"topic": [a]}, "unless": [{"topic": [b]}]}), "ann")
    judge_all(flagging)

    def raised_on(subject, first):
        (record_id,) = add(store, texts_about(subject, 1, first=first))
        judge_all(flagging)
        return {rule for flagged, rule in flags(store) if flagged == record_id} - {"default"}

    assert (raised_on(SUBJECTS[0], 30), raised_on(SUBJECTS[1], 30)) == ({"spared", "never"}, {"asked"})
    curation = Curation(store, Masker(), load_taxonomy())
    curation.merge([b], a, "ann")
    assert (raised_on(SUBJECTS[0], 31), raised_on(SUBJECTS[1], 31)) == ({"asked"}, {"asked"})
    assert [known.rule.levels[0].when.filter.topic for known in rules.list() if known.name == "asked"] == [(b,)]
    curation.undo(a, "ann")
    assert (raised_on(SUBJECTS[0], 32), raised_on(SUBJECTS[1], 32)) == ({"spared", "never"}, {"asked"})


def _newer(store, record_id):
    return replace(store.feedback.get(record_id).feedback, text="更慢了", fingerprint="newer")
