"""A text file that appears whole or not at all."""

from pathlib import Path


def write_whole(text: str, path: Path) -> Path:
    """Write text as UTF-8 in the place of what was there; nothing changes if it cannot be written."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
