"""Every error that cxnlp raises on purpose.

    CxnlpError
    ├── InvalidInput            what was sent cannot be used; the message says what to change
    │   ├── InvalidFeedback     one record or row: carries field, value, remedy
    │   └── InvalidQuery        a filter, cursor, number or option
    ├── NotFound                no such record, key, webhook, topic
    ├── Conflict                it exists already, or another process holds it
    ├── TooLarge                over a stated limit
    ├── Unauthorized            no valid key
    ├── Forbidden               a valid key whose role does not suffice
    ├── ArtefactError           a model file is missing, damaged or of another version
    └── StoreError              the database cannot be reached, is locked or of another version

A message says what, the value (masked), what to do. `api/errors.py` holds the only table from these to HTTP status codes.
"""

_VALUE_SHOWN = 80


class CxnlpError(Exception):
    """Base of all errors that cxnlp raises on purpose."""


class InvalidInput(CxnlpError):
    """What was sent cannot be used."""


class InvalidFeedback(InvalidInput):
    """A record that cannot be accepted.

    Attributes:
        field: Name of the field as the record format calls it, `turns[3].text` within a turn.
        value: The offending value, shortened to 80 characters. Not masked: whoever shows or stores it masks it first.
        problem: What is wrong with it.
        remedy: What the sender can do.
    """

    def __init__(self, field: str, value: object, problem: str, remedy: str) -> None:
        self.field = field
        self.value = shorten(value)
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{field}: {problem}; {remedy}")


class InvalidQuery(InvalidInput):
    """A filter, cursor, number or option that cannot be used."""


class NotFound(CxnlpError):
    """There is no such thing."""


class Conflict(CxnlpError):
    """It exists already, or someone else holds it."""


class TooLarge(CxnlpError):
    """Over a stated limit."""


class Unauthorized(CxnlpError):
    """No valid API key was sent."""


class Forbidden(CxnlpError):
    """The API key is valid, its role does not suffice."""


class ArtefactError(CxnlpError):
    """A model file is missing, damaged or of another version."""


class StoreError(CxnlpError):
    """The database cannot be reached, is locked, or is of another version."""


def shorten(value: object) -> str:
    """Return `value` as printable text of at most 80 characters, safe to encode as UTF-8."""
    text = value if isinstance(value, str) else repr(value)
    text = text[: _VALUE_SHOWN + 1].encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", "\\x00")
    return text if len(text) <= _VALUE_SHOWN else text[:_VALUE_SHOWN] + "…"
