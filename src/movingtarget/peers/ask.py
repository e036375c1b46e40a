"""Tools on cases: what each says of healthy networks and of such with a fault."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from movingtarget.cases.build import build, draw_batches, named, train
from movingtarget.cases.draft import Case, case_of
from movingtarget.data.load import Images
from movingtarget.peers.answer import Answer

Ask = Callable[[Case, int], Answer]


def answer_of(ask: Ask, case: Case, steps: int) -> Answer:
    """What a tool says, or in one line why it says nothing: whatever a tool may raise is its answer."""
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return ask(case, steps)
    except ImportError:
        return Answer((), "not installed")
    except Exception as error:
        return Answer((), " ".join(f"{type(error).__name__}: {error}".split()))


class Sizes(NamedTuple):
    """How many batches, and how many images in each."""

    batches: int
    batch_size: int


Entry = Mapping[str, Any] | None
"""What a fault is made of, `Fault.made_of`; None for none."""


def sick_case(
    images: Images, network: Mapping[str, Any], fault: Entry, sizes: Sizes, seed: int, trained_steps: int = 0
) -> Case:
    """A network with a fault, put in as it is drawn or after healthy training.

    Args:
        images: that it reads.
        network: what its kind is made of, `Kind.made_of`.
        fault: that is put in.
        sizes: of what it is given.
        seed: of weights, batches and fault.
        trained_steps: how long it is trained before, on other batches.
    """
    draft = build(network, images, draw_batches(images, *sizes, seed), seed)
    trained = case_of(draft)
    if trained_steps:
        before = draw_batches(images, trained_steps, sizes.batch_size, seed + 1_000_000)
        train(trained._replace(batches=before), trained_steps)
    case = case_of(named(fault["injection"])(draft, seed) if fault else draft)
    # what the optimiser remembers of its training stays: a fresh one would step otherwise
    for group in case.optimiser.param_groups:
        for parameter in group["params"]:
            if parameter in trained.optimiser.state:
                case.optimiser.state[parameter] = trained.optimiser.state[parameter]
    return case


def row(answer: Answer, fault: str) -> dict[str, Any]:
    """The columns of a table of detections that are measured.

    `detected`: 1 if something told may mean the fault, else 0. `alarmed`: 1 if a warning may not mean it.
    """
    return {
        "said": ", ".join(told.words for told in answer.told) or "nothing",
        "problem": answer.problem[:160] or "none",
        "detected": float(any(fault in told.meant for told in answer.told)),
        "alarmed": float(any(told.warns and fault not in told.meant for told in answer.told)),
    }


def detections(
    images: Images,
    tools: Mapping[str, str],
    kind: str,
    network: Mapping[str, Any],
    faults: Mapping[str, Entry],
    seeds: Sequence[int],
    sizes: Sizes,
    trained_steps: int,
    passes: int,
    say: Callable[[str], None],
) -> Iterator[dict[str, Any]]:
    """Rows of a table of detections: every fault and seed, by every tool.

    Args:
        images: that networks read.
        tools: "module:function" of each, by name.
        kind: of networks, by name.
        network: what it is made of.
        faults: what each is made of, by name.
        seeds: those that leave a remainder of 2 or 3 by 4 are trained before a fault is put in, unless it is
            there from the start.
        sizes: of what a tool is given.
        trained_steps: how long they are trained.
        passes: of a tool, at most: steps of training that it watches.
        say: told of progress.
    """
    for fault, entry in faults.items():
        say(f"{kind}, {fault}")
        for seed in seeds:
            trained = seed % 4 >= 2 and not (entry and entry["from_the_start"])
            start = "trained" if trained else "drawn"
            for tool, asked_by in tools.items():
                case = sick_case(images, network, entry, sizes, seed, trained_steps if trained else 0)
                arm = {"tool": tool, "kind": kind, "fault": fault, "seed": seed, "start": start}
                yield arm | row(answer_of(named(asked_by), case, passes), fault)
