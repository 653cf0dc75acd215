"""Privacy: masks what identifies a person before anything is stored."""

from cxnlp.privacy.checked import is_card, is_resident_id
from cxnlp.privacy.masker import Masker
from cxnlp.privacy.spans import PLACEHOLDER

__all__ = ["PLACEHOLDER", "Masker", "is_card", "is_resident_id"]
