"""How a customer's feeling moves through a conversation: pure, from the feeling of each customer turn."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from cxnlp.records import NEGATIVE_FROM, Conversation, Turn, TurnSentiment

TURNED_FROM: Final = 0.3
"""How far the mean feeling before and after a turning point must be apart; half the way from neutral to the middle of a label."""
_LONGEST_CLOSING: Final = 40
_CLOSING: Final = re.compile(r"谢谢|多谢|感谢|谢啦|再见|拜拜|\b(?:thanks?|thank you|thx|cheers|(?:good)?bye)\b", re.IGNORECASE)
_GOES_ON: Final = re.compile(r"[?？]|[没沒未不]|还|還|但|可是|再说|投诉|催|\b(?:but|not|no|never|still|yet|when|why|how|please)\b|n't", re.IGNORECASE)


def describe_conversation(turns: Sequence[Turn], trajectory: Sequence[TurnSentiment]) -> Conversation | None:
    """Return the course of a conversation; None where no customer turn was felt.

    The slope is that of least squares over the customer's turns, one after the other. The turning point is the single change of mean that leaves
    the smallest squared error (the first step of binary segmentation: Scott and Knott 1974). Both take one pass, so thousands of turns cost
    nothing. Agents' and systems' turns have no feeling; they only tell whether somebody answered.

    Args:
        turns: All turns.
        trajectory: Feeling in [-1, 1] of the customer's turns, in order.
    """
    if not trajectory:
        return None
    feeling = np.array([point.sentiment for point in trajectory])
    lowest = int(feeling.argmin())
    spoken = [turn for turn in turns if turn.speaker != "system" and turn.text.strip()]
    return Conversation(
        start=float(feeling[0]),
        lowest=float(feeling[lowest]),
        lowest_turn=trajectory[lowest].turn,
        end=float(feeling[-1]),
        slope=_slope(feeling),
        turning_point=_turning_point(feeling, trajectory),
        recovered=_has_recovered(turns, trajectory, lowest),
        unanswered=bool(spoken) and spoken[-1].speaker == "customer" and not is_closing(spoken[-1].text),
        n_customer_turns=sum(turn.speaker == "customer" for turn in turns),
    )


def is_closing(text: str) -> bool:
    """Tell whether a turn only says thanks or good-bye, so that nobody waits for an answer to it."""
    return len(text) <= _LONGEST_CLOSING and bool(_CLOSING.search(text)) and not _GOES_ON.search(text)


def _slope(feeling: np.ndarray) -> float:
    if len(feeling) == 1:
        return 0.0
    steps = np.arange(len(feeling)) - (len(feeling) - 1) / 2
    return float(steps @ feeling / (steps @ steps))


def _turning_point(feeling: np.ndarray, trajectory: Sequence[TurnSentiment]) -> int | None:
    n = len(feeling)
    if n == 1:
        return None
    n_before = np.arange(1, n)
    sums = np.cumsum(feeling)
    change = (sums[-1] - sums[:-1]) / (n - n_before) - sums[:-1] / n_before
    at = int((n_before * (n - n_before) * change**2).argmax())
    return trajectory[at + 1].turn if abs(change[at]) >= TURNED_FROM else None


def _has_recovered(turns: Sequence[Turn], trajectory: Sequence[TurnSentiment], lowest: int) -> bool:
    """Tell whether a negative lowest point was followed by an agent's turn and a last customer turn that is better and not negative."""
    low, end = trajectory[lowest], trajectory[-1]
    answered = any(turn.speaker == "agent" for turn in turns[low.turn + 1 : end.turn])
    return low.sentiment <= NEGATIVE_FROM < end.sentiment and end.sentiment - low.sentiment >= TURNED_FROM and answered
