"""Which lines of a message are its own words: quoted replies and signatures of e-mails and tickets are told apart from them."""

import re
from typing import Final

_CUT: Final = re.compile(
    r"\s*(?:-{2,}\s*(?:original message|forwarded message|原始邮件|转发的?邮件|原邮件).{0,40}|_{20,}|-{20,}回复.{0,40}|begin forwarded message:)\s*$",
    re.IGNORECASE,
)
_HEADER: Final = re.compile(r"\s*\**(?:from|发件人|寄件者|寄件人)\**\s?[:：]", re.IGNORECASE)
_HEADER_NEXT: Final = re.compile(r"\s*\**(?:sent|date|to|cc|subject|发送时间|时间|日期|收件人|抄送|主题)\**\s?[:：]", re.IGNORECASE)
_WROTE: Final = re.compile(
    r"\s*(?:on\s.{0,200}\d.{0,200}wrote\s?[:：]|在\s?.{0,200}\d.{0,200}写道\s?[:：]|.{0,80}\d.{0,80}\s写道\s?[:：])\s*$", re.IGNORECASE
)
_QUOTED: Final = re.compile(r"\s{0,3}>(?:[>\s]|$)")
_DEVICE: Final = re.compile(
    r"\s*(?:sent (?:from|via) (?:my |the )?\w.{0,40}|get outlook for \w.{0,20}|发自我的.{1,30}|来自我的.{1,30}|从我的.{1,30}发送|发送自.{1,30})\s*$",
    re.IGNORECASE,
)
_SIGN_OFF: Final = re.compile(
    r"\s*(?:(?:with )?(?:(?:best|kind|kindest|warm|warmest|many thanks and) )?(?:regards|wishes)|(?:yours )?(?:sincerely|faithfully|truly)(?: yours)?"
    r"|yours|cheers|此致|敬礼|此致\s*敬礼|祝好|顺祝商祺|顺颂商祺|谨启|敬上)\s*(?:[,，.。!！]\s*.{0,60})?\s*$",
    re.IGNORECASE,
)
_DASHES: Final = ("-- ", "--", "—", "——")
_SIGNATURE_LINES: Final = 6
_SIGNATURE_WIDTH: Final = 80


def own_lines(lines: list[str]) -> list[bool]:
    """Tell for each line whether its writer wrote it for this message; all are kept where nothing would be left.

    A header such as `On ... wrote:` followed by lines that start with `>` takes those with it; followed by plain lines, it takes all the rest.
    Lines after `-- ` or after a closing formula count as the signature when they are few and short.
    """
    own = [not _QUOTED.match(line) and not _DEVICE.match(line) for line in lines]
    i = 0
    while i < len(lines):
        if _starts_reply(lines, i):
            own[i] = False
            if not _QUOTED.match(_next_line(lines, i + 1)):
                own[i:] = [False] * (len(lines) - i)
                break
        elif lines[i].rstrip("\n") in _DASHES or _SIGN_OFF.match(lines[i]):
            own[i] = False
            if _ends_message(lines, own, i + 1):
                own[i:] = [False] * (len(lines) - i)
                break
        i += 1
    kept = any(keep and _has_word(line) for keep, line in zip(own, lines, strict=True))
    return own if kept else [True] * len(lines)


def _starts_reply(lines: list[str], i: int) -> bool:
    line = lines[i]
    if _CUT.match(line) or _WROTE.match(line):
        return True
    return bool(_HEADER.match(line) and _HEADER_NEXT.match(_next_line(lines, i + 1)))


def _next_line(lines: list[str], start: int) -> str:
    return next((line for line in lines[start : start + 3] if line.strip()), "")


def _ends_message(lines: list[str], own: list[bool], start: int) -> bool:
    n_lines = 0
    for i in range(start, len(lines)):
        if own[i] and not lines[i].isspace():
            n_lines += 1
            if n_lines > _SIGNATURE_LINES or len(lines[i]) > _SIGNATURE_WIDTH:
                return False
    return True


def _has_word(line: str) -> bool:
    return any(c.isalnum() for c in line)
