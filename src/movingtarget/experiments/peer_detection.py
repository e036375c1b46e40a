"""Experiment: what published tools say of the cases that the probe is tested on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from movingtarget import work
from movingtarget.data.load import Images
from movingtarget.faults import made_of
from movingtarget.peers.ask import Sizes, detections
from movingtarget.settings import CASES, DETECTIONS
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tools import PEERS, TOOLS
from movingtarget.work import Data, Work


def jobs(config: Config) -> list[Job]:
    """A single one, of all kinds of networks."""
    settings = {key: config["fault_detection"][key] for key in CASES}
    tools = {name: TOOLS[name].asked_by for name in PEERS}
    settings["seeds"] = config["fault_detection"]["peer_seeds"]
    return [Job("", {**settings, "kinds": [made_of(kind) for kind in settings["kinds"]], "tools": tools})]


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Half of the seeds' healthy training, and the steps that every tool watches."""
    steps = (
        len(settings["seeds"]) * (settings["trained_steps"] / 2 + settings["passes"]) * len(settings["tools"])
    )
    return work.total(
        [
            len(kind["faults"]) * steps * work.ordinary_step(kind["kind"], settings["batch_size"], data)
            for kind in settings["kinds"]
        ]
    )


STUDY = Study(
    rule="peer_detection",
    settings={},
    tables={"peer_detection": DETECTIONS},
    jobs=jobs,
    images=True,
    apart=True,
    work=counted,
)


def measure(
    images: Images,
    kinds: Sequence[Mapping[str, Any]],
    tools: Mapping[str, str],
    seeds: Sequence[int],
    batches: int,
    batch_size: int,
    trained_steps: int,
    passes: int,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Table peer_detection: every kind, fault and seed, by every tool.

    Args:
        images: that networks classify.
        kinds: of each, `faults.made_of`.
        tools: "module:function" of each, by name.
        seeds: of weights, batches and faults.
        batches: how many a tool is given.
        batch_size: images of each.
        trained_steps: of healthy training, before some faults are put in.
        passes: steps of training that each tool watches.
        say: told of progress.
    """
    sizes = Sizes(batches, batch_size)
    rows = [
        row
        for of_kind in kinds
        for row in detections(
            images,
            tools,
            **of_kind,
            seeds=seeds,
            sizes=sizes,
            trained_steps=trained_steps,
            passes=passes,
            say=say,
        )
    ]
    return {"peer_detection": pd.DataFrame(rows)}
