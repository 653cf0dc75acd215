"""The masker: one order of finders, run until nothing more is found."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cxnlp.privacy.accounts import NETWORKS, find_accounts, find_documents, find_emails, find_ips
from cxnlp.privacy.addresses import find_addresses
from cxnlp.privacy.checked import find_checked, find_named_numbers
from cxnlp.privacy.cues import find_orders, is_of_time
from cxnlp.privacy.names import find_names
from cxnlp.privacy.phones import find_phones
from cxnlp.privacy.spans import Span, apart, blank, fold, lowered, may_reveal, replace

Finder = Callable[[str], Iterator[Span]]

# What is surest comes first: a later finder does not see what an earlier one took.
_CERTAIN: tuple[Finder, ...] = (find_emails, find_checked)
_LIKELY: tuple[Finder, ...] = (find_named_numbers, find_accounts, find_documents, find_ips, find_phones)
_FIGURE = re.compile(r"[\d@＠①-⑨]|[〇零一二三四五六七八九幺兩两]{11}")
_OTHER_CLUES = ("号", "號", "弄", "栋", "棟", "at)", "at]", *NETWORKS)
_MAX_ROUNDS = 16


@dataclass(frozen=True)
class Masker:
    """Replaces what identifies a person by typed placeholders such as `[PHONE]`.

    `docs/privacy.md` lists what is masked and what stays. Masking twice is masking once.

    Attributes:
        mask_orders: Also masks order and tracking numbers, as `[ORDER]`.
    """

    mask_orders: bool = False

    def mask(self, text: str) -> str:
        """Masks one text.

        Args:
            text: Any text, of any length; time grows linearly with it.

        Returns:
            The text with every span found replaced by its placeholder, all else untouched.
        """
        for _ in range(_MAX_ROUNDS):
            spans = self._find(text)
            if not spans:
                break
            masked = replace(text, spans)
            if not may_reveal(fold(text), spans):
                return masked
            text = masked
        return text

    def mask_all(self, texts: Iterable[str]) -> list[str]:
        """Masks texts, in order."""
        return [self.mask(text) for text in texts]

    def mask_value(self, value: object) -> object:
        """Masks a JSON-like value: strings, also as keys, and whole numbers that hold a phone, card or id, at any depth.

        The key before a value counts as a cue, as "phone: " before a number in a text does; keys of times and dates keep their numbers.

        Args:
            value: None, booleans, numbers, strings, and lists, tuples and dictionaries of them.

        Returns:
            A value of the same shape; a masked number becomes a string. Other objects are returned as they are.
        """
        if isinstance(value, dict):
            return {self._mask_key(key): self._mask_field(key, item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.mask_value(item) for item in value]
        if isinstance(value, tuple):
            return tuple(self.mask_value(item) for item in value)
        return self._mask_scalar("", value)

    def _mask_key(self, key: object) -> object:
        return self.mask(key) if isinstance(key, str) else key

    def _mask_field(self, key: object, value: object) -> object:
        if isinstance(value, dict):
            return self.mask_value(value)
        if isinstance(value, list | tuple):
            items = [self._mask_field(key, item) for item in value]
            return tuple(items) if isinstance(value, tuple) else items
        return self._mask_scalar(key if isinstance(key, str) else "", value)

    def _mask_scalar(self, key: str, value: object) -> object:
        """Masks a string or a whole number; a key that is masked itself, or is a bare "name" (of products, too), is no cue."""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return value
        if isinstance(value, float) and not value.is_integer():
            return value
        text = value if isinstance(value, str) else str(int(value))
        if not isinstance(value, str) and is_of_time(key):
            return value
        cue = re.sub(r"(?<=[a-z])(?=[A-Z])|[_\-.]+", " ", key).strip() + ": "
        if len(cue) > 40 or cue.strip(": ").lower() in {"", "name", "id"} or self.mask(cue) != cue:
            cue = ""
        masked = self.mask(cue + text)
        masked = masked[len(cue) :] if masked.startswith(cue) else self.mask(text)
        return value if masked == text else masked

    def _find(self, text: str) -> list[Span]:
        """Finds the spans to replace in one reading of `text`, in order and apart."""
        found: list[Span] = []
        folded = fold(text)
        has_clue = bool(_FIGURE.search(text)) or any(word in folded.lower() for word in _OTHER_CLUES)
        if has_clue:
            found = self._find_numbers(folded)
            folded = blank(folded, found)
        for finder in (find_addresses, find_names) if has_clue else (find_names,):
            spans = apart(finder(folded))
            if spans:
                found += spans
                folded = blank(folded, spans)
        return sorted(found)

    def _find_numbers(self, folded: str) -> list[Span]:
        """Finds everything that case does not matter to, on lower case: twice as fast as patterns that ignore case."""
        low = lowered(folded)
        found: list[Span] = []
        for finder in (*_CERTAIN, find_orders, *_LIKELY) if self.mask_orders else (*_CERTAIN, *_LIKELY):
            spans = apart(finder(low))
            if spans:
                found += spans
                low = blank(low, spans)
        return sorted(found)
