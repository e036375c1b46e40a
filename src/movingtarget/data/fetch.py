"""Fetch the four files of a data set from the first source that has the published bytes."""

import gzip
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from movingtarget.data import sources
from movingtarget.data.catalogue import FILES, Dataset
from movingtarget.data.sources import NotServed, Source, Unreachable

SET_ASIDE = "set-aside"
GZIP_MAGIC = b"\x1f\x8b"


class DataUnavailable(Exception):  # noqa: N818
    """No source gave the published files; the message says why, source by source, and what can be done."""


class Failure(NamedTuple):
    """Why a source did not give some files."""

    source: str
    reason: str
    files: tuple[str, ...]


def fetch(
    dataset: Dataset, destination: Path, folder: Path | None = None, say: Callable[[str], None] = print
) -> None:
    """Place the four uncompressed IDX files of a data set in `destination`, each verified by its sha256.

    Files that are there already and right are kept. The others come from the first source that gives the
    published bytes: scikit-learn where it has them, `folder`, the mirrors in their order, the Debian package.
    A wrong file, received or found in place, goes to `destination/set-aside/SOURCE/` for inspection.

    Args:
        dataset: an entry of `catalogue.DATASETS`, or one of the user's own.
        destination: made if need be. Files appear in it whole or not at all.
        folder: where the user placed the files, gzipped or not, in itself or in a sub-folder named after the
            data set.
        say: is told in a line where each file came from, and of each failure.

    Raises:
        DataUnavailable: `folder` does not exist, or no source gave one of the files.
    """
    if folder is not None and not _may_be_folder(folder):
        raise DataUnavailable(
            f"there is no folder {folder}: the config key data_folder or the environment variable "
            "MOVINGTARGET_DATA must name an existing folder, or be left out"
        )
    failures: list[Failure] = []
    missing = [name for name in FILES if not _keep(destination / name, dataset.sha256[name])]
    for source in _sources(dataset, folder):
        for failure in _fetch_from(source, missing, dataset, destination, say):
            say(f"{dataset.name}: {_line(failure)}")
            failures.append(failure)
        missing = [name for name in missing if not (destination / name).exists()]
    if missing:
        raise DataUnavailable(_explanation(dataset, destination, missing, failures))


def _may_be_folder(path: Path) -> bool:
    """Whether a path is a folder; one that may not be looked at may be."""
    try:
        return path.is_dir()
    except PermissionError:
        return True


def _sources(dataset: Dataset, folder: Path | None) -> Iterator[Source]:
    if dataset.in_scikit_learn:
        yield sources.scikit_learn_digits()
    if folder is not None:
        yield sources.folder(folder, dataset.name)
    yield from map(sources.mirror, dataset.mirrors)
    if dataset.debian_package is not None:
        yield sources.debian_package(dataset.debian_package)


def _fetch_from(
    source: Source, names: Sequence[str], dataset: Dataset, destination: Path, say: Callable[[str], None]
) -> Iterator[Failure]:
    """Place those of the named files that the source has, and yield why it did not give the others."""
    for position, name in enumerate(names):
        try:
            content = _obtain(source, name, dataset, destination)
        except Unreachable as error:
            yield Failure(source.name, str(error), tuple(names[position:]))
            return
        except NotServed as error:
            yield Failure(source.name, str(error), (name,))
        else:
            _place(content, destination / name)
            say(f"{dataset.name}: {name} from {source.name}")


def _obtain(source: Source, name: str, dataset: Dataset, destination: Path) -> bytes:
    """The published bytes of a file; whatever else the source gives is set aside, and `NotServed` raised."""
    received = source.read(name)
    content = _uncompressed(received)
    if content is not None and hashlib.sha256(content).hexdigest() == dataset.sha256[name]:
        return content
    _place(received, _aside(destination / name, source.name))
    raise NotServed("damaged gzip file" if content is None else "sha256 is not the published one")


def _uncompressed(received: bytes) -> bytes | None:
    """What a gzip file holds, anything else as it is, None for a damaged gzip file."""
    if not received.startswith(GZIP_MAGIC):
        return received
    try:
        return gzip.decompress(received)
    except (OSError, EOFError, zlib.error):
        return None


def _keep(path: Path, sha256: str) -> bool:
    """Whether a file is there already and right; a wrong one is moved aside."""
    if not path.exists():
        return False
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
            return True
    aside = _aside(path, "found in place")
    aside.parent.mkdir(parents=True, exist_ok=True)
    path.replace(aside)
    return False


def _aside(path: Path, source: str) -> Path:
    """Where a wrong file is kept for inspection, in a folder named after its source."""
    return path.parent / SET_ASIDE / re.sub(r"[^\w.-]+", "-", source).strip("-") / path.name


def _place(content: bytes, path: Path) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _explanation(
    dataset: Dataset, destination: Path, missing: Sequence[str], failures: Sequence[Failure]
) -> str:
    """The message of `DataUnavailable`: one line; then, indented, one for each source, and the way out."""
    files: dict[tuple[str, str], tuple[str, ...]] = {}
    for source, reason, names in failures:
        files[source, reason] = files.get((source, reason), ()) + names
    first, others = failures[0], len({failure.source for failure in failures}) - 1
    lines = [
        f"dataset {dataset.name} cannot be had: {first.source}: {first.reason}"
        f"{f', and {others} more in vain' if others else ''}; "
        "put its files into a folder and set data_folder or MOVINGTARGET_DATA to it",
        f"missing: {_list(missing)}",
    ]
    lines += [_line(Failure(*key, names)) for key, names in files.items()]
    if (destination / SET_ASIDE).exists():
        lines.append(f"wrong files are kept in {destination / SET_ASIDE}")
    lines.append(
        f"to place the data by hand: put {', '.join(FILES)} (as they are, or gzipped with .gz added) in "
        "a folder, and set the config key data_folder or the environment variable MOVINGTARGET_DATA to it"
    )
    return "\n  ".join(lines)


def _line(failure: Failure) -> str:
    return f"{failure.source}: {failure.reason} ({_list(failure.files)})"


def _list(names: Sequence[str]) -> str:
    return "all four files" if len(names) == len(FILES) else ", ".join(names)
