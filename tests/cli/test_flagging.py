"""flags, as a user runs it."""

import re

import pytest

from cxnlp.bootstrap import Service
from cxnlp.settings import Settings
from tests.cli.conftest import run

RULE = """
name: slow-parcels
description: 快递慢
level: 2
when: {touchpoint: [delivery], cause: [slow]}
owners: {delivery: logistics}
"""


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "rule.yaml"
    made.write_text(RULE, encoding="utf-8")
    return made


def test_rules_are_saved_listed_printed_and_removed(home, file, tmp_path):
    listed = run("flags", "rules", home=home).out
    assert "default" in listed and "version 0" in listed and "shipped" in listed
    assert run("flags", "save", file, "--author", "ann", home=home).out == "slow-parcels  version 1\n"
    assert "快递慢" in run("flags", "rules", home=home).out
    printed = run("flags", "rules", "slow-parcels", home=home).out
    (tmp_path / "again.yaml").write_text(printed, encoding="utf-8")
    assert run("flags", "save", tmp_path / "again.yaml", home=home).out == "slow-parcels  version 1\n"
    file.write_text(RULE.replace("level: 2", "level: 1"), encoding="utf-8")
    assert run("flags", "save", file, home=home).out == "slow-parcels  version 2\n"
    assert run("flags", "remove", "slow-parcels", home=home).out == "slow-parcels removed (version 3)\n"
    assert "slow-parcels" not in run("flags", "rules", home=home).out
    assert "deleted" in run("flags", "rules", "slow-parcels", home=home).out
    assert run("flags", "rules", "slow-parcels", "--history", home=home).out.count("version") == 3


def test_a_rule_is_tested_on_history_and_nothing_is_raised(kept, file, monkeypatch):
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    tested = run("flags", "test", file, "--since", "2026-09-01", "--samples", "1", home=kept)
    assert tested.code == 0, tested.err
    first, *rest = tested.out.splitlines()
    assert first == "2 flags on 4 analysed records since 2026-09-01; 0 more would join an open one"
    assert "2026-09-28         0        1        0" in rest
    assert "logistics" in tested.out and "The parcel was slow" in tested.out and "delivery: slow" in tested.out
    assert "快递太慢" not in tested.out
    assert "2 flags" in run("flags", "test", "default", "--since", "9999d", home=kept).out
    assert run("flags", "test", file, "--since", "1h", home=kept).out.startswith("0 flags on 0 ")
    assert run("status", home=kept).code == 0


def test_flags_are_listed_by_what_is_to_be_done_first(kept, monkeypatch):
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    service = Service(Settings(home=kept))
    while service.delivery.flag():
        pass
    n_flags = len(service.delivery.flags().flags)
    service.delivery.close()
    service.store.close()
    heads = run("flags", "list", "--sort", "priority", "--state", "open", home=kept).out.splitlines()[::2]
    priorities = [int(re.search(r"priority +(\d+)", head)[1]) for head in heads]
    assert len(heads) == n_flags > 1 and priorities == sorted(priorities, reverse=True)
    assert len(run("flags", "list", "-n", "1", home=kept).out.splitlines()) == 2
    assert "newest, priority, deadline" in run("flags", "list", "--sort", "level", home=kept).err


def test_mistakes_are_told(home, file, tmp_path):
    file.write_text(RULE.replace("slow]", "slwo]"), encoding="utf-8")
    for command in (("save", file), ("test", file)):
        done = run("flags", *command, home=home)
        assert done.code == 1 and "rule.yaml: rule 'slow-parcels'" in done.err and "'slwo'" in done.err
    assert "no rule 'none'" in run("flags", "test", "none", home=home).err
    assert "no rule 'none'" in run("flags", "remove", "none", home=home).err
    assert "cannot be read" in run("flags", "save", tmp_path / "none.yaml", home=home).err
    assert "--since 'soon'" in run("flags", "test", "default", "--since", "soon", home=home).err
    file.write_text("[]", encoding="utf-8")
    assert "holds 0 rules" in run("flags", "test", file, home=home).err
    file.write_bytes(b"\xff\xfe\xfa")
    assert "it is no UTF-8" in run("flags", "save", file, home=home).err
