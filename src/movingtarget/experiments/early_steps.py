"""Experiment: the first hundreds of steps, at the best learning rate, below it and above it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import count, islice, pairwise, repeat
from math import log
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor, nn

from movingtarget import work
from movingtarget.data.load import Images
from movingtarget.measures.curvature import block_curvatures, largest_curvature
from movingtarget.measures.feature_similarity import feature_similarity
from movingtarget.measures.moving_target import covariate_shift, drops
from movingtarget.networks import Architecture, Parameters, build, build_random, call, stack
from movingtarget.networks.chain import chain, propagate
from movingtarget.networks.initialise import Weights, generator
from movingtarget.networks.losses import member_losses
from movingtarget.networks.scale_free import rescale, scale_free_weights, unit_norms
from movingtarget.settings import (
    ACTIVATION,
    COUNT,
    COUNTS,
    FAMILY,
    INITIAL_WEIGHTS,
    POSITIVES,
    SEARCH,
    SEEDS,
    names_of,
    of_training_images,
    problems_of_seeds,
    several,
)
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED, follows
from movingtarget.training.interface import Batch
from movingtarget.training.minibatches import batches
from movingtarget.training.simultaneous import descend, gradients_of
from movingtarget.training.tuning import Search, search, search_rows
from movingtarget.work import Data, Work

BATCHES = ("minibatches", "full batch")

QUANTITIES = (
    *("loss", "promise", "kept", "broken", "rising"),
    *("interaction", "own_curvature", "shift_cosine", "half_better"),
    *("curvature", "edge", "block_edge", "way_to_features", "effective_rate"),
    *("train_loss", "failed", "diverged"),
)


def jobs(config: Config) -> list[Job]:
    """One for each family."""
    settings = dict(config["early_steps"])
    networks = settings.pop("networks")
    return [Job(network, {"network": network, **settings}, (network,)) for network in networks]


def problems(config: Config) -> Iterator[str]:
    """The best rate is among the multiples, and seeds that choose it are not those tested."""
    settings = config["early_steps"]
    if 1 not in settings["multiples"]:
        given = ", ".join(map(str, settings["multiples"]))
        yield f"early_steps.multiples is {given}; allowed: numbers above 0 with 1, the best rate, among them"
    yield from problems_of_seeds("early_steps")(config)


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """On minibatches and on a full batch: a search, trainings at every multiple, and what is measured."""
    network = work.perceptron(
        settings["network"], data.pixels, settings["hidden_width"], settings["depth"], data.classes
    )
    seeds, tuning_seeds = len(settings["seeds"]), len(settings["tuning_seeds"])
    held = (
        sum(multiple > 1 for multiple in settings["multiples"]) if "batch-norm" in settings["network"] else 0
    )
    trainings, probe = len(settings["multiples"]) + held, settings["full_batch"]
    vectors = seeds * settings["iterations"] * network.parameters
    once = work.gradients(network, seeds, probe)
    lanczos = Work(elements=10 * vectors * settings["iterations"], held=4 * vectors + 3 * once.held)
    curvature = 3 * settings["iterations"] * once + lanczos

    def on(size: int, steps: int) -> Work:
        def followed(members: int) -> Work:
            return steps * (work.step(network, members, size) + work.forward(network, members, size))

        moments = 2 + len([moment for moment in settings["moments"] if moment < steps])
        moment = 3 * work.sweep(network, seeds, size) + curvature
        measured = trainings * (followed(seeds) + moments * moment)
        return work.total([work.tried(settings) * followed(tuning_seeds), measured])

    return on(settings["batch_size"], settings["steps"]) + on(probe, settings["full_batch_steps"])


STUDY = Study(
    rule="follow_early_steps",
    settings={
        "seeds": SEEDS,
        "learning_rates": POSITIVES,
        "tuning_seeds": SEEDS,
        "multiples": POSITIVES,
        "hidden_width": COUNT,
        "depth": COUNT,
        "activation": ACTIVATION,
        "initial_weights": INITIAL_WEIGHTS,
        "batch_size": of_training_images(2),
        "steps": COUNT,
        "full_batch": of_training_images(2),
        "full_batch_steps": COUNT,
        "moments": COUNTS,
        "iterations": COUNT,
        "networks": several(FAMILY),
    },
    tables={
        "early_steps": {
            "network": names_of(FAMILY),
            "batches": BATCHES,
            "norms": ("free", "held"),
            "multiple": float,
            "learning_rate": follows(float),
            "seed": int,
            "step": int,
            "quantity": QUANTITIES,
            "value": MEASURED,
        },
        "early_steps_search": {"network": names_of(FAMILY), "batches": BATCHES, **SEARCH},
    },
    jobs=jobs,
    images=True,
    accelerated=True,
    problems=problems,
    work=counted,
)

CLOSE = 0.1
"""In nats: a loss that ends no further below that of a uniform guess has failed."""

Quantities = dict[str, Tensor]
"""Values by name, `(members,)` each."""


class Path(NamedTuple):
    """Every step of a training, `(steps, members)` each.

    Attributes:
        loss: of the step's batch, before the step.
        joint: J, what the step lowered it by.
        first_order: F, what the gradient promised.
    """

    loss: Tensor
    joint: Tensor
    first_order: Tensor


class Moment(NamedTuple):
    """A step as training takes it.

    Attributes:
        step: its number, from 1.
        before: the parameters before it.
        after: the parameters after it.
        batch: that its gradient was taken on.
    """

    step: int
    before: Parameters
    after: Parameters
    batch: Batch


class Setting(NamedTuple):
    """What trainings of one family on one kind of batch share."""

    images: Images
    architecture: Architecture
    batches: str
    batch_size: int
    steps: int


class Plan(NamedTuple):
    """What is measured of a training, and when.

    Attributes:
        moments: numbers of the steps measured, ascending, from the first to the last.
        probe: the examples that curvature and features are measured on.
        iterations: of Lanczos.
        blocks: steps at which each layer's own curvature is measured too.
    """

    moments: Sequence[int]
    probe: Batch
    iterations: int
    blocks: Collection[int] = ()


def measure(
    images: Images,
    network: str,
    seeds: Sequence[int],
    learning_rates: Sequence[float],
    tuning_seeds: Sequence[int],
    multiples: Sequence[float],
    hidden_width: int,
    depth: int,
    activation: str,
    initial_weights: Weights,
    batch_size: int,
    steps: int,
    full_batch: int,
    full_batch_steps: int,
    moments: Sequence[int],
    iterations: int,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Rows of one family, on minibatches and a full batch: a search, and trainings at multiples of its best.

    Where batch norm makes weights scale-free, trainings above the best rate are repeated with the norms of
    those weights held.

    Args:
        images: the training images.
        network: the family.
        seeds: of the weights and of the examples.
        learning_rates: that the search starts from.
        tuning_seeds: that it trains.
        multiples: of the best rate.
        hidden_width: units of a hidden layer.
        depth: hidden layers.
        activation: of families that have none of their own.
        initial_weights: "normal" or "orthogonal".
        batch_size: examples in a minibatch; each seed has its own, in its own order.
        steps: on minibatches.
        full_batch: examples of the full batch, each seed's own and the same every step; curvature and
            features are measured on them whatever the batches.
        full_batch_steps: on the full batch.
        moments: numbers of the steps that are measured, beside the first and the last; at each a window ends
            as well, of the steps since the one before.
        iterations: of Lanczos.
        say: told of progress.

    Raises:
        ValueError: a batch is larger than the training data.
    """
    for name, size in {"batch_size": batch_size, "full_batch": full_batch}.items():
        if not 1 < size <= (most := len(images.train_labels)):
            raise ValueError(f"{name} is {size}; allowed: 2 to {most}, the training images")
    architecture = Architecture(
        network, images.features, hidden_width, depth, images.classes, activation, initial_weights
    )
    kinds = [(batch_size, steps), (full_batch, full_batch_steps)]
    rows, searches = [], []
    for kind, (size, taken) in zip(BATCHES, kinds, strict=True):
        setting = Setting(images, architecture, kind, size, taken)
        found = _searched(setting, learning_rates, tuning_seeds, say)
        searches.append(search_rows(found, tuning_seeds, network=network, batches=kind))
        chosen = sorted({1, *(moment for moment in moments if moment < taken), taken})
        plan = Plan(chosen, _examples(images, seeds, full_batch), iterations)
        for multiple in multiples:
            say(f"{kind}, {multiple:g} times the best rate")
            of_multiple = _at(setting, seeds, multiple * found.best, plan, multiple)
            rows.append(of_multiple.assign(network=network, batches=kind, multiple=float(multiple)))
    return {
        "early_steps": pd.concat(rows, ignore_index=True),
        "early_steps_search": pd.concat(searches, ignore_index=True),
    }


