"""No network, and one that answers rubbish, half of it, or nothing."""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from disturbed import failures
from project_copy import SMOKE, command, environment, snakemake

DATASET = "fashion-mnist"
DATA = f"results/smoke/data/{DATASET}"
TABLE = "results/smoke/tables/parts/training/plain-3-sgd.csv"
WORDS = [*SMOKE, "--config", f"dataset={DATASET}", "--", TABLE]
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nrubbish"
ANSWERS = {
    "rubbish": WHOLE,
    "a tenth of what it promises": WHOLE.replace(b" 7\r", b" 70\r"),
    "nothing": b"",
}


@contextmanager
def proxy(answer: bytes) -> Iterator[str]:
    """The address of a proxy that gives this answer, whatever it is asked; an empty one never."""

    def speak(caller: socket.socket) -> None:
        with caller:
            caller.recv(65536)
            caller.sendall(answer)
            time.sleep(0 if answer else 300)

    def listen() -> None:
        while True:
            try:
                caller, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=speak, args=[caller], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=listen, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def impatient(project: Path) -> None:
    """Wait a second for answers, for the test's sake."""
    sources = project / "src/movingtarget/data/sources.py"
    text = sources.read_text()
    assert "CONNECT_SECONDS, READ_SECONDS = 10, 60" in text
    sources.write_text(
        text.replace("CONNECT_SECONDS, READ_SECONDS = 10, 60", "CONNECT_SECONDS, READ_SECONDS = 1, 1")
    )


def told(project: Path, said: str, source: str) -> tuple[str, str]:
    """The one line on data that could not be had, and what was on the disk after."""
    (line,) = failures(said)
    assert f"dataset {DATASET} cannot be had: mirror {source}" in line
    assert "data_folder or MOVINGTARGET_DATA" in line
    assert len(line) < 600
    files = [file.relative_to(project / DATA) for file in (project / DATA).rglob("*") if file.is_file()]
    assert all(file.parts[0] == "set-aside" for file in files)
    return f"`{line}`", "wrong files set aside" if files else "no file of the data"


@pytest.fixture
def goes_on() -> Callable[[Path], str]:
    """Start again with the data at hand."""
    folder = Path(os.environ.get("MOVINGTARGET_DATA", "nowhere"))

    def start(project: Path) -> str:
        if not (folder / DATASET).is_dir():
            return "not tried: no data in MOVINGTARGET_DATA"
        run = snakemake(project, *WORDS, MOVINGTARGET_DATA=str(folder))
        assert run.returncode == 0, run.stderr
        return "goes on with the data in MOVINGTARGET_DATA"

    return start


def test_no_network(project: Path, tell: Callable[..., None], goes_on: Callable[[Path], str]):
    alone = ["unshare", "--user", "--map-root-user", "--net"]
    if not shutil.which("unshare") or subprocess.run([*alone, "true"], check=False).returncode != 0:
        pytest.skip("namespaces are not allowed here")
    run = subprocess.run(
        [*alone, *command(*WORDS)],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode != 0
    said, left = told(project, run.stderr, "http")
    tell(f"no network, and {DATASET} has to be fetched", said, left, goes_on(project))


@pytest.mark.parametrize("what", ANSWERS)
def test_a_network_that_answers(
    project: Path, tell: Callable[..., None], goes_on: Callable[[Path], str], what: str
):
    impatient(project)
    with proxy(ANSWERS[what]) as address:
        run = snakemake(project, *WORDS, http_proxy=address, https_proxy=address)
    assert run.returncode != 0
    said, left = told(project, run.stderr, "http")
    tell(f"a network that answers {what}", said, left, goes_on(project))
