"""Copies: records that say the same in the same words, found among all that pass a filter in flat memory."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cxnlp.filters import Filter
from cxnlp.lines import to_iso, to_line
from cxnlp.records import CHANNELS, Record
from cxnlp.store import Saying, Store
from cxnlp.text.copies import essence, key_of
from cxnlp.text.shingles import Bits, Numbers, Signatures, near_copies, outlines, signatures

MOST_IDS: Final = 100
"""How many members of a group are named."""
_PAGE: Final = 2_000
_PAIRS_AT_ONCE: Final = 1_000

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class CopyGroup:
    """Records whose texts are copies or near-copies.

    Attributes:
        n: How many.
        first_at: When the first was said, UTC.
        last_at: When the last was said, UTC.
        channels: Members by channel, the commonest first.
        example: The first of them.
        ids: Members, the newest first, at most `MOST_IDS`.
    """

    n: int
    first_at: datetime
    last_at: datetime
    channels: Mapping[str, int]
    example: Record
    ids: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        times = {"first_at": to_iso(self.first_at), "last_at": to_iso(self.last_at)}
        members = {"ids": list(self.ids), "more": self.n - len(self.ids)}
        return {"count": self.n, **times, "channels": dict(self.channels), "record": to_line(self.example), **members}


@dataclass(frozen=True, slots=True)
class Copies:
    """What was found to be copied.

    Attributes:
        groups: The largest first.
        n_groups: How many there are in all.
        n_records: How many records were compared.
        cut: Whether only the last received records were.
    """

    groups: tuple[CopyGroup, ...]
    n_groups: int
    n_records: int
    cut: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        shown = [group.to_json() for group in self.groups]
        return {"by": "copies", "groups": shown, "total": self.n_groups, "records": self.n_records, "cut": self.cut}


@dataclass(frozen=True, slots=True)
class _Scan:
    """What is held of all records while they are compared: about 40 bytes a record and 250 a distinct text.

    Attributes:
        seqs: (n,).
        created_at: (n,) POSIX seconds.
        channels: (n,) places in `CHANNELS`.
        texts: (n,) number of the record's distinct text; copies have the same.
        examples: (n_texts,) seq of a record of each distinct text.
        signatures: (n_texts, 64).
    """

    seqs: Numbers = field(repr=False)
    created_at: npt.NDArray[np.float64] = field(repr=False)
    channels: Numbers = field(repr=False)
    texts: Numbers = field(repr=False)
    examples: Numbers = field(repr=False)
    signatures: Signatures = field(repr=False)


def find_copies(store: Store, filter: Filter, least: int, limit: int, most: int | None, on_progress: OnProgress) -> Copies:
    """Return groups of at least `least` copies; see `Groups.copies`."""
    n_passing = store.feedback.count(filter)
    n_wanted = n_passing if most is None else min(most, n_passing)
    scan = _scan(store, filter, n_wanted, on_progress)
    of_texts = near_copies(scan.signatures, lambda pairs: _are_near(store, scan.examples[pairs]))
    members = of_texts[scan.texts]
    counts = np.bincount(members, minlength=1)
    last_at = np.zeros(len(counts))
    np.maximum.at(last_at, members, scan.created_at)
    groups = np.flatnonzero(counts >= least)
    groups = groups[np.lexsort((-last_at[groups], -counts[groups]))]
    by_group = np.argsort(members, kind="stable")
    starts = np.searchsorted(members[by_group], groups[:limit])
    rows = [by_group[start : start + counts[group]] for start, group in zip(starts, groups[:limit], strict=True)]
    return Copies(tuple(_described(store, scan, rows)), len(groups), len(scan.seqs), n_wanted < n_passing)


def _scan(store: Store, filter: Filter, n_wanted: int, on_progress: OnProgress) -> _Scan:
    numbers: dict[int, int] = {}
    rows: list[npt.NDArray[np.float64]] = [np.zeros((0, 4))]
    examples: list[int] = []
    signed: list[Signatures] = [signatures([])]
    n_read, before = 0, None
    while page := store.sayings.page(filter, before, min(_PAGE, n_wanted - n_read)):
        texts, fresh = _number(page, numbers, len(examples))
        rows.append(np.array([(s.seq, s.created_at, CHANNELS.index(s.channel), text) for s, text in zip(page, texts, strict=True)]))
        signed.append(signatures([text for _, text in fresh]))
        examples += [seq for seq, _ in fresh]
        n_read, before = n_read + len(page), page[-1].seq
        on_progress(n_read, n_wanted)
        if n_read >= n_wanted:
            break
    seqs, created_at, channels, of_texts = np.concatenate(rows).T
    whole = [column.astype(np.int64) for column in (seqs, channels, of_texts)]
    return _Scan(whole[0], created_at, whole[1], whole[2], np.array(examples, np.int64), np.concatenate(signed))


def _number(page: Sequence[Saying], numbers: dict[int, int], first: int) -> tuple[list[int], list[tuple[int, str]]]:
    """Return the number of each text, and seq and essence of those seen for the first time; who said nothing copied nobody."""
    texts: list[int] = []
    fresh: list[tuple[int, str]] = []
    for saying in page:
        kept = essence(saying.text)
        number = first + len(fresh)
        known = numbers.setdefault(key_of(kept), number) if kept else number
        if known == number:
            fresh.append((saying.seq, kept))
        texts.append(known)
    return texts, fresh


def _are_near(store: Store, pairs: Numbers) -> Bits:
    """Tell which pairs of records, (m, 2) seqs, are near-copies; those forgotten meanwhile are not."""
    are = np.zeros(len(pairs), np.bool_)
    for first in range(0, len(pairs), _PAIRS_AT_ONCE):
        part = pairs[first : first + _PAIRS_AT_ONCE]
        said = store.sayings.of(np.unique(part).tolist())
        outlined = dict(zip(said, outlines([saying.text for saying in said.values()]), strict=True))
        for i, (one, other) in enumerate(part.tolist(), first):
            are[i] = one in outlined and other in outlined and outlined[one].is_near(outlined[other])
    return are


def _described(store: Store, scan: _Scan, groups: Sequence[Numbers]) -> list[CopyGroup]:
    ordered = [rows[np.argsort(-scan.created_at[rows], kind="stable")] for rows in groups]
    ids = store.sayings.ids([seq for rows in ordered for seq in scan.seqs[[*rows[:MOST_IDS], rows[-1]]].tolist()])
    records = store.feedback.get_many([ids[seq] for rows in ordered if (seq := int(scan.seqs[rows[-1]])) in ids])
    found = []
    for rows in ordered:
        first_at, last_at = (datetime.fromtimestamp(scan.created_at[row], UTC) for row in (rows[-1], rows[0]))
        example = records.get(ids.get(int(scan.seqs[rows[-1]]), ""))
        if example:  # else it was forgotten a moment ago
            channels = Counter(CHANNELS[channel] for channel in scan.channels[rows]).most_common()
            named = tuple(ids[seq] for seq in scan.seqs[rows[:MOST_IDS]].tolist() if seq in ids)
            found.append(CopyGroup(len(rows), first_at, last_at, dict(channels), example, named))
    return found
