"""Transcripts of calls and chats: WebVTT, SRT, and text whose lines begin with `Agent:` or `客户：`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from cxnlp.ingest.encodings import UNDECODABLE
from cxnlp.ingest.lines import MOST_LINE_BYTES, Text
from cxnlp.ingest.rows import WHOLE_FILE, Rejection, Row
from cxnlp.ingest.speakers import SPEAKER_WORDS, speaker_of

_TIME: Final = r"(?:\d{1,3}:)?\d{1,2}:\d{2}(?:[.,]\d{1,6})?"
_CUE_TIMES: Final = re.compile(rf"\s*({_TIME})\s*-->\s*{_TIME}.*")
_VOICE: Final = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>")
_TAG: Final = re.compile(r"</?(?:v|c|i|b|u|ruby|rt|lang|font)(?:[.\s][^>]*)?>|<[\d:.]+>")
_RULE: Final = re.compile(r"\s*[-=*_—]{3,}\s*")
_CJK: Final = re.compile(r"[\u2e80-\u9fff\uff00-\uffef]")
_NAME: Final = re.compile(
    rf"\s*(?:[\[(（【]?(?P<before>{_TIME}|\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?Z?)[\])）】]?\s*)?"
    rf"(?P<name>[^\s:：\[(（][^:：\[(（\n]{{0,39}}?)\s*(?:[\[(（](?P<after>[^\])）\n]{{1,40}})[\])）])?\s*[:：]\s*(?P<text>.*)"
)
_NUMBER: Final = re.compile(r"[\s#_-]*\d{1,6}$")


@dataclass(frozen=True, slots=True)
class _Line:
    speaker: str | None
    at: str | None
    text: str


def read_transcript(text: Text, origin: str, format: str, speakers: Mapping[str, str]) -> Iterator[Row | Rejection]:
    """Yield one row a conversation; text files may hold several, divided by lines of `---`.

    A line or cue that names no speaker goes on where the one before it stopped. With times it is a call,
    without a `conversation`. Times stay as they stand in the file, since the start of the conversation.

    Args:
        text: The file, up to 8 MB.
        origin: Its name.
        format: `vtt`, `srt` or `transcript`.
        speakers: Name -> customer, agent or system, for names that are no such word themselves.
    """
    lines = _read_lines(text)
    if lines is None:
        yield Rejection(WHOLE_FILE, "file", origin, "is larger than 8 MB", "split it into one file a conversation", origin)
        return
    names = {name.strip().lower(): speaker for name, speaker in speakers.items()}
    parts = _conversations(lines) if format == "transcript" else [lines]
    for number, part in enumerate(parts, start=1):
        yield _read_conversation(part, number, origin, format, names)


def split_turns(text: str, speakers: Mapping[str, str]) -> list[dict[str, object]]:
    """Return the turns of one conversation written as `Agent: ...` lines; empty if no line names a speaker."""
    return _turns(_spoken(text.splitlines(), speakers), speakers)


def is_transcript(text: str) -> bool:
    """Tell whether most of the first lines of `text` begin with the word of a speaker."""
    lines = [line for line in text.splitlines()[:20] if line.strip()]
    return bool(lines) and 2 * sum(_speaker_line(line, {}) is not None for line in lines) >= len(lines)


def _read_lines(text: Text) -> list[str] | None:
    lines: list[str] = []
    size = 0
    for line in text.lines():
        size += len(line or b"")
        if line is None or size > MOST_LINE_BYTES:
            return None
        lines.append(text.decode(line).rstrip("\r\n"))
    return lines


def _conversations(lines: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for line in lines:
        if _RULE.fullmatch(line):
            parts.append([])
        else:
            parts[-1].append(line)
    return [part for part in parts if any(line.strip() for line in part)]


def _read_conversation(lines: list[str], number: int, origin: str, format: str, speakers: Mapping[str, str]) -> Row | Rejection:
    spoiled = next((line for line in lines if UNDECODABLE in line), None)
    if spoiled is not None:
        value = spoiled.replace(UNDECODABLE, "\ufffd")[:80]
        return Rejection(number, "line", value, "has bytes that cannot be decoded", "correct them, or name the encoding", origin)
    turns = _turns(_spoken(lines, speakers) if format == "transcript" else list(_cues(lines, speakers)), speakers)
    if not turns:
        remedy = "begin each utterance with `Agent:` or `Customer:`, name a --speaker, or read one record a line with --format lines"
        if format != "transcript":
            remedy = "write cues such as `00:00:01.000 --> 00:00:04.000` with a text below"
        return Rejection(number, "turns", (lines or [""])[0][:80], "has nothing said by anyone", remedy, origin)
    if any("at" in turn for turn in turns):
        return Row(number, {"turns": turns, "channel": "call"}, origin)
    return Row(number, {"conversation": turns}, origin)


def _spoken(lines: list[str], speakers: Mapping[str, str]) -> list[_Line]:
    """Return what is said on each line; one without a speaker goes on where the line before it stopped."""
    said: list[_Line] = []
    for line in lines:
        found = _speaker_line(line, speakers)
        if found:
            said.append(found)
        elif said and line.strip():
            said[-1] = _Line(said[-1].speaker, said[-1].at, f"{said[-1].text}\n{line.strip()}".strip())
    return said


def _speaker_line(line: str, speakers: Mapping[str, str]) -> _Line | None:
    match = _NAME.fullmatch(line[:2000])
    if match is None:
        return None
    name = match["name"].strip().lower()
    if name not in speakers:
        name = _NUMBER.sub("", name)
        if name not in speakers and name not in SPEAKER_WORDS:
            return None
    after = match["after"] if match["after"] and re.fullmatch(_TIME, match["after"].strip()) else None
    return _Line(name, match["before"] or after, line[match.start("text") :].strip())


def _cues(lines: list[str], speakers: Mapping[str, str]) -> Iterator[_Line]:
    """Yield the lines below each time of WebVTT or SRT, whose speaker is a voice tag or a `Name:`."""
    at: str | None = None
    in_cue = False
    for line in lines:
        times = _CUE_TIMES.fullmatch(line)
        if times:
            at, in_cue = times[1].replace(",", "."), True
        elif not line.strip():
            in_cue = False
        elif in_cue:
            yield from _cue_line(line, at, speakers)


def _cue_line(line: str, at: str | None, speakers: Mapping[str, str]) -> Iterator[_Line]:
    parts = _VOICE.split(line)
    found = _speaker_line(_TAG.sub("", line), speakers) if len(parts) == 1 else None
    if found:
        yield _Line(found.speaker, at, found.text)
    elif _TAG.sub("", parts[0]).strip():
        yield _Line(None, at, _TAG.sub("", parts[0]).strip())
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        yield _Line(name.strip(), at, _TAG.sub("", text).strip())


def _turns(lines: list[_Line], speakers: Mapping[str, str]) -> list[dict[str, object]]:
    """Return the turns; of two speakers the unknown one takes the other's part, and if none is ever named it is the customer."""
    roles = _roles({line.speaker for line in lines if line.speaker}, speakers)
    turns: list[dict[str, object]] = []
    for line in lines:
        if turns and not line.speaker:
            turns[-1]["text"] = _join(str(turns[-1]["text"]), line.text)
            continue
        turn: dict[str, object] = {"speaker": roles[line.speaker] if line.speaker else "customer", "text": line.text}
        turns.append(turn | {"at": line.at} if line.at else turn)
    return turns


def _roles(names: set[str], speakers: Mapping[str, str]) -> dict[str, str]:
    roles = {name: speakers.get(name.lower()) or speaker_of(name) for name in names}
    unknown = [name for name, role in roles.items() if role is None]
    known = {role for role in roles.values() if role in ("customer", "agent")}
    if len(unknown) == 1 and len(known) == 1:
        roles[unknown[0]] = "agent" if known == {"customer"} else "customer"
    return {name: role or name for name, role in roles.items()}


def _join(first: str, second: str) -> str:
    if not first or not second:
        return first + second
    return first + ("" if _CJK.match(first[-1]) and _CJK.match(second[0]) else " ") + second