def follow(
    network: nn.Module,
    parameters: Parameters,
    minibatches: Iterator[Batch],
    rates: Tensor,
    held: Sequence[str] = (),
    observe: Callable[[Moment], None] = lambda moment: None,
) -> tuple[Path, Parameters]:
    """Gradient descent of a stack, step by step, until its batches end or all its members have diverged.

    Args:
        network: whose parameters are replaced, in training mode.
        parameters: of the stack; left as they are.
        minibatches: one for each step.
        rates: `(members,)`.
        held: names of weights that are scaled back, unit by unit, to the norms they start with after each
            step; scale-free ones, or the function would change.
        observe: is shown each step; what it is shown stays as it is.

    Returns:
        What each step promised and kept, and the parameters at the end.
    """
    norms = unit_norms(parameters, held)
    taken = []
    for step, batch in enumerate(minibatches, 1):
        loss, gradient = gradients_of(network, parameters, batch)
        after = {name: value.clone() for name, value in parameters.items()}
        descend(after, gradient, rates)
        with torch.no_grad():
            joint = loss - member_losses(call(network, after, batch.inputs), batch.labels)
        taken.append((loss, joint, rates * _squares(gradient)))
        observe(Moment(step, parameters, after, batch))
        parameters = rescale(after, norms)
        if not loss.isfinite().any():
            break
    return Path(*(torch.stack(values) for values in zip(*taken, strict=True))), parameters


