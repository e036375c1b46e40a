"""How page and terminal say what a probe found: numbers, places and the verdict."""

import math
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from movingtarget.probing.findings import FINDINGS
from movingtarget.probing.notes import LABELS_UNTESTED
from movingtarget.probing.quantities import Quantity
from movingtarget.probing.result import Band, Finding, Layer, Result, Trial
from movingtarget.statistics.bootstrap import Interval

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
JOINED = "\N{WORD JOINER}"
TIMES = "\N{MULTIPLICATION SIGN}"
SPACE = "\N{NO-BREAK SPACE}"
HEALTHY = "Healthy: no trouble found"
POWERS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, digits: int = 2) -> str:
    """A number to so many significant digits, powers of ten split off where there are many zeros.

    >>> number(0.0314), number(1234.5), number(0.0), number(math.inf)
    ('0.031', '1,200', '0', '∞')
    """
    if not math.isfinite(value):
        return _not_finite(value)
    rounded = Decimal(f"{value:.{digits - 1}e}")
    power = rounded.adjusted()
    if rounded == 0:
        return "0"
    if -3 <= power < 5:
        return f"{rounded:,f}".replace("-", MINUS)
    return f"{rounded.scaleb(-power):f}{_times(power)}".replace("-", MINUS)


def _not_finite(value: float) -> str:
    return DASH if math.isnan(value) else "∞" if value > 0 else f"{MINUS}∞"


def _times(power: int) -> str:
    return f"{SPACE}{TIMES}{SPACE}10{str(power).translate(POWERS)}" if power else ""


def interval(measured: Interval, unit: str = "") -> str:
    """An estimate with its interval, if it has one, to the digits that the interval leaves certain.

    >>> interval(Interval(0.3512, 0.312, 0.404)), interval(Interval(12.0, 8.0, 16.0))
    ('0.35 [0.31, 0.40]', '12 [8, 16]')
    """
    values = [100 * value if unit == "%" else value for value in measured]
    end = f"{SPACE}%" if unit == "%" and math.isfinite(values[0]) else ""
    if not all(map(math.isfinite, values)) or values[1] == values[2]:
        known = all(map(math.isfinite, values[:1])) and not any(map(math.isnan, values[1:]))
        ends = f" [{number(values[1])}, {number(values[2])}]" if known and values[1] != values[2] else ""
        return f"{number(values[0])}{ends}{end}"
    power = max(_power(value) for value in values)
    power = 0 if -3 <= power < 5 else power
    values = [value / 10.0**power for value in values]
    width = values[2] - values[1]
    leading = -_power(values[0]) if abs(values[0]) > width / 10 else 0
    places = min(max(-_power(width / 5), leading, 0), 4)
    texts = [f"{value:z,.{places}f}".replace("-", MINUS) for value in values]
    return f"{texts[0]} [{texts[1]}, {texts[2]}]{_times(power)}{end}"


def _power(value: float) -> int:
    """Of ten, in the value's leading digit."""
    return math.floor(math.log10(abs(value))) if value else -300


def band(usual: Band | None, unit: str = "") -> str:
    """What is usual: "0.2 to 0.9"; a dash if that is not known."""
    if usual is None or any(map(math.isnan, usual)):
        return DASH
    scale, end = (100, f"{SPACE}%") if unit == "%" else (1, "")
    return f"{number(scale * usual[0])} to {number(scale * usual[1])}{end}"


def beyond(measured: Interval | None, usual: Band | None) -> str:
    """On which side of the usual an estimate lies: "above", "below", or empty."""
    if measured is None or usual is None:
        return ""
    return "above" if measured.estimate > usual[1] else "below" if measured.estimate < usual[0] else ""


