import pytest

from cxnlp.ingest.readers import read
from cxnlp.ingest.rows import ReadOptions, Rejection, Row
from cxnlp.ingest.transcripts import split_turns


def items_of(tmp_path, name, content, **options):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return list(read(path, ReadOptions(**options)))


def turns_of(tmp_path, name, content, **options):
    (row,) = items_of(tmp_path, name, content, **options)
    assert isinstance(row, Row), row
    return [(t["speaker"], t["text"], t.get("at")) for t in row.values.get("turns", row.values.get("conversation"))]


VTT = """WEBVTT - a call

NOTE not said by anyone

intro
00:00:01.000 --> 00:00:04.000 align:start
<v.loud Agent>Hello, <i>how</i> can I help?</v>

00:04.500 --> 00:00:09.000
<v Maria>My order is late.</v>
It was due on Monday.

00:10.000 --> 00:11.000
and nobody calls

00:12.000 --> 00:13.000
<v Agent>Sorry.</v><v Maria>Well.
"""


def test_webvtt_voices_become_turns_and_the_other_voice_is_the_customer(tmp_path):
    assert turns_of(tmp_path, "a.vtt", VTT) == [
        ("agent", "Hello, how can I help?", "00:00:01.000"),
        ("customer", "My order is late. It was due on Monday. and nobody calls", "00:04.500"),
        ("agent", "Sorry.", "00:12.000"),
        ("customer", "Well.", "00:12.000"),
    ]
    assert items_of(tmp_path, "a.vtt", VTT)[0].values["channel"] == "call"


def test_srt_is_read_with_and_without_speakers(tmp_path):
    srt = "1\n00:00:01,000 --> 00:00:02,000\n{}您好\n\n2\n00:00:03,500 --> 00:00:04,000\n{}还没\n到货\n"
    assert turns_of(tmp_path, "a.srt", srt.format("客服：", "客户：")) == [
        ("agent", "您好", "00:00:01.000"),
        ("customer", "还没到货", "00:00:03.500"),
    ]
    assert turns_of(tmp_path, "b.srt", srt.format("", "")) == [("customer", "您好还没到货", "00:00:01.000")]


@pytest.mark.parametrize(
    ("agent", "customer"),
    [("Agent", "Customer"), ("agent 12", "CUSTOMER #3"), ("客服", "顾客"), ("坐席", "客户"), ("客服（小鹿）", "用户"), ("Assistant", "User")],
)
@pytest.mark.parametrize("colon", [": ", "："])
def test_lines_that_name_a_speaker_become_turns(tmp_path, agent, customer, colon):
    said = f"{customer}{colon}It is late: 3 days\nand broken\n\n{agent}{colon}Note: sorry\n{customer}{colon}ok\n系统{colon}closed\n"
    assert turns_of(tmp_path, "a.txt", said) == [
        ("customer", "It is late: 3 days\nand broken", None),
        ("agent", "Note: sorry", None),
        ("customer", "ok", None),
        ("system", "closed", None),
    ]


@pytest.mark.parametrize("form", ["[00:12:05] Agent: hi", "00:12:05 Agent: hi", "Agent (00:12:05): hi", "Agent [00:12:05]：hi"])
def test_times_are_kept(tmp_path, form):
    assert turns_of(tmp_path, "a.txt", form + "\nCustomer: hello") == [("agent", "hi", "00:12:05"), ("customer", "hello", None)]


def test_names_can_be_given(tmp_path):
    assert turns_of(tmp_path, "a.txt", "Speaker 1: hi\nSpeaker 2: late", speakers={"Speaker 1": "agent", "Speaker 2": "customer"}) == [
        ("agent", "hi", None),
        ("customer", "late", None),
    ]


def test_several_conversations_in_one_file_are_several_rows(tmp_path):
    rows = items_of(tmp_path, "a.txt", "Customer: one\nAgent: two\n-----\n\nCustomer: three\n")
    assert [(r.number, len(r.values["conversation"])) for r in rows] == [(1, 2), (2, 1)]


@pytest.mark.parametrize(("name", "content"), [("a.txt", "just some words\nwithout anyone"), ("a.vtt", "WEBVTT\n\nno cues"), ("a.srt", "nothing")])
def test_a_transcript_in_which_nobody_speaks_is_rejected(tmp_path, name, content):
    (item,) = items_of(tmp_path, name, content)
    assert isinstance(item, Rejection) and "nothing said" in item.problem and item.remedy


def test_lines_can_be_read_as_records(tmp_path):
    assert [i.values for i in items_of(tmp_path, "a.txt", "one\n\n two \n", format="lines")] == [{"text": "one"}, {"text": "two"}]


def test_undecodable_transcripts_and_too_large_ones_are_rejected(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("Customer: 快递太慢了，我等了很久\nAgent: ".encode() + b"\xff\n")
    assert [i.problem for i in read(path)] == ["has bytes that cannot be decoded"]
    path.write_text("Customer: ok ok ok\n" * 500_000)
    assert ["8 MB" in i.problem for i in read(path)] == [True]


def test_a_cell_can_hold_a_conversation():
    assert split_turns("Customer: late\nAgent: sorry", {}) == [{"speaker": "customer", "text": "late"}, {"speaker": "agent", "text": "sorry"}]
    assert split_turns("nobody", {}) == []
