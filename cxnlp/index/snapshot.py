"""The index on disk, so that a process need not read the whole store to start.

A snapshot is a folder of plain numpy arrays with a manifest that says of which encoder, generation of vectors and event it is, and the checksum
of each file. It is written under another name and renamed when it is whole, so readers only ever see whole ones; what is torn, of another store
or removed in between is passed over. So any number of processes may write and read the same place, without a lock. It can be lost at any moment.
"""

import logging
import os
import secrets
import shutil
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from cxnlp.index.clauses import ClauseCodes
from cxnlp.index.flat import flatten, restore_columns
from cxnlp.index.vectors import Vectors
from cxnlp.index.view import Parts

FORMAT: Final = 2
_MANIFEST: Final = "manifest.json"
_TEXTS: Final = "texts.json"
_WHOLE: Final = "view-"
_UNFINISHED: Final = ".writing-"
_ABANDONED_SECONDS: Final = 3_600
_ROOMS: Final = ("columns", "vectors", "clauses")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a snapshot was made of.

    Attributes:
        encoder: Id of the encoder.
        generation: Number of the vectors' generation.
        dim: Length of a vector.
    """

    encoder: str
    generation: int
    dim: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was read.

    Attributes:
        parts: Of the index.
        position: The event it had caught up to.
        mark: What its writer said of that event, so that a reader can tell whether it is the same.
    """

    parts: Parts
    position: int
    mark: str


def write_snapshot(folder: Path, parts: Parts, origin: Origin, position: int, mark: str) -> Path:
    """Write what is alive of an index that nobody changes meanwhile, remove all other snapshots, and return its folder.

    Raises:
        OSError: It cannot be written; nothing has changed then.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    token = secrets.token_hex(4)
    fresh, whole = folder / f"{_UNFINISHED}{token}", folder / f"{_WHOLE}{position:015d}-{token}"
    fresh.mkdir(mode=0o700)
    try:
        files, n = _write_parts(fresh, parts)
        manifest = {"format": FORMAT, **asdict(origin), "position": position, "mark": mark, "n": n, "files": files}
        (fresh / _MANIFEST).write_bytes(orjson.dumps(manifest))
        fresh.rename(whole)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    _tidy(folder, whole)
    return whole


def read_snapshot(folder: Path, origin: Origin) -> Iterator[Snapshot]:
    """Give the snapshots that are whole and of this origin, newest first; the others are passed over and named in the log."""
    for found in sorted(_entries(folder, _WHOLE), reverse=True):
        try:
            yield _read(found, origin)
        except FileNotFoundError:
            _log.info("the snapshot %s was removed while it was read", found.name)
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            _log.warning("the snapshot %s is passed over (%s)", found.name, error if isinstance(error, _Unusable) else type(error).__name__)


class _Unusable(ValueError):
    """A snapshot that is not what is looked for."""


def _write_parts(fresh: Path, parts: Parts) -> tuple[dict[str, int], int]:
    live = parts.columns.live
    rows = np.flatnonzero(live.alive)
    has_dead = live.n_alive < live.n
    columns = parts.columns.taken()[0] if has_dead else parts.columns
    arrays, texts = flatten(columns)
    files = {_TEXTS: _write(fresh / _TEXTS, [orjson.dumps(texts)])}
    files |= {name: _write_array(fresh / name, array) for key, array in arrays.items() for name in [f"columns-{key}.npy"]}
    del columns, arrays
    vectors, codes = parts.vectors.arrays(rows)
    files |= {name: _write_array(fresh / name, array) for key, array in vectors.items() for name in [f"vectors-{key}.npy"]}
    files["codes.npy"] = _write(fresh / "codes.npy", _npy((len(rows), parts.vectors.dim), np.dtype(np.uint8), codes))
    clauses = (parts.clauses.taken(rows) if has_dead else parts.clauses).arrays()
    files |= {name: _write_array(fresh / name, array) for key, array in clauses.items() for name in [f"clauses-{key}.npy"]}
    return files, len(rows)


def _write_array(path: Path, array: npt.NDArray[Any]) -> int:
    return _write(path, _npy(array.shape, array.dtype, [array]))


def _npy(shape: tuple[int, ...], dtype: np.dtype[Any], blocks: Iterable[npt.NDArray[Any]]) -> Iterator[bytes | memoryview]:
    """Give the bytes of an .npy file whose array is that of the blocks joined."""
    header = f"{{'descr': {np.lib.format.dtype_to_descr(dtype)!r}, 'fortran_order': False, 'shape': {tuple(shape)!r}, }}".encode("latin-1")
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    yield np.lib.format.magic(1, 0) + len(header).to_bytes(2, "little") + header
    for block in blocks:
        yield np.ascontiguousarray(block).reshape(-1).view(np.uint8).data


def _write(path: Path, several: Iterable[bytes | memoryview]) -> int:
    """Write one file and return its checksum."""
    checksum = 0
    with path.open("xb") as file:
        for some in several:
            file.write(some)
            checksum = zlib.crc32(some, checksum)
    return checksum


def _read(found: Path, origin: Origin) -> Snapshot:
    manifest = orjson.loads((found / _MANIFEST).read_bytes())
    if manifest["format"] != FORMAT or any(manifest[name] != value for name, value in asdict(origin).items()):
        raise _Unusable("it is of another format, encoder or generation of vectors")
    read: dict[str, dict[str, npt.NDArray[Any]]] = {room: {} for room in _ROOMS}
    for name, checksum in manifest["files"].items():
        if zlib.crc32(np.memmap(found / name, np.uint8, mode="r").data) != checksum:
            raise _Unusable(f"{name} is torn")
        room, _, key = name.removesuffix(".npy").partition("-")
        if key:
            read[room][key] = np.load(found / name, mmap_mode="r", allow_pickle=False)
    codes = np.load(found / "codes.npy", mmap_mode="r", allow_pickle=False)
    columns = restore_columns(read["columns"], orjson.loads((found / _TEXTS).read_bytes()))
    parts = Parts(columns, Vectors.restored(read["vectors"], codes), ClauseCodes.restored(read["clauses"]))
    if not columns.live.n == parts.vectors.n == manifest["n"]:
        raise _Unusable("its parts do not belong together")
    return Snapshot(parts, manifest["position"], manifest["mark"])


def _tidy(folder: Path, kept: Path) -> None:
    """Remove the other snapshots, since they may hold what has been deleted, and what a writer that was killed left behind."""
    for other in _entries(folder, _WHOLE):
        if other != kept:
            shutil.rmtree(other, ignore_errors=True)
    for unfinished in _entries(folder, _UNFINISHED):
        with suppress(OSError):
            if time.time() - os.stat(unfinished).st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(unfinished, ignore_errors=True)


def _entries(folder: Path, prefix: str) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.name.startswith(prefix)]
    except OSError:
        return []
