"""Experiment: what the probe finds in healthy networks, and in networks with a known fault."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import torch

from movingtarget import work
from movingtarget.cases.build import train
from movingtarget.cases.draft import Case
from movingtarget.data.load import Images
from movingtarget.faults import made_of
from movingtarget.peers.ask import Sizes, detections, sick_case
from movingtarget.settings import CASE, CASES, COUNT, DETECTIONS, SEEDS, of_test_images
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED
from movingtarget.tools import TOOLS
from movingtarget.work import Data, Work


def jobs(config: Config) -> list[Job]:
    """One for each kind of networks."""
    settings = {key: value for key, value in config["fault_detection"].items() if key != "peer_seeds"}
    tools = {"probe": TOOLS["probe"].asked_by}
    return [Job(kind, {**made_of(kind), "tools": tools, **settings}) for kind in settings.pop("kinds")]


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Half of the seeds' healthy training, the probe's passes, and the trainings that show the harm."""
    step = work.ordinary_step(settings["kind"], settings["batch_size"], data)
    looked_at = len(settings["seeds"]) * (settings["trained_steps"] / 2 + settings["passes"])
    steps: float = looked_at + len(settings["harm_seeds"]) * settings["harm_steps"]
    return len(settings["faults"]) * steps * step


STUDY = Study(
    rule="measure_fault_detection",
    settings={
        "seeds": SEEDS,
        "peer_seeds": SEEDS,
        **CASES,
        "harm_steps": COUNT,
        "harm_seeds": SEEDS,
        "evaluation_examples": of_test_images(),
    },
    tables={"fault_detection": DETECTIONS, "fault_harm": {**CASE, "value": MEASURED}},
    jobs=jobs,
    images=True,
    work=counted,
)


def measure(
    images: Images,
    kind: str,
    network: Mapping[str, Any],
    faults: Mapping[str, Mapping[str, Any] | None],
    tools: Mapping[str, str],
    seeds: Sequence[int],
    batches: int,
    batch_size: int,
    trained_steps: int,
    passes: int,
    harm_steps: int,
    harm_seeds: Sequence[int],
    evaluation_examples: int,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Tables fault_detection and fault_harm, of one kind of networks.

    Args:
        images: that networks classify.
        kind: its name.
        network: what its networks are made of, `Kind.made_of`.
        faults: what each is made of, `Fault.made_of`, by name; None for none.
        tools: "module:function" of each tool, by name.
        seeds: of weights, batches and faults.
        batches: how many a tool is given.
        batch_size: images of each.
        trained_steps: of healthy training, before some faults are put in.
        passes: of a tool forward and backward, at most.
        harm_steps: of the trainings that show what a fault does.
        harm_seeds: of those.
        evaluation_examples: test images, whose share of right answers they end with.
        say: told of progress.
    """
    sizes = Sizes(batches, batch_size)
    found = detections(images, tools, kind, network, faults, seeds, sizes, trained_steps, passes, say)
    say(f"{kind}, harm")

    def after(fault: str, seed: int) -> float:
        case = sick_case(images, network, faults[fault], Sizes(harm_steps, batch_size), seed)
        return accuracy_after(case, images, harm_steps, evaluation_examples)

    harm = [
        {"kind": kind, "fault": fault, "seed": seed, "value": after(fault, seed)}
        for fault in faults
        for seed in harm_seeds
    ]
    return {"fault_detection": pd.DataFrame(found), "fault_harm": pd.DataFrame(harm)}


def accuracy_after(case: Case, images: Images, steps: int, examples: int) -> float:
    """Share of right answers on test images after a training; batch norm has statistics of these."""
    train(case, steps)
    inputs = images.test_inputs[:examples].view(-1, 1, images.side, images.side)
    with torch.no_grad():
        answers = case.network(inputs).argmax(-1)
    return float((answers == images.test_labels[:examples]).double().mean())
