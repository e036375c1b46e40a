import gzip
import hashlib
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from movingtarget.data import sources
from movingtarget.data.catalogue import FILES, TEST_LABELS, TRAIN_LABELS
from movingtarget.data.sources import NotServed, Unreachable

Place = Callable[[Path, dict[str, bytes]], Path]
needs_debian = pytest.mark.skipif(
    shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None,
    reason="apt-get and dpkg-deb are Debian's",
)


def test_folder_itself_or_its_sub_folder_zipped_or_not(tmp_path: Path, place: Place) -> None:
    place(tmp_path, {FILES[0]: b"plain", f"{FILES[1]}.gz": b"zipped", FILES[2]: b"not this one"})
    place(tmp_path / "small", {FILES[2]: b"plain below", f"{FILES[3]}.gz": b"zipped below"})
    read = sources.folder(tmp_path, "small").read
    assert [read(name) for name in FILES] == [b"plain", b"zipped", b"plain below", b"zipped below"]


def test_folder_of_another_data_set_is_not_looked_in(tmp_path: Path, place: Place) -> None:
    place(tmp_path / "other", {FILES[0]: b"content"})
    with pytest.raises(NotServed, match="not there"):
        sources.folder(tmp_path, "small").read(FILES[0])


@pytest.fixture
def package(tmp_path: Path, place: Place, zipped: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> str:
    """A package that the machine's own apt-get finds in a repository on disk, in place of its usual ones."""
    tree = tmp_path / "tree"
    place(
        tree / "usr/share/datasets/small",
        {f"{name}.gz": zipped[name] for name in FILES if name != TEST_LABELS},
    )
    control = "Package: dataset-small\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b.c>\nDescription: d\n"
    place(tree / "DEBIAN", {"control": control.encode()})
    repository = tmp_path / "repository"
    repository.mkdir()
    file = repository / "dataset-small_1_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, file], check=True, capture_output=True)
    content = file.read_bytes()
    entry = f"Filename: ./{file.name}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"
    (repository / "Packages").write_text(control + entry)
    point_apt_at(f"file:{repository}", tmp_path, monkeypatch)
    return "dataset-small"


def point_apt_at(repository: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sources.list").write_text(f"deb [trusted=yes] {repository} ./\n")
    settings = f'Dir::Etc::SourceList "{tmp_path}/sources.list";\nDir::Etc::SourceParts "{tmp_path}/none";\n'
    (tmp_path / "apt.conf").write_text(settings)
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))


@needs_debian
def test_debian_package_is_unpacked(package: str, contents: dict[str, bytes]) -> None:
    read = sources.debian_package(package).read
    assert gzip.decompress(read(TRAIN_LABELS)) == contents[TRAIN_LABELS]
    with pytest.raises(NotServed, match="not in the package"):
        read(TEST_LABELS)


@needs_debian
def test_debian_package_unknown_to_apt(package: str) -> None:
    with pytest.raises(Unreachable, match=f"E: Unable to locate package {package}-other"):
        sources.debian_package(f"{package}-other").read(TRAIN_LABELS)


@needs_debian
def test_debian_server_that_is_dead(dead: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point_apt_at(dead, tmp_path, monkeypatch)
    monkeypatch.setenv("http_proxy", "")
    start = time.perf_counter()
    with pytest.raises(Unreachable, match=re.escape(f"W: Failed to fetch {dead}")):
        sources.debian_package("dataset-small").read(TRAIN_LABELS)
    assert time.perf_counter() - start < 20


def test_machine_without_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unreachable, match="apt-get is not installed"):
        sources.debian_package("dataset-small").read(TRAIN_LABELS)
