"""topics, as a user runs them: a real store, and fits that are told the subjects, see tests/service/groupings.py."""

import json

import pytest

from cxnlp.bootstrap import Service
from cxnlp.records import record_id
from cxnlp.settings import Settings
from tests.cli.conftest import read_lines, run, write_lines
from tests.service.topics.groupings import SUBJECTS, texts_about, told_subjects

TEXTS = [text for subject in SUBJECTS[:3] for text in texts_about(subject, 20)]


def _ingest(home, tmp_path, texts, name="desk", **fields):
    source = write_lines(tmp_path / f"{name}.jsonl", [{"id": str(n), "text": text} | fields for n, text in enumerate(texts)])
    done = run("ingest", source, home=home)
    assert done.code == 0, done.err


@pytest.fixture
def filled(home, fakes, tmp_path):
    """A home with 60 records on three subjects."""
    _ingest(home, tmp_path, TEXTS)
    return home


@pytest.fixture
def fitted(filled, monkeypatch):
    told_subjects(monkeypatch)
    done = run("topics", "fit", "--outliers", "0", "--author", "ann", home=filled)
    assert done.code == 0, done.err
    return filled


def _topic_of(home, number):
    return json.loads(run("show", record_id("desk", str(number)), home=home).out)["topic"]["id"]


def test_fit_list_show_and_export_tell_the_same(fitted, tmp_path):
    listed = run("topics", "list", home=fitted).out.splitlines()
    assert [line.split()[:2] for line in listed] == [["t-1", "20"], ["t-2", "20"], ["t-3", "20"]]
    shown = run("topics", "show", "t-1", "--members", "2", home=fitted).out
    assert "words:" in shown and "“" in shown and shown.count("r-") >= 3
    assert run("export", "-o", tmp_path / "out.jsonl", home=fitted).code == 0
    assert {line["topic"]["id"] for line in read_lines(tmp_path / "out.jsonl")} == {"t-1", "t-2", "t-3"}


def test_versions_are_kept_compared_activated_and_rolled_back(fitted):
    done = run("topics", "fit", "--outliers", "0", "--seed", "8", "--no-activate", home=fitted)
    assert "fit 2 is kept, not active" in done.out and "100.0% of 60 texts have the same topic" in done.out
    listed = run("topics", "versions", home=fitted).out.splitlines()
    assert listed[0].startswith("     2") and listed[1].startswith("*    1")
    assert "0 texts moved" in run("topics", "compare", "1", "2", home=fitted).out
    assert run("topics", "activate", "2", home=fitted).out == "fit 2 is active for documents\n"
    assert run("topics", "rollback", home=fitted).out == "fit 1 is active again for documents\n"
    done = run("topics", "rollback", home=fitted)
    assert done.code == 1 and "left to undo" in done.err


def test_topics_are_renamed_merged_moved_and_all_of_it_undone(fitted):
    assert run("topics", "rename", "t-1", "--zh", "物流延误", home=fitted).code == 0
    assert "物流延误" in run("topics", "list", home=fitted).out
    assert "t-2 went into t-1, which has 40 texts now" in run("topics", "merge", "t-1", "t-2", home=fitted).out
    of = _topic_of(fitted, 0)
    assert run("topics", "move", "none", record_id("desk", "0"), home=fitted).out == "1 moved\n"
    assert '"topic"' not in run("show", record_id("desk", "0"), home=fitted).out
    for action in ("mute", "pin"):
        assert run("topics", action, "t-3", *(["delivery", "slow"] if action == "pin" else []), home=fitted).code == 0
    assert "t-3" not in run("topics", "list", home=fitted).out
    assert "(muted, is delivery / slow)" in run("topics", "list", "--all", home=fitted).out
    assert run("topics", "nest", "t-3", "t-1", home=fitted).out == "t-3 is under t-1\n"
    history = run("topics", "history", of, home=fitted).out
    assert "move" in history and record_id("desk", "0") in history
    assert "undone: move" in run("topics", "undo", of, home=fitted).out
    assert _topic_of(fitted, 0) == of


