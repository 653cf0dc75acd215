"""analyze and ingest, as a user runs them."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import TEXTS, read_lines, run, write_lines

pytestmark = pytest.mark.usefixtures("fakes")


def test_analyze_writes_a_line_a_record_in_input_order_and_rejects_apart(home, tmp_path):
    source = write_lines(tmp_path / "in.jsonl", [*TEXTS[:2], {"id": "bad", "text": "  "}, {"id": "worse", "text": "x", "channel": "fax"}, TEXTS[2]])
    done = run("analyze", source, "-o", tmp_path / "out.jsonl", home=home)
    assert done.code == 0
    assert done.err.splitlines()[-1] == f"3 analyzed, 2 rejected, see {tmp_path / 'out.rejects.jsonl'}"
    lines = read_lines(tmp_path / "out.jsonl")
    assert [line["external_id"] for line in lines] == ["1", "2", "3"]
    assert [line["label"] for line in lines] == ["negative", "negative", "positive"]
    assert {line["source"] for line in lines} == {"in"}
    rejects = read_lines(tmp_path / "out.rejects.jsonl")
    assert [(r["file"], r["row"], r["error"]["field"]) for r in rejects] == [("in.jsonl", 3, "text"), ("in.jsonl", 4, "channel")]
    assert all(r["error"]["problem"] and r["error"]["remedy"] for r in rejects)
    assert rejects[1]["error"]["value"] == "fax"


def test_analyze_keeps_nothing(home, tmp_path):
    run("analyze", write_lines(tmp_path / "in.jsonl", TEXTS), "-o", tmp_path / "out.jsonl", home=home)
    assert not home.exists()


def test_analyze_leaves_no_rejects_file_of_an_earlier_run(home, tmp_path):
    source = write_lines(tmp_path / "in.jsonl", [{"text": ""}])
    run("analyze", source, "-o", tmp_path / "out.jsonl", home=home)
    assert (tmp_path / "out.rejects.jsonl").exists()
    write_lines(source, TEXTS)
    run("analyze", source, "-o", tmp_path / "out.jsonl", home=home)
    assert not (tmp_path / "out.rejects.jsonl").exists()


def test_analyze_reads_stdin_and_writes_stdout(home, tmp_path):
    done = run("analyze", "-", "-o", "-", home=home, stdin=b'{"text": "too slow"}\n{"text": ""}\n')
    assert [line["text"] for line in done.lines] == ["too slow"]
    assert [r["row"] for r in read_lines(tmp_path / "stdin.rejects.jsonl")] == [2]


def test_analyze_reads_a_folder_with_files_of_several_formats(home, tmp_path):
    folder = tmp_path / "all"
    folder.mkdir()
    (folder / "b.csv").write_text("comment,date\n太慢了,2026-10-01\n", encoding="gb18030")
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(json.dumps({"text": "fine"}).encode()))
    (folder / "notes.md").write_text("nothing to see")
    done = run("analyze", folder, "-o", tmp_path / "out.jsonl", home=home)
    assert [(line["source"], line["text"]) for line in read_lines(tmp_path / "out.jsonl")] == [("a", "fine"), ("b", "太慢了")]
    assert "passed over" in done.err and "notes.md" in done.err
    assert "comment  ->  text" in done.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--format", "pdf"], "use one of csv"),
        (["--encoding", "klingon"], "use utf-8"),
        (["--channel", "fax"], "use one of ticket"),
        (["--source", " "], "send 1 to 256 characters"),
        (["--map", "text"], "FIELD=COLUMN"),
        (["--map", "text=nothing_like_it"], "there is no column"),
        (["--speaker", "Lee=boss"], "NAME=ROLE"),
    ],
)
def test_a_bad_option_is_one_line_that_says_what_to_write_and_spoils_nothing(home, tmp_path, arguments, told):
    (tmp_path / "in.csv").write_text("text\nslow\n")
    (tmp_path / "out.jsonl").write_text("of an earlier run")
    done = run("analyze", tmp_path / "in.csv", "-o", tmp_path / "out.jsonl", *arguments, home=home)
    assert done.code == 1
    assert told in done.err and done.err.startswith("cxnlp: ") and "Traceback" not in done.err
    assert (tmp_path / "out.jsonl").read_text() == "of an earlier run"


def test_a_missing_file_and_an_output_that_cannot_be_written_are_told(home, tmp_path):
    assert "nowhere.csv does not exist" in run("analyze", tmp_path / "nowhere.csv", home=home).err
    source = write_lines(tmp_path / "in.jsonl", TEXTS)
    done = run("analyze", source, "-o", tmp_path / "no" / "out.jsonl", home=home)
    assert done.code == 1 and "cannot be written" in done.err


def test_what_is_read_is_never_written_to(home, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    source = write_lines(folder / "a.jsonl", TEXTS)
    before = source.read_text()
    rejects = write_lines(folder / "b.rejects.jsonl", TEXTS)
    for arguments in (
        ("analyze", source, "-o", source),
        ("analyze", folder, "-o", source),
        ("analyze", rejects, "-o", folder / "b.jsonl"),
        ("ingest", source, "--rejects", source),
    ):
        done = run(*arguments, home=home)
        assert done.code == 1 and "is part of what is read" in done.err
    assert source.read_text() == before and rejects.read_text() == before


def test_speakers_and_sheets_can_be_named(home, tmp_path):
    (tmp_path / "call.txt").write_text("Maria: it is slow\nBot7x: sorry\n")
    named = ("--format", "transcript", "--speaker", "Maria=customer", "--speaker", "Bot7x=agent")
    done = run("analyze", tmp_path / "call.txt", *named, home=home)
    assert [turn["speaker"] for turn in done.lines[0]["turns"]] == ["customer", "agent"]
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["text"])
    book.active.append(["first"])
    book.create_sheet("Mai").append(["text"])
    book["Mai"].append(["second"])
    book.save(tmp_path / "book.xlsx")
    assert [line["text"] for line in run("analyze", tmp_path / "book.xlsx", "--sheet", "Mai", home=home).lines] == ["second"]


def test_ingest_counts_add_up_and_a_repeat_is_a_duplicate(home, tmp_path):
    source = write_lines(tmp_path / "shop.jsonl", [*TEXTS, {"id": "5", "text": ""}])
    first = run("ingest", source, home=home)
    assert first.code == 0
    assert first.out == "5 rows: 4 accepted, 0 duplicate, 0 updated, 1 rejected\n"
    assert run("status", home=home).out.split() == ["records", "4", "analyzed", "4", "pending", "0", "failed", "0"]
    write_lines(source, [TEXTS[0] | {"text": "快递还行"}, *TEXTS[1:]])
    assert run("ingest", source, home=home).out == "4 rows: 0 accepted, 3 duplicate, 1 updated, 0 rejected\n"


def test_ingest_keeps_the_rejects_of_every_file(home, tmp_path):
    one, two = write_lines(tmp_path / "one.jsonl", [{"text": ""}]), write_lines(tmp_path / "two.jsonl", [{"text": " "}, TEXTS[0]])
    run("ingest", one, two, home=home)
    assert [len(read_lines(home / "rejects" / f"{name}.rejects.jsonl")) for name in ("one", "two")] == [1, 1]
    done = run("ingest", one, two, "--rejects", tmp_path / "bad.jsonl", home=home)
    assert [r["file"] for r in read_lines(tmp_path / "bad.jsonl")] == ["one.jsonl", "two.jsonl"]
    assert f"2 rejected, see {tmp_path / 'bad.jsonl'}" in done.err


def test_rejected_values_are_masked(home, tmp_path):
    source = write_lines(tmp_path / "in.jsonl", [{"text": "x", "channel": "13812345678"}])
    run("ingest", source, "--rejects", tmp_path / "bad.jsonl", home=home)
    assert read_lines(tmp_path / "bad.jsonl")[0]["error"]["value"] == "[PHONE]"


def test_ingest_may_leave_the_enriching_to_others(home, tmp_path):
    run("ingest", write_lines(tmp_path / "shop.jsonl", TEXTS), "--no-wait", home=home)
    assert run("status", home=home).out.split()[:6] == ["records", "4", "analyzed", "0", "pending", "4"]


def test_columns_can_be_named(home, tmp_path):
    (tmp_path / "odd.csv").write_text("remark,who,text_id\nso slow,Ann,7\n")
    done = run("ingest", tmp_path / "odd.csv", "--map", "text=remark", "--map", "id=text_id", "--map", "customer=who", home=home)
    assert "remark   ->  text" in done.err
    run("export", "-o", tmp_path / "out.jsonl", home=home)
    (line,) = read_lines(tmp_path / "out.jsonl")
    assert (line["text"], line["external_id"]) == ("so slow", "7")
    assert line["customer"]["id"].startswith("c-")


def test_shifted_dates_end_in_the_current_week_and_repeat_as_duplicates(home, tmp_path):
    source = write_lines(tmp_path / "shop.jsonl", TEXTS)
    run("ingest", source, "--shift-dates", home=home)
    run("export", "-o", tmp_path / "out.jsonl", home=home)
    times = [datetime.fromisoformat(line["created_at"]) for line in read_lines(tmp_path / "out.jsonl")]
    now = datetime.now(UTC)
    assert timedelta(0) <= now - max(times) < timedelta(weeks=1)
    assert max(times) - min(times) == timedelta(days=6)
    assert "4 duplicate" in run("ingest", source, "--shift-dates", home=home).out


def test_shifting_dates_needs_a_file(home):
    assert "give it a file" in run("ingest", "-", "--shift-dates", home=home, stdin=b'{"text": "x"}').err
