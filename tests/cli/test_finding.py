"""search, similar, show, export and status, as a user runs them."""

import csv

import pyarrow.parquet as pq
import pytest

from cxnlp.cli.export import write_records
from cxnlp.errors import StoreError
from cxnlp.records import record_id
from tests.cli.conftest import TEXTS, read_lines, run

SLOW = record_id("shop", "2")


def test_search_finds_and_shows_the_words(kept):
    done = run("search", "The parcel was slow", "-k", "2", home=kept)
    first = done.out.splitlines()[0]
    assert SLOW in first and "2026-10-05" in first and "-0.80" in first and "delivery/slow" in first
    assert "2 nearest of 4 records" in done.out


def test_search_as_json_has_a_line_a_hit(kept):
    hits = run("search", "The parcel was slow", "-k", "3", "--json", home=kept).lines
    assert hits[0]["record"]["id"] == SLOW
    assert hits[0]["score"] >= hits[1]["score"] >= hits[2]["score"]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (["channel=review,chat"], {"1"}),
        (["sentiment<=-0.3"], {"1", "2"}),
        (["sentiment<=-0.3", "language=en"], {"2"}),
        (["created_at>=2026-10-05", "created_at<2026-10-07"], {"2", "3"}),
        (["attributes.region=north,south"], {"2", "3"}),
        (["attributes.region = south"], {"3"}),
        (["rating>=1"], {"4"}),
        (["customer=小王"], {"1"}),
    ],
)
def test_conditions_choose_the_records(kept, conditions, expected):
    where = [part for condition in conditions for part in ("--where", condition)]
    hits = run("search", "slow", "--json", *where, home=kept).lines
    assert {hit["record"]["external_id"] for hit in hits} == expected


def test_a_customer_is_found_by_the_id_that_is_shown_too(kept):
    shown = run("search", "快递", "--json", "--where", "customer=小王", home=kept).lines[0]["record"]["customer"]["id"]
    assert shown != "小王"
    assert len(run("search", "快递", "--json", "--where", f"customer={shown}", home=kept).lines) == 1


@pytest.mark.parametrize(
    ("conditions", "told"),
    [
        (["channel"], "write FIELD=VALUE"),
        (["channel="], "write FIELD=VALUE"),
        (["colour=red"], "known are source, channel"),
        (["sentiment=0.3"], "write bounds"),
        (["sentiment=0.3", "sentiment<=1"], "already"),
        (["channel=chat", "channel=call"], "channel=A,B"),
        (["created_at>=yesterday"], "ISO 8601"),
    ],
)
def test_a_wrong_condition_is_told(kept, conditions, told):
    done = run("search", "slow", *[part for condition in conditions for part in ("--where", condition)], home=kept)
    assert done.code == 1 and told in done.err and "Traceback" not in done.err


def test_a_number_of_hits_out_of_range_is_told(kept):
    assert "1 to 1000" in run("search", "slow", "-k", "0", home=kept).err


def test_similar_leaves_the_record_out(kept):
    hits = run("similar", SLOW, "-k", "10", "--json", home=kept).lines
    assert sorted(hit["record"]["external_id"] for hit in hits) == ["1", "3", "4"]
    assert run("similar", "r-none", home=kept).code == 1


def test_show_prints_all_of_a_record(kept):
    done = run("show", SLOW, home=kept)
    assert '"external_id": "2"' in done.out and '"region": "north"' in done.out
    unknown = run("show", "r-none", home=kept)
    assert unknown.code == 1 and "does not exist" in unknown.err


def test_export_writes_the_lines_that_analyze_writes(kept, tmp_path):
    run("analyze", tmp_path / "shop.jsonl", "-o", tmp_path / "analyzed.jsonl", home=kept)
    done = run("export", "-o", tmp_path / "exported.jsonl", home=kept)
    assert "4 records in" in done.err
    assert read_lines(tmp_path / "exported.jsonl") == read_lines(tmp_path / "analyzed.jsonl")


def test_export_takes_conditions(kept, tmp_path):
    run("export", "-o", tmp_path / "out.jsonl", "--where", "label=negative", home=kept)
    assert [line["external_id"] for line in read_lines(tmp_path / "out.jsonl")] == ["1", "2"]


def test_csv_is_read_by_excel_as_text_and_never_as_a_formula(kept, tmp_path):
    run("export", "-o", tmp_path / "out.csv", home=kept)
    raw = (tmp_path / "out.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(raw.decode("utf-8-sig").splitlines()))
    assert rows[3]["text"] == "'" + TEXTS[3]["text"]
    assert rows[0]["text"] == TEXTS[0]["text"]
    assert (rows[0]["sentiment"], rows[0]["touchpoints"], rows[0]["causes"]) == ("-0.8", "delivery", "slow")
    assert (rows[3]["rating_scale"], rows[3]["rating_value"]) == ("stars", "5.0")


def test_parquet_holds_the_same_rows(kept, tmp_path):
    run("export", "-o", tmp_path / "out.parquet", home=kept)
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["external_id"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[1]["sentiment"] == -0.8
    assert rows[3]["text"] == TEXTS[3]["text"]


def test_an_export_appears_whole_or_not_at_all(tmp_path):
    def broken():
        raise StoreError("gone")
        yield

    for ending in ("jsonl", "csv", "parquet"):
        path = tmp_path / f"out.{ending}"
        path.write_text("of an earlier run")
        with pytest.raises(StoreError):
            write_records(path, broken(), lambda _: None)
        assert path.read_text() == "of an earlier run"
    assert len(list(tmp_path.iterdir())) == 3


def test_an_export_to_an_unknown_format_says_which_are_known(kept, tmp_path):
    done = run("export", "-o", tmp_path / "out.docx", home=kept)
    assert done.code == 1 and ".parquet" in done.err
