"""A run that is kept in git: its tables, compressed, its verdicts and answers, and what it says of itself."""

import lzma
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from movingtarget_workflow.settings import SettingsError, read_yaml

RECORDS = ("settings.yaml", "record.yaml", "costs.csv")
"""What a run says of itself, in its results folder and in what is kept of it."""

SHOWN = ("tables/claims.csv", "summary.md", "figures/answers.svg")
"""What whoever only looks at the repository is shown of a run, by where its results folder has it."""

COMPRESSED = ".csv.xz"


def kept_table(table: str, folder: Path | str) -> Path:
    """Where a folder of a kept run has a table."""
    return Path(folder) / f"tables/{table}{COMPRESSED}"


def unpacked(kept: Path) -> bytes:
    """The bytes of a table before it was kept; ValueError, which names it, if they are not whole."""
    try:
        return lzma.decompress(kept.read_bytes())
    except (lzma.LZMAError, EOFError) as error:
        raise ValueError(f"{kept} is damaged: {error}") from error


def kept_settings(folder: Path) -> dict[str, Any]:
    """The settings that a run had, of its results folder or of what is kept of it.

    Raises:
        SettingsError: the file is not there, or holds no settings.
    """
    file = folder / "settings.yaml"
    settings = read_yaml(file)
    if not isinstance(settings, dict) or "scale" not in settings:
        raise SettingsError(f"{file} lacks the key scale; allowed: the settings that a run has recorded")
    return settings


def check_kept(folder: Path, tables: Iterable[str]) -> None:
    """Raise SettingsError unless all is there that is kept of a run."""
    wanted = [*(folder / name for name in RECORDS), *(kept_table(table, folder) for table in tables)]
    if missing := [path for path in wanted if not path.is_file()]:
        raise SettingsError(
            f"tables_from is '{folder}', which has no {missing[0].relative_to(folder)}; "
            "allowed: a folder that `snakemake -- reference` made"
        )


def keep(results: Path, tables: Iterable[str], folder: Path) -> None:
    """Keep a finished run: the same run gives the same bytes.

    Args:
        results: the run's folder.
        tables: by name, all but the verdicts.
        folder: where it is kept; of what lay there tables of other names go.
    """
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    files = {kept_table(table, folder): results / f"tables/{table}.csv" for table in tables}
    for path in set((folder / "tables").iterdir()) - set(files):
        path.unlink()
    for kept, file in files.items():
        kept.write_bytes(lzma.compress(file.read_bytes(), preset=9 | lzma.PRESET_EXTREME))
    for name in (*RECORDS, *SHOWN):
        (folder / Path(name).name).write_bytes((results / name).read_bytes())
