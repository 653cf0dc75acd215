"""Words with spaCy's blank pipelines, for the worker's word analysis and for topic fits only: `import spacy` loads torch where it is installed."""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from cxnlp.text.graphemes import PLACEHOLDER
from cxnlp.text.language import MIXED
from cxnlp.text.tokens import words


def spacy_words(texts: Iterable[str], language: str, user_dictionary: Path | None = None) -> Iterator[list[str]]:
    """Yield the words of each text in lower case: Chinese and mixed text as `words` cuts it, any other as spaCy does; no placeholders, no URLs.

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
        yield [token.lower_ for token in document if not (token.is_punct or token.is_space or token.like_url)]


def _document(pipeline: Any, tokens: list[str]) -> Any:
    from spacy.tokens import Doc

    return Doc(pipeline.vocab, words=tokens)


@cache
def _pipeline(language: str) -> Any:
    import spacy

    return spacy.blank(language)
