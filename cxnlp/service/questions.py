"""What may be asked of a search, and whether it can be answered."""

import hashlib
import re
from dataclasses import dataclass, field, fields
from typing import Final, Literal

from cxnlp.errors import InvalidQuery
from cxnlp.filters import Filter
from cxnlp.store.paging import decode_cursor, encode_cursor
from cxnlp.text.language import MIXED, UNDETERMINED, detect
from cxnlp.text.profiles import PROFILES
from cxnlp.text.tokens import words

By = Literal["both", "meaning", "words"]
Sort = Literal["nearest", "newest"]

MOST_HITS: Final = 1_000
MOST_EXAMPLES: Final = 20
MOST_DAYS: Final = 3_650
_MOST_FACETS: Final = 20
_MOST_CHARACTERS: Final = 20_000
_READ: Final = ("zh", "en", MIXED, UNDETERMINED)
_FEW_WORDS: Final = 7
_MOST_BESIDE: Final = 8
_PHRASE: Final = re.compile(r"[\"“「『]([^\"“”「」『』]+)[\"”」』]")


@dataclass(frozen=True, slots=True)
class Question:
    """One search.

    Attributes:
        text: Words, a sentence or a whole complaint; what stands in quotation marks must occur word for word, unless much else is asked.
        like: Ids of records whose like is wanted, instead of a text or beside it.
        unlike: Ids of records that lead the wrong way.
        k: Hits wanted, 1 to 1,000.
        filter: Which records.
        by: Ranked by meaning and words, or by one of them alone.
        sort: The nearest first, or of the nearest the newest first.
        collapse: Whether copies are one hit.
        facets: Fields by whose values the records that pass the filter are counted.
        days: Window of the summary of what is alike, in days; None for no summary.
        cursor: `next_cursor` of the part before; None for the first.
    """

    text: str = ""
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    k: int = 10
    filter: Filter = field(default_factory=Filter)
    by: By = "both"
    sort: Sort = "nearest"
    collapse: bool = False
    facets: tuple[str, ...] = ()
    days: int | None = None
    cursor: str | None = None

    def check(self) -> None:
        """Tell what makes it unanswerable.

        Raises:
            InvalidQuery: Something is missing, too much, or in a language that is not read; the message says what to send.
        """
        if not self.text.strip() and not self.like:
            raise InvalidQuery("text: is empty; write what to search for, or name records in `like`")
        if len(self.text) > _MOST_CHARACTERS:
            raise InvalidQuery(f"text: has {len(self.text)} characters; send at most {_MOST_CHARACTERS}")
        if isinstance(self.k, bool) or not 1 <= self.k <= MOST_HITS:
            raise InvalidQuery(f"k: is {self.k}; send a number from 1 to {MOST_HITS}")
        if len(self.like) + len(self.unlike) > MOST_EXAMPLES:
            raise InvalidQuery(f"like: {len(self.like) + len(self.unlike)} examples; send at most {MOST_EXAMPLES}")
        if len(self.facets) > _MOST_FACETS:
            raise InvalidQuery(f"facets: {len(self.facets)} fields; send at most {_MOST_FACETS}")
        if self.days is not None and not 1 <= self.days <= MOST_DAYS:
            raise InvalidQuery(f"days: is {self.days}; send a number from 1 to {MOST_DAYS}")
        language = detect(self.text)
        if language not in _READ and (language not in PROFILES or len(self.text.split()) >= _FEW_WORDS):
            raise InvalidQuery(f"text: is in another language ({language}); ask in Chinese or English")

    def phrases(self) -> list[str]:
        """Return what stands in quotation marks and must occur: nothing where a longer text, such as a complaint, quotes somebody."""
        if len(words(_PHRASE.sub(" ", self.text))) > _MOST_BESIDE:
            return []
        return [found.strip() for found in _PHRASE.findall(self.text) if found.strip()]

    def offset(self) -> int:
        """Return how many hits come before this part.

        Raises:
            InvalidQuery: The cursor is damaged, or of another question.
        """
        return 0 if self.cursor is None else int(decode_cursor(self.cursor, self._scope())[1])

    def cursor_at(self, offset: int) -> str | None:
        """Return the cursor of the part behind so many hits; None where a search ends."""
        return encode_cursor(0.0, offset, self._scope()) if offset < MOST_HITS else None

    def _scope(self) -> bytes:
        asked = [(f.name, getattr(self, f.name)) for f in fields(self) if f.name not in ("cursor", "k", "facets", "days")]
        return hashlib.blake2b(repr(asked).encode("utf-8", "surrogatepass"), digest_size=8).digest()
