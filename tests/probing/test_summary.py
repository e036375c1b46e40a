"""What the terminal shows: the verdict first, in few lines of few columns."""

from pathlib import Path

import pytest
from probing.cases import RESULTS

from movingtarget.probing.summary import summary
from movingtarget.probing.wording import DASH

PAGES = Path("probe/probe.html"), Path("probe/probe.json")


@pytest.fixture(params=RESULTS)
def shown(request):
    return RESULTS[request.param], summary(RESULTS[request.param], *PAGES)


def test_it_fits_a_terminal(shown):
    lines = shown[1].splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) <= 32


def test_the_verdict_comes_first_and_the_pages_last(shown):
    lines = shown[1].splitlines()
    assert lines[-2:] == [f"Wrote {path}" for path in PAGES]
    assert lines[0].startswith("Healthy" if not shown[0].findings else shown[1][:8])


def test_undefined_is_a_dash(shown):
    assert "nan" not in shown[1].lower().replace("finan", "")


def test_a_finding_says_why_and_what_to_do():
    text = summary(RESULTS["too_fast"], *PAGES)
    assert text.startswith("The learning rate is too high.\n  How sure     Seen in 4 of 4 batches.\n")
    words = " ".join(text.split())
    finding = RESULTS["too_fast"].findings[0]
    for said in (finding.evidence, finding.advice):
        assert said.replace(" %", "\N{NO-BREAK SPACE}%") in words.replace(" %", "\N{NO-BREAK SPACE}%")
    assert "layer in" not in text


def test_layers_in_trouble_are_told_with_their_numbers():
    lines = summary(RESULTS["cut"], *PAGES).splitlines()
    row = next(line for line in lines if line.startswith("embedding.tokens"))
    assert row.split() == ["embedding.tokens", "0", "v", "0", "v", "3.0", DASH, "93"]
    order = [line.split()[0] for line in lines if line[:1] in "…e" and line.endswith("93")]
    assert order[-2:] == ["embedding.positions", "embedding.tokens"]
    assert len(order) == 4


def test_of_many_layers_the_lowest_are_told():
    lines = summary(RESULTS["deep"], *PAGES).splitlines()
    assert "  and 31 above these" in lines
    assert sum("convolution_<3x3>  " in line for line in lines) == 8
    assert next(line for line in reversed(lines) if "<3x3> " in line).startswith("…blocks.0.")


def test_healthy_says_what_was_looked_for():
    text = summary(RESULTS["healthy"], *PAGES)
    assert "None of 11 kinds of trouble was seen in 4 batches of 128 examples." in text
    assert "double rate helped most, by 6 [3, 9]" in text
