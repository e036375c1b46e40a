"""The command `movingtarget probe`: measures a user's network and writes what it found."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from movingtarget.probing.progress import Progress

HEALTHY, FOUND, CANNOT_MEASURE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes."""

EPILOGUE = """\
exit codes: 0 healthy, 1 something was found, 2 could not measure.

A batch is a pair (inputs, targets), or a mapping. A build function:

  def build():
      network = Net()
      optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
      return network, torch.nn.functional.cross_entropy, optimiser
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, those of the command line if not given; the exit code."""
    chosen = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that lacks a letter still shows the rest
    try:
        return _probe(chosen)
    except KeyboardInterrupt:
        print("\nmovingtarget: interrupted", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="movingtarget")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    probe = commands.add_parser(
        "probe",
        help="which layer of a network is in trouble, and what would help",
        description="Tells which layer of a network is in trouble, how sure that is, and what would help.",
        epilog=EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    probe.add_argument(
        "build",
        metavar="MODULE:FUNCTION",
        help="returns (network, loss, optimiser), or (network, loss, batches, optimiser)",
    )
    probe.add_argument(
        "--data",
        metavar="NAME",
        help="fashion-mnist, mnist or digits; a folder with inputs.npy and targets.npy; or MODULE:NAME of an "
        "iterable of batches or of a function that returns one. Goes before the function's own",
    )
    probe.add_argument(
        "--batch-size", type=_count, default=128, metavar="N", help="examples of a batch of arrays (128)"
    )
    probe.add_argument(
        "--passes", type=_count, default=50, metavar="N", help="allowed forward, and as many backward (50)"
    )
    probe.add_argument(
        "--output",
        type=Path,
        default=Path("probe"),
        metavar="FOLDER",
        help="where probe.html and probe.json go (probe)",
    )
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of 1 or more")
    return int(text)


def _probe(chosen: argparse.Namespace) -> int:
    """Measure, write and tell; whatever goes wrong is one line."""
    from movingtarget.probing.users_code import reason

    progress = Progress(sys.stderr)
    try:
        return _measure(chosen, progress)
    except (Exception, SystemExit) as error:
        progress.end()
        print(f"movingtarget: could not measure: {reason(error)}", file=sys.stderr)
        return CANNOT_MEASURE
    finally:
        progress.end()


def _measure(chosen: argparse.Namespace, progress: Progress) -> int:
    # imported here, so that help needs no second
    import movingtarget
    from movingtarget.probing.as_json import write_json
    from movingtarget.probing.page import write_page
    from movingtarget.probing.summary import summary
    from movingtarget.probing.users_code import build

    network, loss, own, optimiser = build(chosen.build)
    batches = _batches(chosen, own, progress)
    chosen.output.mkdir(parents=True, exist_ok=True)
    allowed = f"at most {chosen.passes} passes forward and as many backward"
    progress.keep(f"{type(network).__name__}: {allowed}")
    result = movingtarget.probe(network, loss, batches, optimiser, passes=chosen.passes, say=progress)
    progress.end()
    print(summary(result), flush=True)  # first: whatever becomes of the files, the answer is not lost
    for path in (
        write_page(result, chosen.output / "probe.html"),
        write_json(result, chosen.output / "probe.json"),
    ):
        print(f"Wrote {path}")
    return FOUND if result.findings else HEALTHY


def _batches(chosen: argparse.Namespace, own: Iterable[Any] | None, progress: Progress) -> Iterable[Any]:
    """The batches of `--data`, else the build function's own."""
    from movingtarget.probing.batches import batches_of
    from movingtarget.probing.refused import CannotMeasure

    if chosen.data is not None:
        return batches_of(chosen.data, chosen.batch_size, progress.keep)
    if own is None:
        raise CannotMeasure(f"{chosen.build} returned no batches; return them, or name some by --data")
    return own