def test_a_topic_is_split_and_joined_again(fitted, monkeypatch):
    told_subjects(monkeypatch, ("真的", "慢"))
    of = _topic_of(fitted, 0)
    done = run("topics", "split", of, home=fitted)
    assert done.code == 0 and of in done.out and "t-4" in done.out
    assert f"split of {of}" in run("topics", "versions", home=fitted).out
    assert f"undone: split of {of}" in run("topics", "undo", of, home=fitted).out
    assert "t-4 " not in run("topics", "list", home=fitted).out


def test_fits_are_narrowed_by_a_filter_and_by_time(filled, monkeypatch, tmp_path):
    told_subjects(monkeypatch)
    _ingest(filled, tmp_path, texts_about(SUBJECTS[3], 30), "old", created_at="2020-01-02T00:00:00Z")
    done = run("topics", "fit", "--since", "2020-01-01", "--until", "2020-02-01", "--outliers", "0", home=filled)
    assert "1 topics over 30 texts" in done.out
    done = run("topics", "fit", "--where", "source=desk", "--outliers", "0", "--no-activate", home=filled)
    assert "3 topics over 60 texts" in done.out
    assert "70 topics were asked for" in run("topics", "fit", "--where", "source=desk", "--n-topics", "70", home=filled).err


def test_a_filter_by_a_merged_topic_finds_what_it_became(fitted, tmp_path):
    assert run("topics", "merge", "t-1", "t-2", home=fitted).code == 0
    assert run("export", "-o", tmp_path / "out.jsonl", "--where", "topic=t-2", home=fitted).code == 0
    assert {line["topic"]["id"] for line in read_lines(tmp_path / "out.jsonl")} == {"t-1"} and len(read_lines(tmp_path / "out.jsonl")) == 40
    done = run("export", "-o", tmp_path / "none.jsonl", "--where", "topic=t-9", home=fitted)
    assert done.code == 1 and "filter: there is no topic 't-9'; `cxnlp topics list --all`" in done.err


REFUSED = (
    (("fit", "--where", "channel=call"), "0 texts pass the filter"),
    (("fit", "--outliers", "2"), "outlier_share is 2.0"),
    (("fit", "--about", "problems"), "`on` clauses with `about`"),
    (("fit", "--on", "clauses", "--about", "strengths", "--where", "label=negative"), "0 clauses that speak of strengths pass the filter"),
    (("activate", "9"), "there is no fit 9"),
    (("cancel", "1"), "fit 1 is done; only one that is running"),
    (("show", "t-9"), "there is no topic 't-9'"),
    (("merge", "t-1", "t-9"), "there is no topic 't-9'"),
    (("split", "t-1", "--parts", "1"), "2 or more"),
    (("rename", "t-1"), "write --zh or --en"),
    (("move", "t-1", "r-0#x"), "write the id of a record"),
    (("pin", "t-1", "nowhere"), "none of the touchpoints"),
    (("undo", "t-1"), "no change of t-1 is left"),
)


def test_what_cannot_be_done_is_one_line_and_changes_nothing(fitted):
    before = run("topics", "list", "--all", home=fitted).out
    for arguments, said in REFUSED:
        done = run("topics", *arguments, home=fitted)
        assert done.code == 1 and said in done.err and done.err.count("\n") == 1, (arguments, done.err)
    assert run("topics", "list", "--all", home=fitted).out == before


def test_fewer_than_20_records_are_refused(kept):
    done = run("topics", "fit", home=kept)
    assert done.code == 1 and "4 texts, and at least 20 are needed" in done.err


def test_interrupted_fits_leave_the_topics_as_they_were(fitted, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("cxnlp.service.topics.model.run_in_subprocess", interrupt)
    done = run("topics", "fit", home=fitted)
    assert done.code == 130 and "as they were" in done.err
    service = Service(Settings(home=fitted))
    assert service.store.topic_fits.get(2).state == "cancelled" and service.store.topic_fits.active("documents").number == 1
    service.store.close()
