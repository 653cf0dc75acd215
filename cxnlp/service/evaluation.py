"""Evaluating: labelled rows of a user's own, read, analysed and put beside their labels."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cxnlp.errors import InvalidFeedback
from cxnlp.evaluation.labelled import FIELDS, Labels, read_labels
from cxnlp.ingest.readers import Reading
from cxnlp.ingest.rows import ReadOptions, Rejection, Row
from cxnlp.pipeline import Pipeline
from cxnlp.records import Analysis, Feedback
from cxnlp.service.intake import Intake
from cxnlp.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Judged:
    """One labelled text and what the model read."""

    feedback: Feedback
    labels: Labels
    analysis: Analysis


class LabelledReading(Reading):
    """A reading that puts the labels of its rows aside, passes over rows without any, and rejects those whose labels cannot be used.

    Attributes:
        labels: By name of the file and number of the row.
        n_unlabelled: Rows passed over.
    """

    def __init__(self, path: Path | Literal["-"], options: ReadOptions, taxonomy: Taxonomy) -> None:
        super().__init__(path, options, None)
        self.labels: dict[tuple[str, int], Labels] = {}
        self.n_unlabelled = 0
        self._taxonomy = taxonomy

    def __next__(self) -> Row | Rejection:
        while True:
            item = super().__next__()
            if isinstance(item, Rejection):
                return item
            names = {name: name.strip().lower() for name in item.values if name.strip().lower() in FIELDS}
            try:
                labels = read_labels({names[name]: item.values[name] for name in names}, self._taxonomy)
            except InvalidFeedback as error:
                return Rejection(item.number, error.field, error.value, error.problem, error.remedy, item.origin)
            if labels.is_empty:
                self.n_unlabelled += 1
                continue
            self.labels[item.origin, item.number] = labels
            columns = None if item.columns is None else tuple(column for column in item.columns if column not in names)
            return replace(item, values={name: value for name, value in item.values.items() if name not in names}, columns=columns)


def judge_file(
    intake: Intake, pipeline: Pipeline, reading: LabelledReading, on_rejection: Callable[[Rejection], None], defaults: Mapping[str, str]
) -> Iterator[Judged]:
    """Yield every labelled row of a file with what the model reads in it, in order.

    Args:
        intake: Checks and masks, as for `analyze`.
        pipeline: Is judged.
        reading: The file.
        on_rejection: Called with each row that cannot be used; its value is masked.
        defaults: `source` and `channel` of rows that name none.

    Raises:
        InvalidInput: The file as a whole cannot be read.
    """

    def labelled() -> Iterator[tuple[Feedback, Labels]]:
        for item in intake.read(reading, reading.options.overrides, None, **defaults):
            if isinstance(item, Rejection):
                on_rejection(item)
            else:
                yield item.feedback, reading.labels.pop((item.origin, item.number))

    return judge(pipeline, labelled())


def judge(pipeline: Pipeline, labelled: Iterable[tuple[Feedback, Labels]]) -> Iterator[Judged]:
    """Yield labelled records with what the model reads in them, in order."""
    waiting: deque[Labels] = deque()

    def records() -> Iterator[Feedback]:
        for feedback, labels in labelled:
            waiting.append(labels)
            yield feedback

    for found in pipeline.stream(records()):
        yield Judged(found.feedback, waiting.popleft(), found.analysis)
