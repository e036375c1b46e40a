"""What jobs have written, by size and digest: a file cut short or changed since is told before a run.

Of each output that lies in the results folder, `digests/OUTPUT.sha256` there has one line.
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

FOLDER, ENDING = "digests", ".sha256"
LARGE = 10_000_000
"""From so many bytes on sizes alone are compared, for a start is to be fast: trained networks and images."""


def forget(outputs: Iterable[str | Path], results: Path) -> None:
    """Forget what outputs were: their job begins."""
    for output in outputs:
        _kept(Path(output), results).unlink(missing_ok=True)


def keep(outputs: Iterable[str | Path], results: Path) -> None:
    """Keep what outputs are: their job is done."""
    for output in map(Path, outputs):
        kept = _kept(output, results)
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        try:
            part.write_text(f"{output.stat().st_size} {_digest(output)}\n", encoding="utf-8")
            part.replace(kept)
        finally:
            part.unlink(missing_ok=True)


def altered(results: Path) -> Iterator[str]:
    """Each output that is there and not what its job wrote, and what is wrong with it."""
    for kept in sorted((results / FOLDER).rglob(f"*{ENDING}")):
        output = results / kept.relative_to(results / FOLDER).with_suffix("")
        if output.is_file() and (problem := _problem(output, kept.read_text(encoding="utf-8"))):
            yield f"{output} ({problem})"


def _problem(output: Path, line: str) -> str:
    """How an output differs from what is kept of it; empty if it does not."""
    size, _, digest = line.strip().partition(" ")
    there = output.stat().st_size
    if str(there) != size:
        return f"{there} bytes, not {size or 'as many as were kept'}"
    return "other bytes" if there < LARGE and _digest(output) != digest else ""


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _kept(output: Path, results: Path) -> Path:
    return results / FOLDER / f"{output.relative_to(results)}{ENDING}"