def shortened(name: str, letters: int) -> str:
    """A name in so many letters at most, its end kept: that is where layers differ.

    >>> shortened("encoder.blocks.11.attention", 18), shortened("attention_of_many_heads", 10)
    ('…11.attention', '…any_heads')
    """
    if len(name) <= letters:
        return name
    end = name[len(name) - letters + 1 :]
    whole = end.partition(".")[2]
    return f"…{whole if len(whole) > letters / 2 else end}"


def short_names(names: Sequence[str], letters: int) -> list[str]:
    """Names in so many letters at most that can still be told apart, if any way of cutting them does that.

    >>> short_names(["stages.0.blocks.0.attention", "stages.1.blocks.0.attention"], 20)
    ['…0.blocks.0.attent…', '…1.blocks.0.attent…']
    """
    for longest in range(max(map(len, names), default=0), 2, -1):
        fit = (name if len(name) <= letters else _clipped(name, longest) for name in names)
        short = [shortened(name, letters) for name in fit]
        if len(set(short)) == len(set(names)):
            return short
    return [shortened(name, letters) for name in names]


def _clipped(name: str, longest: int) -> str:
    """A dotted name whose parts have so many letters at most."""
    parts = (part if len(part) <= longest else f"{part[: longest - 1]}…" for part in name.split("."))
    return ".".join(parts)


def listed(words: Sequence[str], most: int = 3) -> str:
    """Words in a row, the first few of them.

    >>> listed(["0", "2", "4", "6", "8"]), listed(["0", "2"])
    ('0, 2, 4 and 2 more', '0 and 2')
    """
    if len(words) > most:
        return f"{', '.join(words[:most])} and {len(words) - most} more"
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def where(finding: Finding, result: Result, letters: int = 60) -> str:
    """The layers in trouble, in few words; empty for the network as a whole."""
    names = [shortened(name, letters if len(finding.layers) < 3 else 40) for name in finding.layers]
    if len(names) < 4:
        return listed(names) if names else ""
    order = [layer.name for layer in result.layers]
    if "".join(f"\n{name}\n" for name in finding.layers) in "".join(f"\n{name}\n" for name in order):
        return f"{len(names)} layers, from {names[0]} to {names[-1]}"
    return f"{len(names)} layers: {listed(names, 2)}"


def counted(count: int, what: str) -> str:
    """A count and what is counted: "1 batch", "4 batches"."""
    plural = f"{what}es" if what.endswith(("ch", "s")) else f"{what}s"
    return f"{count:,} {what if count == 1 else plural}"


def headline(finding: Finding, result: Result) -> str:
    """What is wrong, and where."""
    title = FINDINGS[finding.name].title
    return f"{title}: {where(finding, result)}" if finding.layers else title


def verdict(result: Result) -> str:
    """One sentence: healthy, or the surest trouble and where it is."""
    return f"{headline(result.findings[0], result) if result.findings else HEALTHY}."


def typeset(text: str) -> str:
    r"""A sentence with proper minus signs, no line broken before a per cent sign or after "…".

    >>> typeset("3 %"), typeset("3%")
    ('3\xa0%', '3\xa0%')
    """
    text = re.sub(r"(?<=\d)%", " %", text)
    text = re.sub(r"(?<![\w.])-(?=\d)|(?<= )-(?= )", MINUS, text)
    return text.replace(" %", f"{SPACE}%").replace("…", f"…{JOINED}")


def sentence(text: str) -> str:
    """A phrase with a capital and a full stop.

    >>> sentence("seen in 4 of 4 batches"), sentence("Done.")
    ('Seen in 4 of 4 batches.', 'Done.')
    """
    text = typeset(text.strip())
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


def looked_for(result: Result) -> str:
    """How sure it is that a network is healthy."""
    batches = f"{counted(result.batches, 'batch')} of {counted(result.examples, 'example')}"
    if LABELS_UNTESTED in result.notes:
        return (
            f"None of {len(FINDINGS) - 1} kinds of trouble was seen in {batches}; whether labels have to do "
            "with inputs was not tested."
        )
    return f"None of {len(FINDINGS)} kinds of trouble was seen in {batches}."


