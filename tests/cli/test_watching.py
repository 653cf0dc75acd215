"""searches, as a user runs it."""

import json
import re

from cxnlp.bootstrap import Service
from cxnlp.records import record_id
from cxnlp.settings import Settings
from tests.cli.conftest import run, write_lines

SLOW = "快递太慢了，两个星期还没到"


def _add(home, *more):
    done = run("searches", "add", "slow delivery", *more, home=home)
    assert done.code == 0, done.err
    return re.match(r"s-[0-9a-f]{16}", done.out)[0]


def test_a_search_is_added_listed_shown_and_removed(kept, tmp_path):
    search = _add(kept, "--text", "快递太慢", "--like", record_id("shop", "1"), "--where", "channel=review", "--least", "0.6", "--author", "ann")
    listed = run("searches", "list", home=kept).out
    assert search in listed and "active" in listed and "0 matches" in listed and "slow delivery" in listed
    assert run("ingest", write_lines(tmp_path / "later.jsonl", [{"id": "9", "text": SLOW, "channel": "review"}]), home=kept).code == 0
    service = Service(Settings(home=kept))
    while service.saved.match():
        pass
    service.store.close()
    first, *matches = run("searches", "show", search, home=kept).lines
    assert (first["author"], first["like"], first["filter"], first["least"]) == ("ann", [record_id("shop", "1")], {"channel": ["review"]}, 0.6)
    assert (first["matches"], [m["record"]["text"] for m in matches]) == (1, [SLOW])
    assert run("searches", "remove", search, home=kept).out == f"{search} removed\n"
    assert run("searches", "list", home=kept).out == ""


def test_records_may_lead_away(kept):
    search = _add(kept, "--text", "slow", "--unlike", record_id("shop", "3"))
    assert json.loads(run("searches", "show", search, home=kept).out)["unlike"] == [record_id("shop", "3")]


def test_mistakes_are_told(kept):
    assert "text: is empty" in run("searches", "add", "n", home=kept).err
    assert "does not exist" in run("searches", "add", "n", "--like", "r-none", home=kept).err
    assert "unknown field" in run("searches", "add", "n", "--text", "slow", "--where", "colour=red", home=kept).err
    assert "least: is 7" in run("searches", "add", "n", "--text", "slow", "--least", "7", home=kept).err
    for command in ("show", "remove"):
        done = run("searches", command, "s-none", home=kept)
        assert done.code == 1 and "s-none" in done.err
    assert run("searches", "list", home=kept).out == ""
