"""Columns as plain arrays and texts, and back: what a snapshot writes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from cxnlp.index.coded import CodeArray, CodedColumn, Coding, Links
from cxnlp.index.columns import CODED, HASHED, OBSERVED, Columns
from cxnlp.index.hashed import Attributes, HashedColumn, restored_spelling, spelled
from cxnlp.index.ids import RecordIds

Arrays = dict[str, npt.NDArray[Any]]


def flatten(columns: Columns) -> tuple[Arrays, dict[str, Any]]:
    """Return the arrays of all rows by name, and the texts that their numbers stand for, as JSON holds them. All rows must be alive."""
    n = columns.live.n
    arrays: Arrays = columns.ids.arrays(n) | {"seqs": columns.seqs.upto(n), "copy_keys": columns.copy_keys.upto(n)}
    texts: dict[str, Any] = {}
    for name, column in columns.choices.items():
        if isinstance(column, HashedColumn):
            arrays[name], texts[name] = column.values(n), spelled(column.spelling)
        else:
            arrays[name], texts[name] = column.codes.upto(n), column.codes.coding.values
    arrays["scale"], texts["scale"] = columns.scales.codes.upto(n), columns.scales.codes.coding.values
    arrays["feelings"] = columns.feelings.upto(len(columns.observations.rows(n)))
    arrays |= {name: numbers.upto(n) for name, numbers in columns.numbers.items()}
    for name, links in (("observations", columns.observations), ("risks", columns.risks), ("attributes", columns.attributes.links)):
        arrays[f"{name}_rows"] = links.rows(n)
        for i, codes in enumerate(links.places):
            arrays[f"{name}_{i}"], texts[f"{name}_{i}"] = codes.upto(len(links.rows(n))), codes.coding.values
    arrays["attributes_values"] = columns.attributes.values(n)
    texts["attributes"] = {name: spelled(spelling) for name, spelling in columns.attributes.spellings.items()}
    return arrays, texts


def restore_columns(arrays: Mapping[str, npt.NDArray[Any]], texts: Mapping[str, Any]) -> Columns:
    """Return the columns that `flatten` made these of."""
    made = Columns()
    made.ids = RecordIds.restored(arrays["high"], arrays["low"])
    made.seqs.append(arrays["seqs"])
    made.copy_keys.append(arrays["copy_keys"])
    made.choices = {name: CodedColumn(CodeArray(Coding(texts[name]), arrays[name])) for name in CODED}
    made.choices |= {name: HashedColumn(name, arrays[name], restored_spelling(texts[name])) for name in HASHED}
    for name, numbers in made.numbers.items():
        numbers.append(arrays[name])
    made.scales = CodedColumn(CodeArray(Coding(texts["scale"]), arrays["scale"]))
    made.feelings.append(arrays["feelings"])
    made.observations = _links("observations", len(OBSERVED), arrays, texts)
    made.risks = _links("risks", 1, arrays, texts)
    spellings = {name: restored_spelling(stored) for name, stored in texts["attributes"].items()}
    made.attributes = Attributes(_links("attributes", 1, arrays, texts), arrays["attributes_values"], spellings)
    made.revive(len(np.asarray(arrays["seqs"])))
    return made


def _links(name: str, width: int, arrays: Mapping[str, npt.NDArray[Any]], texts: Mapping[str, Any]) -> Links:
    places = [CodeArray(Coding(texts[f"{name}_{i}"]), arrays[f"{name}_{i}"]) for i in range(width)]
    return Links.restored(arrays[f"{name}_rows"], places)
