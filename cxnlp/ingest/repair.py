"""Unicode repair of what customers wrote: mojibake undone, control characters removed, NFC; nothing else changes."""

import re
from typing import Final

from ftfy import TextFixerConfig, fix_text

_CONFIG: Final = TextFixerConfig(
    unescape_html=False, fix_latin_ligatures=False, fix_character_width=False, uncurl_quotes=False, normalization="NFC", explain=False
)
# Characters that ftfy leaves alone and NFC keeps: no mojibake can be made of them only, so most texts skip the repair.
_SOUND: Final = re.compile(
    "[\n\t\x20-\x7e\u2018\u2019\u201c\u201d\u2026\u2014\u3001-\u301f\u4e00-\u9fff\uff01-\uff5e\U0001f300-\U0001f3fa\U0001f400-\U0001f64f]*"
)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_VISIBLE: Final = re.compile(
    "[^\\s\\x00-\\x1f\\x7f-\\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)


def repair(text: str) -> str:
    r"""Return `text` with mojibake undone, line ends as `\n`, control characters but `\n` and `\t` removed, in NFC.

    HTML entities, curly quotes, ligatures and full-width forms stay as they were sent. Source of the method: ftfy
    (Robyn Speer, 2019), `fix_text`.
    """
    if _SOUND.fullmatch(text):
        return text
    return _CONTROLS.sub("", fix_text(text, _CONFIG))


def is_blank(text: str) -> bool:
    """Tell whether nothing in `text` can be seen: white space, controls and zero-width characters only."""
    return _VISIBLE.search(text) is None
