"""What the models say of themselves."""

from pathlib import Path
from typing import Any

import orjson

from cxnlp.errors import ArtefactError


def read_card(folder: Path) -> dict[str, Any]:
    """Return the card of the model in `folder`: its name, what it is, from what it was made, and how well it does.

    Raises:
        ArtefactError: There is none, or it is damaged.
    """
    path = folder / "card.json"
    try:
        card: dict[str, Any] = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise ArtefactError(f"{path}: missing or damaged; restore it from the repository or set CXNLP_MODELS_DIR") from error
    return card


def read_cards(models_dir: Path) -> list[dict[str, Any]]:
    """Return the cards of all models in a folder of models, by name of their folders."""
    return [read_card(path.parent) for path in sorted(models_dir.glob("*/card.json"))]
