import errno
import gzip
import os
import re
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from movingtarget.data.catalogue import DATASETS, FILES, TRAIN_INPUTS, TRAIN_LABELS, Dataset
from movingtarget.data.fetch import DataUnavailable, fetch

Place = Callable[[Path, dict[str, bytes]], Path]
Contents = dict[str, bytes]
REFUSED = f"[Errno {errno.ECONNREFUSED}] Connection refused"


def silent(_: str) -> None:
    """Say nothing."""


def files_below(folder: Path) -> Contents:
    """Content of every file, by its path from the folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def flipped(content: bytes) -> bytes:
    """The content with its last bit changed."""
    return content[:-1] + bytes([content[-1] ^ 1])


def test_from_a_mirror(
    web: Any, dataset: Dataset, contents: Contents, zipped: Contents, tmp_path: Path
) -> None:
    url = web.serve("good", zipped)
    said: list[str] = []
    fetch(dataset._replace(mirrors=(url,)), tmp_path / "new" / "folder", say=said.append)
    assert files_below(tmp_path / "new" / "folder") == contents
    assert said == [f"small: {name} from mirror {url}" for name in FILES]


def test_mirror_whose_server_unzips(web: Any, dataset: Dataset, contents: Contents, tmp_path: Path) -> None:
    fetch(dataset._replace(mirrors=(web.serve("plain", contents),)), tmp_path, say=silent)
    assert files_below(tmp_path) == contents


def test_folder_comes_first(
    web: Any, dataset: Dataset, contents: Contents, zipped: Contents, tmp_path: Path, place: Place
) -> None:
    folder = place(tmp_path / "mine", {f"{TRAIN_INPUTS}.gz": zipped[TRAIN_INPUTS]})
    fetch(dataset._replace(mirrors=(web.serve("good", zipped),)), tmp_path / "to", folder, silent)
    assert files_below(tmp_path / "to") == contents
    assert web.asked == [f"/good/{name}.gz" for name in FILES if name != TRAIN_INPUTS]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: gzip.compress(content)[:-9], "damaged gzip file"),
        (lambda content: gzip.compress(content) + b"more", "damaged gzip file"),
        (lambda content: gzip.compress(flipped(content)), "sha256 is not the published one"),
        (lambda content: gzip.compress(content[:-1]), "sha256 is not the published one"),
        (lambda content: b"<html>Log in first</html>", "sha256 is not the published one"),
        (lambda content: b"", "sha256 is not the published one"),
    ],
    ids=["truncated", "longer", "altered", "shorter", "not gzip", "empty"],
)
def test_wrong_file_is_set_aside_and_the_next_source_asked(
    web: Any,
    dataset: Dataset,
    contents: Contents,
    zipped: Contents,
    tmp_path: Path,
    damage: Callable[[bytes], bytes],
    reason: str,
) -> None:
    wrong = damage(contents[TRAIN_LABELS])
    bad, good = web.serve("bad", {**zipped, TRAIN_LABELS: wrong}), web.serve("good", zipped)
    said: list[str] = []
    fetch(dataset._replace(mirrors=(bad, good)), tmp_path, say=said.append)
    aside = re.sub(r"[:/]+", "-", f"mirror-{bad}").strip("-")
    assert files_below(tmp_path) == {**contents, f"set-aside/{aside}/{TRAIN_LABELS}": wrong}
    assert f"small: mirror {bad}: {reason} ({TRAIN_LABELS})" in said
    assert [path for path in web.asked if path.startswith("/good/")] == [f"/good/{TRAIN_LABELS}.gz"]


def test_file_not_found_is_asked_of_the_next_mirror(
    web: Any, dataset: Dataset, contents: Contents, zipped: Contents, tmp_path: Path
) -> None:
    partial, rest = web.serve("a", {TRAIN_INPUTS: zipped[TRAIN_INPUTS]}), web.serve("b", zipped)
    fetch(dataset._replace(mirrors=(partial, rest)), tmp_path, say=silent)
    assert files_below(tmp_path) == contents
    assert len(web.asked) == 4 + 3


def test_connection_cut_midway(
    web: Any, dataset: Dataset, contents: Contents, zipped: Contents, tmp_path: Path
) -> None:
    def cut(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(zipped[TRAIN_INPUTS])))
        request.end_headers()
        request.wfile.write(zipped[TRAIN_INPUTS][:20])

    first, second = web.serve("first", zipped), web.serve("second", zipped)
    web.pages[f"/first/{TRAIN_INPUTS}.gz"] = cut
    said: list[str] = []
    fetch(dataset._replace(mirrors=(first, second)), tmp_path, say=said.append)
    assert files_below(tmp_path) == contents
    assert re.search(r"/first/: IncompleteRead\(20 bytes read, \d+ more expected\) \(", said[0])


def test_unreachable_source_is_asked_once(dead: str, web: Any, dataset: Dataset, tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(DataUnavailable):
        fetch(dataset._replace(mirrors=(dead,)), tmp_path, say=said.append)
    assert said == [f"small: mirror {dead}: cannot be reached: {REFUSED} (all four files)"]


def test_message_lists_every_source_and_the_way_out(
    web: Any, dead: str, dataset: Dataset, zipped: Contents, tmp_path: Path, place: Place, monkeypatch: Any
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    folder = place(tmp_path / "mine", {TRAIN_INPUTS: b"wrong"})
    empty, bad = f"{web.url}empty/", web.serve("bad", {**zipped, TRAIN_LABELS: b"wrong"})
    everywhere = dataset._replace(mirrors=(dead, empty, bad), debian_package="dataset-small")
    with pytest.raises(DataUnavailable) as raised:
        fetch(everywhere, tmp_path / "to", folder, silent)
    rest = ", ".join(FILES[1:])
    assert str(raised.value).splitlines() == [
        f"dataset small cannot be had: folder {folder}: sha256 is not the published one, and 4 more in vain; "
        "put its files into a folder and set data_folder or MOVINGTARGET_DATA to it",
        f"  missing: {TRAIN_LABELS}",
        f"  folder {folder}: sha256 is not the published one ({TRAIN_INPUTS})",
        f"  folder {folder}: not there ({rest})",
        f"  mirror {dead}: cannot be reached: {REFUSED} (all four files)",
        f"  mirror {empty}: 404 Not Found (all four files)",
        f"  mirror {bad}: sha256 is not the published one ({TRAIN_LABELS})",
        f"  Debian package dataset-small: apt-get is not installed ({TRAIN_LABELS})",
        f"  wrong files are kept in {tmp_path / 'to' / 'set-aside'}",
        f"  to place the data by hand: put {', '.join(FILES)} (as they are, or gzipped with .gz added) in "
        "a folder, and set the config key data_folder or the environment variable MOVINGTARGET_DATA to it",
    ]
    assert (folder / TRAIN_INPUTS).read_bytes() == b"wrong"


def test_files_in_place_are_kept_if_right(
    web: Any, dataset: Dataset, contents: Contents, zipped: Contents, tmp_path: Path, place: Place
) -> None:
    wrong = flipped(contents[TRAIN_LABELS])
    place(tmp_path, {**contents, TRAIN_LABELS: wrong})
    before = (tmp_path / TRAIN_INPUTS).stat()
    fetch(dataset._replace(mirrors=(web.serve("good", zipped),)), tmp_path, say=silent)
    assert files_below(tmp_path) == {**contents, f"set-aside/found-in-place/{TRAIN_LABELS}": wrong}
    assert web.asked == [f"/good/{TRAIN_LABELS}.gz"]
    after = (tmp_path / TRAIN_INPUTS).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_nothing_to_do_needs_no_source(
    dataset: Dataset, contents: Contents, tmp_path: Path, place: Place
) -> None:
    fetch(dataset, place(tmp_path, contents), say=silent)
    assert files_below(tmp_path) == contents


@pytest.mark.parametrize("name", ["small", "digits"])
def test_folder_that_does_not_exist(
    web: Any, dataset: Dataset, zipped: Contents, tmp_path: Path, name: str
) -> None:
    reachable = {"small": dataset._replace(mirrors=(web.serve("good", zipped),)), **DATASETS}[name]
    with pytest.raises(DataUnavailable, match=f"no folder {tmp_path}/absent: the config key data_folder"):
        fetch(reachable, tmp_path / "to", tmp_path / "absent", silent)
    assert web.asked == []
    assert not (tmp_path / "to").exists()


def test_digits_do_not_need_the_folder(tmp_path: Path, contents: Contents, place: Place) -> None:
    folder = place(tmp_path / "mine", contents)
    fetch(DATASETS["digits"], tmp_path / "to", folder, silent)
    assert set(files_below(tmp_path / "to")) == set(FILES)


def test_failing_write_leaves_nothing(
    web: Any, dataset: Dataset, zipped: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirrored = dataset._replace(mirrors=(web.serve("good", zipped),))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30, limits[1]))  # as a full disk: no file may pass 30 bytes
    try:
        with pytest.raises(OSError, match="File too large"):
            fetch(mirrored, tmp_path, say=silent)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files_below(tmp_path) == {}


def test_killed_fetch_leaves_whole_files_and_is_taken_up_again(
    web: Any, dataset: Dataset, contents: Contents, zipped: Contents, tmp_path: Path
) -> None:
    stalled, released = threading.Event(), threading.Event()

    def stall(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        request.wfile.write(zipped[FILES[2]][:20])
        stalled.set()
        released.wait(30)

    mirrored = dataset._replace(mirrors=(web.serve("good", zipped),))
    web.pages[f"/good/{FILES[2]}.gz"] = stall
    program = (
        "import sys; from pathlib import Path; from movingtarget.data.catalogue import Dataset;"
        "from movingtarget.data.fetch import fetch;"
        f"fetch(Dataset(**{mirrored._asdict()!r}), Path(sys.argv[1]))"
    )
    child = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], env=dict(os.environ))
    assert stalled.wait(30)
    child.kill()
    child.wait()
    released.set()
    assert files_below(tmp_path) == {name: contents[name] for name in FILES[:2]}
    web.asked.clear()
    web.serve("good", zipped)
    fetch(mirrored, tmp_path, say=silent)
    assert files_below(tmp_path) == contents
    assert web.asked == [f"/good/{name}.gz" for name in FILES[2:]]
