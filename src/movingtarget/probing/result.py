"""What a probe has found."""

from dataclasses import dataclass, field

from movingtarget.statistics.bootstrap import Interval

Band = tuple[float, float]
"""The ends of what is usual."""


@dataclass(frozen=True)
class Layer:
    """One layer, or a stretch of successive layers that were moved together.

    Attributes:
        name: as in `named_modules()`.
        kind: the class of its module.
        parameters: how many.
        measured: by quantity, means over batches; without those that make no sense for it.
        usual: by quantity, what is usual in healthy networks of like kind and depth.
        layers: the names of those that a stretch is made of; empty for a layer.
    """

    name: str
    kind: str
    parameters: int
    measured: dict[str, Interval]
    usual: dict[str, Band] = field(default_factory=dict)
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trial:
    """A few steps by a rule or with a change to the network, then the loss on batches it was not stepped on.

    Attributes:
        name: one of `trials.TRIALS`.
        steps: how many.
        drop: of the loss on those batches, in losses before; None if it was not tried.
        gain: its drop less that of the network as it is, batch by batch; None for that itself.
        note: why it was not tried, or what is to be known of it; or empty.
    """

    name: str
    steps: int
    drop: Interval | None
    gain: Interval | None = None
    note: str = ""


@dataclass(frozen=True)
class Finding:
    """One trouble.

    Attributes:
        name: one of `findings.FINDINGS`.
        layers: the names of those in trouble; empty for the network as a whole.
        evidence: a sentence with the numbers that it rests on.
        sureness: a phrase, such as "seen in 4 of 4 batches".
        advice: what to try, the trial that helped most first.
    """

    name: str
    layers: tuple[str, ...]
    evidence: str
    sureness: str
    advice: str


@dataclass(frozen=True)
class Passes:
    """Passes on the user's network at most, and how many are allowed of either kind.

    A product with the Hessian counts as two backward.
    """

    forward: int
    backward: int
    allowed: int


@dataclass(frozen=True)
class Result:
    """A probe of one network.

    Attributes:
        network: the class of the network.
        parameters: how many.
        layers: bottom first.
        blocks: those that were moved alone, bottom first, with what takes moving: each a layer, or a stretch
            of them where passes were too few.
        whole: by quantity, of the network as a whole.
        usual: of these, what is usual in healthy networks of like kind and depth.
        likeness: a phrase, such as "a plain net of depth 20"; empty if it is like none.
        trials: what was tried.
        findings: the surest first; empty for a network in which nothing was found.
        optimiser: its class.
        learning_rate: of its first group of parameters.
        batches: how many were read.
        examples: of one batch.
        passes: made.
        notes: what could not be measured, and why.
    """

    network: str
    parameters: int
    layers: tuple[Layer, ...]
    blocks: tuple[Layer, ...]
    whole: dict[str, Interval]
    usual: dict[str, Band]
    likeness: str
    trials: tuple[Trial, ...]
    findings: tuple[Finding, ...]
    optimiser: str
    learning_rate: float
    batches: int
    examples: int
    passes: Passes
    notes: tuple[str, ...] = ()
