"""What torchdiag 0.1.0 says: its checks before training, at each step and after.

It judges the size of gradients, the share of dead units and whether parameters changed. Counted in its
favour: frozen parameters and such as did not change, which it prints without calling them an issue.
"""

import contextlib
import io
import math
from collections.abc import Iterator
from typing import Any

from movingtarget.cases.draft import Case
from movingtarget.peers.answer import Answer, meaning

MEANINGS = {
    "frozen parameters": "layer-frozen",
    "parameters unchanged": "layer-frozen gradients-cut dead-rectifiers rate-too-low",
    "gradient is None": "gradients-cut",
    "gradient explodes": "rate-too-high loss-summed initial-scale no-normalisation",
    "gradient vanishes": "gradients-cut dead-rectifiers no-normalisation initial-scale",
    "units dead": "dead-rectifiers",
    "loss not finite": "rate-too-high loss-summed initial-scale",
}
"""The faults that its words may mean."""

PRINTED = {"frozen parameters", "parameters unchanged"}
"""What it does not call an issue: no false alarm, then."""

DEAD = 20.0
"""From this share on, in per cent, it warns of dead units."""


def ask(case: Case, steps: int) -> Answer:
    """Its warnings before, during and after as many steps, each once."""
    import torchdiag

    words: list[str] = []
    with contextlib.redirect_stdout(io.StringIO()):
        torchdiag.summary(case.network)
        words += _frozen(case)
        words += _dead(torchdiag.check_dead_neurons(case.network, case.batches[0][0]))
        for step in range(steps):
            verified = torchdiag.verify_step(
                case.network, case.optimiser, case.loss, *case.batches[step % len(case.batches)]
            )
            words += _verified(verified)
            words += _gradients(torchdiag.check_gradients(case.network))
        words += _dead(torchdiag.check_dead_neurons(case.network, case.batches[0][0]))
    return Answer(tuple(meaning(text, MEANINGS, text not in PRINTED) for text in dict.fromkeys(words)))


def _frozen(case: Case) -> Iterator[str]:
    """The line "Frozen" of its summary is not 0."""
    if not all(parameter.requires_grad for parameter in case.network.parameters()):
        yield "frozen parameters"


def _dead(report: dict[str, Any]) -> Iterator[str]:
    if any(layer["dead_pct"] > DEAD for layer in report.values()):
        yield "units dead"


def _verified(results: dict[str, Any]) -> Iterator[str]:
    if results.get("params_unchanged"):
        yield "parameters unchanged"
    if not math.isfinite(results["loss"]):
        yield "loss not finite"


def _gradients(stats: dict[str, Any]) -> Iterator[str]:
    said = {"no_grad": "gradient is None", "EXPLODE": "gradient explodes", "VANISH": "gradient vanishes"}
    yield from (said[entry["status"]] for entry in stats.values() if entry["status"] in said)
