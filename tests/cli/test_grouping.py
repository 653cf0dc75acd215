"""duplicates, as a user runs it."""

from datetime import UTC, datetime

import pytest

from tests.cli.conftest import run, write_lines

TEXT = "The parcel was slow, it took nine days"


@pytest.fixture
def copied(home, fakes, tmp_path):
    now = datetime.now(UTC).isoformat()
    rows = [{"id": str(n), "text": f"{TEXT} {n}", "channel": "social", "created_at": now} for n in range(3)]
    rows += [{"id": "x", "text": "Lovely shop", "created_at": now}, {"id": "y", "text": "lovely shop!!", "channel": "review", "created_at": now}]
    assert run("ingest", write_lines(tmp_path / "shop.jsonl", rows), home=home).code == 0
    return home


def test_copies_are_shown_with_an_example(copied):
    done = run("duplicates", home=copied)
    assert done.code == 0 and TEXT in done.out and "social 3" in done.out
    assert "2 of 2 groups among 5 records" in done.out


def test_a_line_a_group_with_json(copied):
    lines = run("duplicates", "--json", home=copied).lines
    assert [line["count"] for line in lines] == [3, 2]
    assert [line["channels"] for line in lines] == [{"social": 3}, {"ticket": 1, "review": 1}]
    assert [line["count"] for line in run("duplicates", "--json", "--least", "3", home=copied).lines] == [3]
    assert [line["count"] for line in run("duplicates", "--json", "--limit", "1", home=copied).lines] == [3]
    assert run("duplicates", "--json", "--where", "channel=review", home=copied).lines == []


def test_issues_are_shown_with_what_becomes_of_them(copied):
    done = run("duplicates", "--issues", "--days", "7", home=copied)
    assert "delivery/slow" in done.out and "nothing to compare with" in done.out and "1 of 1 groups among 5 records" in done.out
    (line,) = run("duplicates", "--issues", "--json", home=copied).lines
    assert (line["name"], line["count"], line["before"], line["growth"]) == ("delivery/slow", 3, 0, None)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--least", "1"], "2 or more"),
        (["--limit", "0"], "1 to 1000"),
        (["--issues", "--days", "0"], "1 to 3650"),
        (["--days", "3"], "--issues"),
        (["--issues", "--where", "created_at>=2026-11-01"], "created_at.lte"),
    ],
)
def test_what_cannot_be_asked_is_told(home, fakes, arguments, told):
    done = run("duplicates", *arguments, home=home)
    assert done.code != 0 and told in done.err and "Traceback" not in done.err


def test_an_empty_home_has_no_groups(home, fakes):
    assert "0 of 0 groups among 0 records" in run("duplicates", home=home).out
    assert "0 of 0 groups among 0 records" in run("duplicates", "--issues", home=home).out
