import threading

import pytest

from cxnlp.errors import Conflict
from cxnlp.store import rules

RULE = {"name": "vip", "level": 1, "when": {"segment": ["vip"]}}


def test_each_change_is_a_version_and_the_same_again_is_none(store):
    first = store.rules.put("vip", RULE, "ann")
    assert (first.version, first.content, first.author) == (1, RULE, "ann")
    assert store.rules.put("vip", dict(RULE), "bob") == first
    second = store.rules.put("vip", RULE | {"level": 2}, "bob")
    assert (second.version, second.author) == (2, "bob")
    assert store.rules.versions("vip") == [first, second]
    assert store.rules.current() == [second]


def test_a_deleted_rule_is_remembered_and_can_come_back(store):
    store.rules.put("vip", RULE, "ann")
    store.rules.put("other", RULE, "ann")
    store.rules.put("vip", None, "bob")
    assert [(rule.name, rule.version, rule.content) for rule in store.rules.current()] == [("other", 1, RULE), ("vip", 2, None)]
    assert store.rules.put("vip", RULE, "ann").version == 3


def test_rules_that_are_saved_at_once_get_versions_of_their_own(store):
    contents = [RULE | {"cooldown_hours": n} for n in range(8)]
    threads = [threading.Thread(target=store.rules.put, args=("vip", content, "ann")) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [rule.version for rule in store.rules.versions("vip")] == list(range(1, 9))


def test_there_is_a_limit_to_rules(store, monkeypatch):
    monkeypatch.setattr(rules, "MOST_RULES", 2)
    store.rules.put("a", RULE, "ann")
    store.rules.put("b", RULE, "ann")
    with pytest.raises(Conflict, match="2 rules"):
        store.rules.put("c", RULE, "ann")
    store.rules.put("a", None, "ann")
    assert store.rules.put("c", RULE, "ann").version == 1
