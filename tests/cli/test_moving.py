"""alerts and series, as a user runs them."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from cxnlp.bootstrap import Service
from cxnlp.settings import Settings
from cxnlp.store import AlertChange, Moved
from tests.cli.conftest import run

DETAILS = {"window": 1, "observed": 9.0, "expected": 1.0, "summary": {"en": "all feedback: more", "zh": "全部反馈：更多"}}


@pytest.fixture
def alert(kept):
    store = Service(Settings(home=kept)).store
    for name in ("alerts", "alerts.day"):
        store.events.lease(name, "test", 60)
    day = datetime.now(UTC).toordinal()
    moved = Moved("movement", "all", "", "volume", "up", day, day, 5.0, DETAILS)
    store.alerts.apply([AlertChange(moved, historical=old) for old in (False, True)], "test", 0, day - 1)
    for name in ("alerts", "alerts.day"):
        store.events.release(name, "test")
    found = store.alerts.page(historical=False).alerts[0].id
    store.close()
    return found


def test_alerts_are_listed_shown_and_dealt_with(kept, alert):
    listed = run("alerts", "list", home=kept).out
    assert alert in listed and "open" in listed and "all feedback: more" in listed
    assert len(run("alerts", "list", "--historical", home=kept).out.splitlines()) == 2
    assert json.loads(run("alerts", "show", alert, home=kept).out)["id"] == alert
    ahead = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    for command, state in (
        (("acknowledge",), "acknowledged"),
        (("snooze", "--until", ahead), "snoozed"),
        (("resolve", "--reason", "done"), "resolved"),
    ):
        assert state in run("alerts", command[0], alert, *command[1:], "--author", "ann", home=kept).out
    shown = json.loads(run("alerts", "show", alert, home=kept).out)
    assert (shown["state"], shown["note"], shown["author"]) == ("resolved", "done", "ann")
    assert alert not in run("alerts", "list", "--state", "open", home=kept).out


@pytest.mark.parametrize(("options", "title"), [((), "What moved on "), (("--weekly", "--language", "zh"), "变动周报")])
def test_a_digest_is_printed(kept, alert, options, title):
    text = run("alerts", "digest", *options, home=kept).out
    assert title in text.splitlines()[0] and alert in text
    assert ("全部反馈：更多" if "zh" in options else "all feedback: more") in text


def test_a_digest_is_mailed_only_where_there_is_a_server_and_an_address(kept):
    done = run("alerts", "digest", "--mail", "lead@shop.example", home=kept)
    assert done.code == 1 and "set CXNLP_SMTP_URL" in done.err
    done = run("alerts", "digest", "--mail", "lead at shop", home=kept)
    assert done.code != 0 and "write one address" in done.err


def test_what_moves_is_looked_for_now(kept):
    done = run("alerts", "check", home=kept)
    assert done.code == 0 and re.search(r"\d+ days looked at, 0 events", done.err)
    since = (datetime.now(UTC) - timedelta(days=10)).date().isoformat()
    assert "11 days looked at" in run("alerts", "check", "--since", since, home=kept).err


def test_series_are_printed(kept):
    days = ("--since", "2026-10-01", "--until", "2026-10-07")
    (line,) = run("series", *days, home=kept).lines
    assert (line["dimension"], line["value"], line["measure"], [point["n"] for point in line["points"]]) == (
        "all",
        None,
        "volume",
        [1, 0, 0, 0, 1, 1, 1],
    )
    asked = ("attributes.region", "--measure", "sentiment", "--value", "north", "--bucket", "month", "--compare", "previous", "--expected")
    assert "expected: is known of days" in run("series", *asked, *days, home=kept).err
    (found,) = run("series", *asked[:-1], "--where", "attributes.region=north", *days, home=kept).lines
    assert found["value"] == "north" and [point["at"] for point in found["points"]] == ["2026-10-01"]
    assert run("series", "channel", "--since", "2024-01-01", "--until", "2024-03-01", home=kept).out == ""


def test_a_breakdown_is_printed(kept):
    *rows, rest = run("breakdown", "attributes.region", "channel", "--since", "2026-10-01", "--until", "2026-10-07", "--limit", "1", home=kept).lines
    assert len(rows) == 1 and len(rows[0]["values"]) == 2 and rest["total"]["volume"]["value"] == 4
    assert "write one of volume" in run("breakdown", "channel", "--sort", "joy", home=kept).err


def test_mistakes_are_told(kept):
    assert "write one such as 2026-11-01" in run("alerts", "check", "--since", "yesterday", home=kept).err
    assert "last 366" in run("alerts", "check", "--since", "2020-01-01", home=kept).err
    assert "write one of all" in run("series", "colour", home=kept).err
    assert "write one of volume" in run("series", "--measure", "joy", home=kept).err
    for command in ("show", "acknowledge", "resolve"):
        done = run("alerts", command, "a-none", home=kept)
        assert done.code == 1 and "a-none" in done.err
