"""Experiment: how far random first layers, and strokes read by hand, get in telling two classes apart."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from movingtarget import work
from movingtarget.data.catalogue import dataset_named
from movingtarget.data.load import Images
from movingtarget.families import FAMILIES
from movingtarget.measures.population import evaluating, population_statistics
from movingtarget.measures.strokes import stroke_directions
from movingtarget.networks import stack
from movingtarget.networks.chain import chain, propagate
from movingtarget.networks.described import Description
from movingtarget.networks.initialise import generator
from movingtarget.settings import (
    ACTIVATION,
    COUNT,
    INITIAL_WEIGHTS,
    POSITIVE,
    POSITIVES,
    SEARCH,
    SEEDS,
    at_least,
    choice,
    names_of,
    of_training_images,
    problems_of_seeds,
    several,
)
from movingtarget.statistics.rows import meeting, where
from movingtarget.study import Config, Job, Settings, Study
from movingtarget.tables import MEASURED
from movingtarget.training.loop import Training, train
from movingtarget.training.simultaneous import simultaneous
from movingtarget.training.tuned import start_of
from movingtarget.training.tuning import search, search_rows
from movingtarget.work import NOTHING, Data, Work

NETWORK = choice(*FAMILIES, "convolutional")


def jobs(config: Config) -> list[Job]:
    """One, of all networks."""
    settings = config["two_classes"]
    return [Job("", settings, tuple(family for family in FAMILIES if family in settings["networks"]))]


def problems(config: Config) -> Iterator[str]:
    """Both classes are in the data set, with examples enough."""
    yield from problems_of_seeds("two_classes")(config)
    settings, dataset = config["two_classes"], dataset_named(config["dataset"])
    classes, known = settings["classes"], range(dataset.classes)
    if missing := [number for number in classes if number not in known]:
        yield (
            f"two_classes.classes has {missing[0]}; allowed: 0 to {known[-1]}, the classes of {dataset.name}"
        )
    elif settings["examples"] > (most := sum(dataset.class_sizes[number] for number in classes)):
        yield (
            f"two_classes.examples is {settings['examples']}; "
            f"allowed: 4 to {most}, the training images of both classes in {dataset.name}"
        )
    if settings["batch_size"] > settings["examples"]:
        yield (
            f"two_classes.batch_size is {settings['batch_size']}; "
            f"allowed: 2 to {settings['examples']}, two_classes.examples"
        )


READ_OUT = 500
"""Numbers that a logistic regression writes for each that it reads, in its iterations."""


def counted(config: Config, settings: Settings, data: Data) -> Work:
    """Linear read-outs of all layers, and a search and trainings of every network, seed by seed."""
    seeds, examples, steps = len(settings["seeds"]), settings["examples"], settings["steps"]
    tests = data.test_images * 2 / data.classes
    found = NOTHING
    for network in settings["networks"]:
        of = work.described({**settings, "network": network}, data)
        of_step, of_look = partial(work.step, of, examples=settings["batch_size"]), work.scored(of, tests)
        read = len(of.layers) * Work(elements=READ_OUT * examples * settings["hidden_width"])
        one = {**settings, "seeds": [0], "tuning_seeds": [0]}
        found += seeds * (read + steps * of_step(1) + of_look(1) + work.forward(of, 1, examples + tests))
        found += len(settings["tuning_seeds"]) * work.tuned(one, steps, of_step, 1, of_look)
    pixels = Work(elements=READ_OUT * examples * data.pixels)
    return found + seeds * pixels


STUDY = Study(
    rule="measure_two_classes",
    settings={
        "seeds": SEEDS,
        "classes": {**several(at_least(0)), "minItems": 2, "maxItems": 2},
        "examples": of_training_images(4),
        "penalty": POSITIVE,
        "directions": at_least(2),
        "cells": at_least(2),
        "learning_rates": POSITIVES,
        "tuning_seeds": SEEDS,
        "hidden_width": COUNT,
        "depth": COUNT,
        "channels": {"type": "array", "minItems": 1, "items": COUNT},
        "activation": ACTIVATION,
        "initial_weights": INITIAL_WEIGHTS,
        "batch_size": of_training_images(2),
        "steps": COUNT,
        "networks": several(NETWORK),
    },
    tables={
        "two_classes": {
            "classifier": ("pixels", "strokes", "strokes-whole", "random-layers", "trained"),
            "network": ("none", *names_of(NETWORK)),
            "layers": int,
            "seed": int,
            "quantity": ("train_accuracy", "test_accuracy"),
            "value": MEASURED,
        },
        "two_classes_search": {"network": names_of(NETWORK), **SEARCH},
    },
    jobs=jobs,
    images=True,
    problems=problems,
    work=counted,
)

Features = tuple[Tensor, Tensor]
"""Of the training and of the test images, `(images, features)` each."""

Rows = list[dict[str, Any]]

Plan = Callable[[int, Sequence[float]], Training]
"""The training of a seed at some learning rates."""


def measure(
    images: Images,
    seeds: Sequence[int],
    classes: Sequence[int],
    examples: int,
    penalty: float,
    directions: int,
    cells: int,
    learning_rates: Sequence[float],
    tuning_seeds: Sequence[int],
    batch_size: int,
    steps: int,
    networks: Sequence[str],
    say: Callable[[str], None] = lambda line: None,
    **sizes: Any,
) -> dict[str, pd.DataFrame]:
    """Tables two_classes and two_classes_search: every classifier and seed, on test images.

    Each seed draws training images of its own. The linear classifiers are logistic regressions with one
    penalty: of the pixels, of stroke directions in the whole image (strokes-whole) and on a grid, and of the
    outputs of the first layers of random networks, from one layer to all but the output layer. Trained whole,
    a network has its own best rate.

    Args:
        images: the data.
        seeds: of the draw of training images, of weights and of their order.
        classes: the two that are told apart.
        examples: training images, of both classes together.
        penalty: of squared weights, relative to the summed loss.
        directions: bins for the angles of strokes.
        cells: along a side of the grid.
        learning_rates: with which the search begins.
        tuning_seeds: of the search.
        batch_size: of training.
        steps: of training.
        networks: families, or "convolutional".
        say: told of progress.
        sizes: other attributes of the networks' descriptions.

    Raises:
        ValueError: the data set has too few images of the two classes.
    """
    pair = of_classes(images, classes, examples)
    described = [Description(network, **sizes) for network in networks]
    rows: Rows = []
    for seed in seeds:
        say(f"linear read-outs, seed {seed}")
        drawn = subset(pair, examples, seed)
        read = by_hand(drawn, directions, cells) | random_layers(drawn, described, seed)
        for (classifier, network, layers), features in read.items():
            arm = {"classifier": classifier, "network": network, "layers": layers, "seed": seed}
            scores = read_out(features, drawn, penalty)
            rows += [arm | {"quantity": name, "value": value} for name, value in scores.items()]
    tables, searches = [pd.DataFrame(rows)], []
    for description in described:
        say(f"{description.network}, trained whole")
        plan = partial(_training, pair, examples, description, batch_size, steps)
        found = search(partial(_losses, plan, description, tuning_seeds), learning_rates)
        searches.append(search_rows(found, tuning_seeds, network=description.network))
        final = [_accuracies(plan(seed, [found.best]), description) for seed in seeds]
        tables.append(pd.concat(final).assign(classifier="trained", network=description.network, layers=0))
    return {"two_classes": pd.concat(tables), "two_classes_search": pd.concat(searches)}


def of_classes(images: Images, classes: Sequence[int], examples: int) -> Images:
    """The images of some classes, which are numbered anew, in the order given.

    Raises:
        ValueError: there are fewer training images of them than `examples`, or none of a class.
    """
    kept = []
    for inputs, labels in (images[:2], images[2:4]):
        if missing := [number for number in classes if not (labels == number).any()]:
            raise ValueError(
                f"classes has {missing[0]}, of which there are no images; allowed: two that are there"
            )
        numbers = torch.full((int(labels.max()) + 1,), -1)
        numbers[list(classes)] = torch.arange(len(classes))
        chosen = numbers[labels] >= 0
        kept += [inputs[chosen], numbers[labels][chosen]]
    if examples > (most := len(kept[1])):
        raise ValueError(f"examples is {examples}; allowed: 4 to {most}, the training images of both classes")
    train_inputs, train_labels, test_inputs, test_labels = kept
    return images._replace(
        train_inputs=train_inputs, train_labels=train_labels, test_inputs=test_inputs, test_labels=test_labels
    )


def subset(pair: Images, examples: int, seed: int) -> Images:
    """As many training images, half of each of two classes as far as there are, drawn by a seed."""
    order = torch.randperm(len(pair.train_labels), generator=generator(seed, "subset"))
    first, second = (order[pair.train_labels[order] == number] for number in (0, 1))
    share = min(max(examples // 2, examples - len(second)), len(first))
    drawn = torch.cat([first[:share], second[: examples - share]])
    return pair._replace(train_inputs=pair.train_inputs[drawn], train_labels=pair.train_labels[drawn])


def by_hand(images: Images, directions: int, cells: int) -> dict[tuple[str, str, int], Features]:
    """Pixels, and the directions of strokes, by classifier, network (none) and number of layers (0)."""
    square = [
        inputs.view(-1, images.side, images.side) for inputs in (images.train_inputs, images.test_inputs)
    ]
    read = {"pixels": (images.train_inputs, images.test_inputs)}
    for name, grid in {"strokes-whole": 1, "strokes": cells}.items():
        train_images, test_images = (stroke_directions(part, directions, grid) for part in square)
        read[name] = train_images, test_images
    return {(name, "none", 0): features for name, features in read.items()}


def random_layers(
    images: Images, described: Sequence[Description], seed: int
) -> dict[tuple[str, str, int], Features]:
    """Outputs of every hidden layer of random networks, by classifier, network and number of layers.

    Batch norm has the statistics of all the training images.
    """
    read = {}
    for description in described:
        network = description.draw(images, seed)
        parameters, links = stack([network]), chain(network)
        statistics = population_statistics(network, parameters, images.train_inputs, stacked=True)
        network.load_state_dict({name: value[0] for name, value in statistics.items()}, strict=False)
        with evaluating(network), torch.no_grad():
            reached: Features = images.train_inputs, images.test_inputs
            for layers, link in enumerate(links[:-1], 1):
                train_images, test_images = (
                    propagate([link], parameters, part).flatten(0, -2) for part in reached
                )
                reached = train_images, test_images
                read["random-layers", description.network, layers] = reached
    return read


def read_out(features: Features, images: Images, penalty: float) -> dict[str, float]:
    """Accuracies of a logistic regression of the features, centred and divided by one common deviation.

    A share of right answers each, on training and test images. It minimises the sum of losses and of half the
    squared weights times `penalty`.
    """
    train_images, test_images = features
    centre = train_images.mean(0)
    deviation = (train_images - centre).square().mean().sqrt().clamp(min=torch.finfo(centre.dtype).tiny)
    scaled = [((part - centre) / deviation).double().numpy() for part in (train_images, test_images)]
    model = LogisticRegression(C=1 / penalty, max_iter=10_000)
    model.fit(scaled[0], images.train_labels.numpy())
    labels = images.train_labels.numpy(), images.test_labels.numpy()
    names = "train_accuracy", "test_accuracy"
    return {name: model.score(*pair) for name, *pair in zip(names, scaled, labels, strict=True)}


def _training(
    pair: Images,
    examples: int,
    description: Description,
    batch_size: int,
    steps: int,
    seed: int,
    rates: Sequence[float],
) -> Training:
    """The training of one seed, on training images of its own and scored on all its and all test images."""
    images = subset(pair, examples, seed)
    return Training(
        network=description.draw(images, seed),
        rule=simultaneous,
        images=images,
        seeds=[seed],
        learning_rates=rates,
        batch_size=batch_size,
        steps=steps,
        evaluation_steps=[steps],
        evaluation_examples=max(examples, len(images.test_labels)),
        curve_window=steps + 1,  # longer than the run: no curve of minibatch losses
    )


def _losses(plan: Plan, description: Description, seeds: Sequence[int], rates: list[float]) -> Any:
    """Training losses at the end, `(rates, seeds)`."""
    scores = pd.concat([_final(plan(seed, rates), description) for seed in seeds])
    losses = where(scores, quantity="train_loss")
    return losses.pivot(index="learning_rate", columns="seed", values="value").loc[rates, [*seeds]].to_numpy()


def _accuracies(training: Training, description: Description) -> pd.DataFrame:
    """At the end of one training: columns seed, quantity and value."""
    accuracies = meeting(_final(training, description), quantity=["train_accuracy", "test_accuracy"])
    return accuracies[["seed", "quantity", "value"]]


def _final(training: Training, description: Description) -> pd.DataFrame:
    """Scores at the end, rows of the training loop."""
    reached = train(training, start_of(training, partial(description.draw, training.images)))
    return where(pd.DataFrame(reached.rows), step=training.steps)
