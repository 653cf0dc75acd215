"""How one field is refused: the same four parts everywhere, and a value that is safe to show whatever was sent."""

from typing import Final

from cxnlp.errors import InvalidFeedback

_LONGEST_NUMBER_BITS: Final = 256


def refuse(field: str, value: object, problem: str, remedy: str) -> InvalidFeedback:
    """Return the error to raise; containers are named by kind and length, because printing one can fail or be large.

    Args:
        field: Name of the field as the record format calls it.
        value: What was sent.
        problem: What is wrong with it.
        remedy: What the sender can do.
    """
    return InvalidFeedback(field, describe(value), problem, remedy)


def describe(value: object) -> str:
    """Return a short printable form of anything that can be sent; not masked."""
    if isinstance(value, str):
        return value[:200]
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value) if value.bit_length() <= _LONGEST_NUMBER_BITS else "a number of very many digits"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    return str(value)[:200] if isinstance(value, float) else f"a {type(value).__name__}"
