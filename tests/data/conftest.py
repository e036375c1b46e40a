"""A small data set with hashes of its own, and a web server on loopback that stands for mirrors."""

import gzip
import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from movingtarget.data import idx
from movingtarget.data.catalogue import FILES, Dataset

TRAINING, TEST, SIDE = 12, 5, 3


class Web(NamedTuple):
    """A web server: `url` is its root, `pages` what it serves, `asked` the paths asked for so far."""

    url: str
    pages: dict[str, bytes | Callable[[BaseHTTPRequestHandler], None]]
    asked: list[str]

    def serve(self, root: str, contents: dict[str, bytes]) -> str:
        """Serve each content as root/NAME.gz; return the root's address, for use as a mirror."""
        self.pages.update({f"/{root}/{name}.gz": content for name, content in contents.items()})
        return f"{self.url}{root}/"


@pytest.fixture
def contents() -> dict[str, bytes]:
    """The four IDX files of a small data set, by name."""
    generator = np.random.default_rng(0)
    shapes = [(TRAINING, SIDE, SIDE), (TRAINING,), (TEST, SIDE, SIDE), (TEST,)]
    arrays = [generator.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]
    return {name: idx.encode(array) for name, array in zip(FILES, arrays, strict=True)}


@pytest.fixture
def zipped(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {name: gzip.compress(content) for name, content in contents.items()}


@pytest.fixture
def dataset(contents: dict[str, bytes]) -> Dataset:
    """The small data set, without a source."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    return Dataset("small", "a small set", (TRAINING,), TEST, SIDE, hashes)


@pytest.fixture
def dead() -> str:
    """Address of a loopback port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    pages: dict[str, bytes | Callable[[BaseHTTPRequestHandler], None]] = {}
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            page = pages.get(self.path)
            if page is None:
                self.send_error(404)
            elif callable(page):
                page(self)
            else:
                self.send_response(200)
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Web(f"http://127.0.0.1:{server.server_port}/", pages, asked)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def place() -> Callable[[Path, dict[str, bytes]], Path]:
    """Write contents by name into a folder."""

    def write(folder: Path, contents: dict[str, bytes]) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        return folder

    return write
