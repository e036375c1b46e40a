"""The probe's findings."""

from movingtarget.cases.draft import Case
from movingtarget.peers.answer import Answer, Told


def ask(case: Case, steps: int) -> Answer:
    """What it finds within as many passes forward and backward."""
    from movingtarget.probing.probe import probe

    found = probe(case.network, case.loss, case.batches, case.optimiser, passes=steps).findings
    return Answer(tuple(Told(finding.name, frozenset({finding.name})) for finding in found))
