"""Where the files of a data set may come from: one function a source, each giving a reader of files."""

import functools
import io
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pooch
import requests
from urllib3.exceptions import ProtocolError

from movingtarget.data import idx
from movingtarget.data.catalogue import FILES

CONNECT_SECONDS, READ_SECONDS = 10, 60
DIGITS_TRAINING = 1437


class Unreachable(Exception):  # noqa: N818
    """The source as a whole cannot be used."""


class NotServed(Exception):  # noqa: N818
    """The source does not give this file, or not as it was published."""


class Source(NamedTuple):
    """A place that may have the files.

    Attributes:
        name: for messages.
        read: from the name of a file to its bytes, gzipped or not, unverified. Raises `Unreachable` or
            `NotServed`.
    """

    name: str
    read: Callable[[str], bytes]


def folder(path: Path, dataset_name: str) -> Source:
    """Files placed by hand in a folder, or in its sub-folder named after the data set, gzipped or not."""

    def read(name: str) -> bytes:
        places = [place / file for place in (path / dataset_name, path) for file in (name, f"{name}.gz")]
        try:
            found = next(filter(Path.is_file, places), None)
            if found is None:
                raise NotServed("not there")
            return found.read_bytes()
        except OSError as error:
            raise NotServed(f"cannot be read: {error.strerror}") from error

    return Source(f"folder {path}", read)


def mirror(url: str) -> Source:
    """A web server that has every file, gzipped, as `url` + name + ".gz"."""
    download = pooch.HTTPDownloader(chunk_size=2**16, timeout=(CONNECT_SECONDS, READ_SECONDS))

    def read(name: str) -> bytes:
        content = io.BytesIO()
        try:
            download(f"{url}{name}.gz", content, None)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise Unreachable(f"cannot be reached: {_cause(error)}") from error
        except requests.RequestException as error:
            raise NotServed(_cause(error)) from error
        return content.getvalue()

    return Source(f"mirror {url}", read)


def debian_package(package: str) -> Source:
    """A package of Debian, downloaded and unpacked (not installed) when the first file is asked for."""
    unpacked = functools.cache(functools.partial(_package_files, package))

    def read(name: str) -> bytes:
        if name not in unpacked():
            raise NotServed("not in the package")
        return unpacked()[name]

    return Source(f"Debian package {package}", read)


def scikit_learn_digits() -> Source:
    """The 8 x 8 digits that come with scikit-learn, pixels 0..16: the first 1437 train, the last 360 test.

    Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits (its test set).
    """
    return Source("scikit-learn", lambda name: _digits_files()[name])


@functools.cache
def _digits_files() -> dict[str, bytes]:
    # imported here, as it takes two seconds that the other data sets need not spend
    from sklearn.datasets import load_digits

    digits = load_digits()
    images, labels = digits.images.astype("uint8"), digits.target.astype("uint8")
    train, test = slice(None, DIGITS_TRAINING), slice(DIGITS_TRAINING, None)
    arrays = (images[train], labels[train], images[test], labels[test])
    return dict(zip(FILES, map(idx.encode, arrays), strict=True))


def _package_files(package: str) -> dict[str, bytes]:
    """Content of those files of a Debian package that are named as IDX files are, gzipped or not."""
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise Unreachable(f"{program} is not installed")
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        _download_package(package, work)
        _run(["dpkg-deb", "-x", *map(str, work.glob("*.deb")), str(work / "unpacked")], work)
        return {
            file.name.removesuffix(".gz"): file.read_bytes() for file in work.rglob("unpacked/**/*-ubyte*")
        }


def _download_package(package: str, work: Path) -> None:
    """Place the `.deb` in the folder `work` with lists and caches of its own, so that root is not needed."""
    (work / "lists").mkdir()
    (work / "cache").mkdir()
    settings = {
        "Dir::State::Lists": work / "lists",
        "Dir::Cache": work / "cache",
        "Acquire::Languages": "none",
        "Acquire::Retries": 1,
        "Acquire::http::Timeout": CONNECT_SECONDS,
        "Acquire::https::Timeout": CONNECT_SECONDS,
    }
    apt_get = [
        "apt-get",
        "-q",
        *(word for key, value in settings.items() for word in ("-o", f"{key}={value}")),
    ]
    complaints = _run([*apt_get, "update"], work)
    _run([*apt_get, "download", package], work, complaints)


def _run(command: Sequence[str], work: Path, complaints: Sequence[str] = ()) -> list[str]:
    """Run a program of Debian's and return its complaints; `Unreachable`, with the first, when it fails."""
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(
        command,
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [
        line for line in done.stderr.splitlines() if line.startswith(("E:", "W: Failed", "dpkg-deb: error"))
    ]
    if done.returncode != 0:
        raise Unreachable(
            "; ".join([*complaints[:1], *lines[:1]]) or f"{command[0]} failed ({done.returncode})"
        )
    return lines


def _cause(error: requests.RequestException) -> str:
    """Why a request failed: the server's answer, or the error's last clause (others repeat the address)."""
    if error.response is not None:
        return f"{error.response.status_code} {error.response.reason}"
    inner = error.args[0] if error.args else error
    reason = getattr(inner, "reason", inner)
    words = str(reason.args[0] if isinstance(reason, ProtocolError) else reason).rsplit(": ", 1)[-1]
    return re.sub(r"^[A-Z_]+\] ", "", words)  # of OpenSSL's words the second half
