"""Words with spaCy's blank pipelines, for topic fits, in a process of their own: `import spacy` loads torch where it is installed."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from cxnlp.text.graphemes import PLACEHOLDER
from cxnlp.text.language import MIXED
from cxnlp.text.tokens import words

_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


def cutter(user_dictionary: Path | None = None) -> Callable[[str], list[str]]:
    """Return what cuts any text into words: one with Chinese in it as `words` does, any other as spaCy does, placeholders and URLs left out.

    Args:
        user_dictionary: As for `words`.

    Raises:
        ImportError: spaCy is not installed.
    """
    _pipeline("en")

    def cut(text: str) -> list[str]:
        return words(text, user_dictionary) if _HAN.search(text) else next(spacy_words([text], "en"))

    return cut


def spacy_words(texts: Iterable[str], language: str, user_dictionary: Path | None = None) -> Iterator[list[str]]:
    """Yield the words of each text in lower case: Chinese and mixed text as `words` cuts it, any other as spaCy does; no placeholders, no URLs.

    Parts of contractions are written as they are alone: `won't` gives `will` and `not`.

    Args:
        texts: Cleaned texts.
        language: `zh`, `mixed`, or anything else, which is read as English.
        user_dictionary: As for `words`.
    """
    is_chinese = language in ("zh", MIXED)
    pipeline = _pipeline("zh" if is_chinese else "en")
    for text in texts:
        text = PLACEHOLDER.sub(" ", text)
        document = _document(pipeline, words(text, user_dictionary)) if is_chinese else pipeline.make_doc(text)
        yield [token.norm_.lower() for token in document if not (token.is_punct or token.is_space or token.like_url)]


def _document(pipeline: Any, tokens: list[str]) -> Any:
    from spacy.tokens import Doc

    return Doc(pipeline.vocab, words=tokens)


@cache
def _pipeline(language: str) -> Any:
    import spacy
    from spacy.lang.char_classes import HYPHENS, UNITS
    from spacy.util import compile_infix_regex, compile_suffix_regex

    pipeline = spacy.blank(language)
    if language == "en":
        # Labels are to say `check-in` and `5g`, and `id` is not `i'd`: what has no mark in it stays whole.
        pipeline.tokenizer.infix_finditer = compile_infix_regex([rule for rule in pipeline.Defaults.infixes if HYPHENS not in rule]).finditer
        pipeline.tokenizer.suffix_search = compile_suffix_regex([rule for rule in pipeline.Defaults.suffixes if UNITS not in rule]).search
        pipeline.tokenizer.rules = {word: parts for word, parts in pipeline.tokenizer.rules.items() if not word.isalnum()}
    return pipeline