def _squares(values: Parameters) -> Tensor:
    """Squared norm of each member's values, `(members,)`."""
    return torch.stack([_sizes(value) for value in values.values()]).sum(0)


def _searched(
    setting: Setting, start: Sequence[float], seeds: Sequence[int], say: Callable[[str], None]
) -> Search:
    """The search for the best rate, by the loss at the end."""

    def end_losses(rates: list[float]) -> list[list[float]]:
        say(f"{setting.batches}, search at {', '.join(map(str, rates))}")
        return [_end_loss(_train(setting, seeds, rate), setting.steps).tolist() for rate in rates]

    return search(end_losses, start)


def _at(setting: Setting, seeds: Sequence[int], rate: float, plan: Plan, multiple: float) -> pd.DataFrame:
    """Rows of all seeds at a multiple of the best rate, with the norms of scale-free weights free and held.

    Layers' own curvatures are measured at the best rate on a full batch, at the first moment and the middle
    one.
    """
    if multiple == 1 and setting.batches == "full batch":
        plan = plan._replace(blocks={1, plan.moments[len(plan.moments) // 2]})
    held = multiple > 1 and scale_free_weights(build(setting.architecture))
    frames = [
        _rows(_followed(setting, seeds, rate, norms == "held", plan), seeds).assign(norms=norms)
        for norms in (["free", "held"] if held else ["free"])
    ]
    return pd.concat(frames).assign(learning_rate=rate)


def _batches(setting: Setting, seeds: Sequence[int]) -> Iterator[Batch]:
    """The batches of a training, one for each step."""
    images, size = setting.images, setting.batch_size
    if setting.batches == "full batch":
        yield from repeat(_examples(images, seeds, size), setting.steps)
        return
    of_epoch = partial(batches, len(images.train_labels), size, seeds)
    endless = (index for epoch in count() for index in of_epoch(epoch).to(images.device))
    for index in islice(endless, setting.steps):
        yield Batch(images.train_inputs[index], images.train_labels[index])


def _examples(images: Images, seeds: Sequence[int], size: int) -> Batch:
    """A full batch: each seed's own first examples, in an order of their own."""
    orders = [
        torch.randperm(len(images.train_labels), generator=generator(seed, "full batch")) for seed in seeds
    ]
    index = torch.stack(orders)[:, :size]
    return Batch(images.train_inputs[index], images.train_labels[index])


def _drawn(setting: Setting, seeds: Sequence[int]) -> list[nn.Module]:
    return [build_random(setting.architecture, seed).to(setting.images.device) for seed in seeds]


def _train(setting: Setting, seeds: Sequence[int], rate: float) -> Path:
    networks = _drawn(setting, seeds)
    rates = torch.full((len(seeds),), rate, device=setting.images.device)
    return follow(networks[0], stack(networks), _batches(setting, seeds), rates)[0]


def _end_loss(path: Path, steps: int) -> Tensor:
    """Mean loss over the last tenth of the steps; not finite where one is not."""
    return _whole(path.loss, steps)[-max(1, steps // 10) :].mean(0)


def _followed(
    setting: Setting, seeds: Sequence[int], rate: float, hold: bool, plan: Plan
) -> dict[int, Quantities]:
    """All that is measured, by step, of the trainings of all seeds at one rate."""
    networks = _drawn(setting, seeds)
    network, start = networks[0], stack(networks)
    rates = torch.full((len(seeds),), rate, device=setting.images.device)
    free = scale_free_weights(network)
    measured: dict[int, Quantities] = {}
    features: dict[int, Tensor] = {}

    def observe(moment: Moment) -> None:
        if moment.step in plan.moments:
            features[moment.step] = _features(network, moment.before, plan.probe.inputs)
            measured[moment.step] = {
                **_step(network, moment, rates),
                **_curvatures(network, moment, plan, rates),
                **_effective_rate(start, moment.before, free),
            }

    held = free if hold else []
    path, end = follow(network, start, _batches(setting, seeds), rates, held, observe)
    last = _features(network, end, plan.probe.inputs)
    for step, values in measured.items():
        values["way_to_features"] = _way(features[step], features[1], last)
    for step, values in _windows(path, plan.moments, setting.steps).items():
        # a training whose members have all diverged has stopped
        lost = {name: torch.full_like(value, torch.nan) for name, value in measured[1].items()}
        measured[step] = measured.get(step, lost) | values
    measured[setting.steps] |= _outcome(path, setting)
    return measured


def _whole(values: Tensor, steps: int) -> Tensor:
    """The values of all steps, `(steps, members)`, float64: NaN for those that were not taken."""
    missing = values.new_full((steps - len(values), values.shape[1]), torch.nan)
    return torch.cat([values, missing]).double()


def _windows(path: Path, ends: Sequence[int], steps: int) -> dict[int, Quantities]:
    """What the steps of each window kept together; a window begins after the end of the one before."""
    whole = [_whole(values, steps).cpu() for values in path]  # a card's medians may differ from run to run
    found = {}
    for start, end in pairwise([0, *ends]):
        loss, joint, first_order = (values[start:end] for values in whole)
        found[end] = {
            "loss": loss.mean(0),
            "promise": (first_order / loss).median(0).values,
            "kept": joint.sum(0) / first_order.sum(0),
            "broken": (~(joint >= first_order / 2)).double().mean(0),
            "rising": (~(joint >= 0)).double().mean(0),
        }
    return found


def _outcome(path: Path, setting: Setting) -> Quantities:
    """How the training ended."""
    loss = _end_loss(path, setting.steps)
    failed = ~(loss < log(setting.images.classes) - CLOSE)
    return {"train_loss": loss, "failed": failed.double(), "diverged": (~loss.isfinite()).double()}


def _step(network: nn.Module, moment: Moment, rates: Tensor) -> Quantities:
    """What one step does to the loss of its own batch, and to the layers' gradients on it."""
    _, before, after, batch = moment
    found = drops(network, before, after, *batch, stacked=True)
    single, first_order = found.single.sum(0), found.first_order
    halfway = {name: (value + after[name]) / 2 for name, value in before.items()}
    with torch.no_grad():
        by_half = found.loss - member_losses(call(network, halfway, batch.inputs), batch.labels)
    return {
        "interaction": (single - found.joint) / first_order,
        "own_curvature": (first_order - single) / first_order,
        "shift_cosine": covariate_shift(network, before, after, *batch, stacked=True).cosine[1:].mean(0),
        "half_better": (by_half > found.joint).double(),
    }


def _curvatures(network: nn.Module, moment: Moment, plan: Plan, rates: Tensor) -> Quantities:
    """The largest eigenvalue of the Hessian before a step, as it is and in units of the edge, 2 / rate."""
    parameters, probe, iterations = moment.before, plan.probe, plan.iterations
    if moment.step in plan.blocks:
        found = block_curvatures(network, parameters, *probe, iterations, iterations, seed=0, stacked=True)
        return {
            "curvature": found.whole,
            "edge": rates * found.whole / 2,
            "block_edge": rates * found.blocks.amax(0) / 2,
        }
    source = generator(0, "curvature")

    def losses(values: Parameters) -> Tensor:
        return member_losses(call(network, values, probe.inputs), probe.labels)

    whole = largest_curvature(losses, parameters, [*parameters], iterations, source)
    return {"curvature": whole, "edge": rates * whole / 2}


def _effective_rate(start: Parameters, parameters: Parameters, free: Sequence[str]) -> Quantities:
    """What the growth of scale-free weights leaves of the learning rate, a mean over their layers."""
    if not free:
        return {}
    shares = [_sizes(start[name]) / _sizes(parameters[name]) for name in free]
    return {"effective_rate": torch.stack(shares).mean(0)}


def _sizes(values: Tensor) -> Tensor:
    """The same of one tensor."""
    return values.flatten(1).square().sum(1)


@torch.no_grad()
def _features(network: nn.Module, parameters: Parameters, inputs: Tensor) -> Tensor:
    """Outputs of every hidden layer, `(layers, members, examples, width)`."""
    reached = [inputs]
    for link in chain(network)[:-1]:
        reached.append(propagate([link], parameters, reached[-1].clone()))
    return torch.stack(reached[1:])


def _way(features: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """The share made of the way from the first to the last features, as dissimilarities have it.

    0 before the first step and 1 after the last; a mean over layers.
    """
    whole, left = (1 - feature_similarity(values, last) for values in (first, features))
    return (1 - left / whole).mean(0)


def _rows(measured: Mapping[int, Quantities], seeds: Sequence[int]) -> pd.DataFrame:
    """A row for each step, quantity and seed; NaN for what is not finite."""
    return pd.DataFrame(
        [
            {"seed": seed, "step": step, "quantity": quantity, "value": value}
            for step, quantities in measured.items()
            for quantity, values in quantities.items()
            for seed, value in zip(seeds, values.where(values.isfinite(), torch.nan).tolist(), strict=True)
        ]
    )
