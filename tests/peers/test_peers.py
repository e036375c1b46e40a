"""What tools say, in the probe's words: their readings on made-up numbers, and stand-ins for whole tools."""

import sys
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import torch

from movingtarget.cases.draft import Case
from movingtarget.data.load import Images
from movingtarget.faults import FAULTS, made_of
from movingtarget.peers import cockpit, probe, torchdiag, torchmortem
from movingtarget.peers.answer import Answer, Told, meaning
from movingtarget.peers.ask import Sizes, answer_of, detections, row

HIGH, DEAD = frozenset({"rate-too-high"}), frozenset({"dead-rectifiers", "gradients-cut"})


@pytest.mark.parametrize("peer", [cockpit, torchdiag, torchmortem])
def test_words_mean_known_faults(peer: Any):
    assert all(set(meant.split()) <= set(FAULTS) for meant in peer.MEANINGS.values())
    for words in peer.MEANINGS:
        assert meaning(words, peer.MEANINGS).meant  # no word begins as another does


@pytest.mark.parametrize(
    ("told", "fault", "detected", "alarmed"),
    [
        ((), "rate-too-high", 0, 0),
        ((Told("a", HIGH),), "rate-too-high", 1, 0),
        ((Told("b", DEAD),), "rate-too-high", 0, 1),
        ((Told("a", HIGH), Told("b", DEAD)), "gradients-cut", 1, 1),
        ((Told("a", HIGH),), "none", 0, 1),
        ((Told("a", HIGH, warns=False),), "none", 0, 0),
        ((Told("a", HIGH, warns=False),), "rate-too-high", 1, 0),
    ],
)
def test_a_warning_that_may_mean_the_fault_detects_it_and_another_is_an_alarm(
    told: tuple[Told, ...], fault: str, detected: float, alarmed: float
):
    found = row(Answer(told), fault)
    assert (found["detected"], found["alarmed"]) == (detected, alarmed)
    assert found["said"] == (", ".join(one.words for one in told) or "nothing")
    assert found["problem"] == "none"


def test_whatever_a_tool_raises_is_its_answer():
    def missing(case: Case, steps: int) -> Answer:
        raise ModuleNotFoundError("no such tool")

    def broken(case: Case, steps: int) -> Answer:
        torch.rand(1)
        raise TypeError("two\nlines")

    case, state = Case(torch.nn.Identity(), torch.sub, [], None), torch.get_rng_state()  # type: ignore[arg-type]
    assert answer_of(missing, case, 1).problem == "not installed"
    assert answer_of(broken, case, 1).problem == "TypeError: two lines"
    assert torch.equal(torch.get_rng_state(), state)


def test_the_probe_is_given_the_case_and_its_findings_are_told(monkeypatch: pytest.MonkeyPatch):
    given: list[Any] = []

    def stand_in(*arguments: Any, passes: int) -> Any:
        given.extend([*arguments, passes])
        return SimpleNamespace(findings=[SimpleNamespace(name="rate-too-high")])

    monkeypatch.setitem(sys.modules, "movingtarget.probing.probe", SimpleNamespace(probe=stand_in))
    assert probe.ask(Case("network", "loss", "batches", "optimiser"), 40) == Answer(  # type: ignore[arg-type]
        (Told("rate-too-high", HIGH),)
    )
    assert given == ["network", "loss", "batches", "optimiser", 40]


def shown(**values: Any) -> list[dict[str, Any]]:
    step = {"Loss": 1.0, "GradNorm": [1.0, 0.0, 2.0], "Distance": [0.5, 0.0, 0.1], "Alpha": -0.4}
    return [step | values] * 10


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, []),
        ({"Alpha": 0.3}, ["steps overshoot"]),
        ({"Alpha": -0.95}, ["steps undershoot"]),
        ({"Alpha": None}, []),
        ({"Loss": float("nan")}, ["loss explodes"]),
        ({"Distance": [0.5, 0.1, 0.0]}, ["a weight stays"]),
        ({"GradNorm": [1.0, 1.0, 0.0]}, ["a gradient is zero"]),
        ({"GradNorm": [1.0, 1.0, 1e-5]}, ["gradients differ in size"]),
    ],
)
def test_instruments_are_read_by_rules(values: dict[str, Any], expected: list[str]):
    """The parameter in the middle is a bias."""
    assert [told.words for told in cockpit._read(shown(**values), [True, False, True])] == expected


def test_a_loss_that_grows_explodes():
    grown = shown()[:5] + shown(Loss=1.6)[:5]
    assert [told.words for told in cockpit._read(grown, [True, False, True])] == ["loss explodes"]


def test_results_of_torchdiag_are_read():
    assert [*torchdiag._dead({"a": {"dead_pct": 20.0}})] == []
    assert [*torchdiag._dead({"a": {"dead_pct": 1.0}, "b": {"dead_pct": 21.0}})] == ["units dead"]
    assert [*torchdiag._verified({"params_unchanged": 0, "loss": 1.0})] == []
    assert [*torchdiag._verified({"params_unchanged": 2, "loss": float("inf")})] == [
        "parameters unchanged",
        "loss not finite",
    ]
    stats = {name: {"status": name} for name in ("OK", "no_grad", "EXPLODE", "VANISH")}
    assert [*torchdiag._gradients(stats)] == ["gradient is None", "gradient explodes", "gradient vanishes"]


@pytest.mark.parametrize("tool", [cockpit, torchdiag, torchmortem])
def test_a_tool_that_is_there_answers(tool: Any):
    """Skipped without the extra `peers`."""
    pytest.importorskip(tool.__name__.rpartition(".")[2])
    network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    torch.nn.init.constant_(network[0].bias, -30.0)  # type: ignore[arg-type]
    batches = [(torch.randn(16, 4), torch.randint(3, (16,))) for _ in range(3)]
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    answer = tool.ask(Case(network, torch.nn.CrossEntropyLoss(), batches, optimiser), 20)
    assert any("dead-rectifiers" in told.meant for told in answer.told)
    assert answer.problem == ""


def everything(case: Case, steps: int) -> Answer:
    """A tool that looks at the learning rate alone."""
    rate = case.optimiser.param_groups[0]["lr"]
    return Answer((Told("high", HIGH),) if rate > 1 else ())


def test_rows_of_every_fault_seed_and_tool():
    source = torch.Generator().manual_seed(0)
    inputs, labels = torch.randn(40, 64, generator=source), torch.arange(40) % 3
    images = Images(inputs, labels, inputs, labels)
    own = made_of("perceptron")
    own["faults"] = {name: own["faults"][name] for name in ("none", "rate-too-high", "initial-scale")}
    tools = {"one": f"{__name__}:everything", "other": f"{__name__}:everything"}
    sys.modules.setdefault(__name__, sys.modules[everything.__module__])
    rows = detections(
        images,
        tools,
        **own,
        seeds=[0, 2],
        sizes=Sizes(2, 8),
        trained_steps=1,
        passes=3,
        say=lambda line: None,
    )
    table = pd.DataFrame(rows)
    assert len(table) == 3 * 2 * 2
    assert table.groupby("fault")["detected"].mean().to_dict() == {
        "none": 0,
        "rate-too-high": 1,
        "initial-scale": 0,
    }
    starts = table.groupby("fault")["start"].agg(list).to_dict()
    both = ["drawn", "drawn", "trained", "trained"]
    assert starts == {"none": both, "rate-too-high": both, "initial-scale": ["drawn"] * 4}