def described(result: Result) -> str:
    """The network in a line."""
    return (
        f"{counted(result.parameters, 'parameter')} in {counted(len(result.layers), 'layer')}, "
        f"{result.optimiser} at a learning rate of {result.learning_rate:g}, "
        f"{counted(result.batches, 'batch')} of {counted(result.examples, 'example')}"
    )


def spent(result: Result) -> str:
    """The passes made, at most."""
    passes = result.passes
    most = f"at most {passes.forward} passes forward and {passes.backward} backward"
    return f"{most}, of {passes.allowed} allowed of each"


def tried(result: Result) -> list[Trial]:
    """The trials that have a gain, that which helped most first."""
    known = [trial for trial in result.trials if trial.gain and not math.isnan(trial.gain.estimate)]
    return sorted(known, key=lambda trial: -trial.gain.estimate if trial.gain else 0.0)


def untried(result: Result) -> list[Trial]:
    """The trials without a gain, except the network as it is."""
    known = [*tried(result), as_it_is(result)]
    return [trial for trial in result.trials if trial not in known]


def as_it_is(result: Result) -> Trial | None:
    """The trial of the network as it is, which others are compared with."""
    return next((trial for trial in result.trials if trial.drop and trial.gain is None), None)


def lowered(drop: Interval) -> str:
    """What steps do to the loss: "lower the loss by 12 [8, 16] %"."""
    if drop.estimate < 0:
        return f"raise the loss by {interval(Interval(-drop.estimate, -drop.high, -drop.low), '%')}"
    return f"lower the loss by {interval(drop, '%')}"


def effect(trial: Trial) -> str:
    """Whether a trial "helped" or "harmed", as far as its interval tells; else empty."""
    if trial.gain is None:
        return ""
    if math.isinf(trial.gain.estimate):
        return "helped" if trial.gain.estimate > 0 else "harmed"
    return "helped" if trial.gain.low > 0 else "harmed" if trial.gain.high < 0 else ""


def trial_title(trial: Trial) -> str:
    """What a trial is called."""
    return trial.name.replace("-", " ").replace("_", " ")


def what_helped(result: Result) -> str:
    """A sentence on the trial that helped most."""
    by_effect = sorted(tried(result), key=lambda trial: effect(trial) != "helped")
    best = next(iter(by_effect), None)
    if best is None or best.gain is None:
        return "Nothing could be tried."
    if effect(best) != "helped":
        return "Nothing that was tried helped beyond doubt."
    return f"Of what was tried, {trial_title(best)} helped most, by {interval(best.gain, '%')} of the loss."


def in_trouble(result: Result) -> list[str]:
    """The names of layers in trouble, bottom first; those of a stretch, if that is."""
    named = {name for finding in result.findings for name in finding.layers}
    named |= {name for block in result.blocks if block.name in named for name in block.layers}
    return [layer.name for layer in result.layers if layer.name in named]


def holders(result: Result, quantity: str) -> list[Layer]:
    """The layers that have a quantity, and the blocks that have it where no layer of theirs does."""
    layers = [layer for layer in result.layers if quantity in layer.measured]
    names, known = {layer.name for layer in result.layers}, {layer.name for layer in layers}
    blocks = [
        block
        for block in result.blocks
        if quantity in block.measured
        and not known & {*(block.layers or (block.name,))}
        and names >= {*(block.layers or (block.name,))}
    ]
    return [*layers, *blocks]


def outside(layers: Iterable[Layer], quantity: str) -> int:
    """In how many layers a quantity is not what is usual."""
    return sum(bool(beyond(layer.measured.get(quantity), layer.usual.get(quantity))) for layer in layers)


def as_unit(value: float, quantity: Quantity) -> str:
    """One number of a table's cell."""
    return number(100 * value if quantity.unit == "%" else value)
