"""The two pages: whole, self-contained, escaped, nothing undefined shown, drawn where the numbers are."""

import math
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from typing import NamedTuple

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from probing.cases import RESULTS, block, cut, healthy, layer, odd

from movingtarget.probing.drawings import PANELS, draw_layers, draw_trials
from movingtarget.probing.findings import FINDINGS
from movingtarget.probing.page import page, write_page
from movingtarget.probing.quantities import OF_LAYER, OF_WHOLE
from movingtarget.probing.result import Finding, Trial
from movingtarget.probing.wording import DASH, interval, lowered, number, short_names, tried, typeset
from movingtarget.statistics.bootstrap import Interval

VOID = {"meta", "link", "br", "img"}


class Reader(HTMLParser):
    """What a browser makes of a page: its text, tags, what it loads, and whether tags match."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.tags: list[str] = []
        self.loaded: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(text)
        assert not self.stack

    def handle_starttag(self, tag, attributes):  # noqa: D102
        self.tags.append(tag)
        self.loaded += [value for name, value in attributes if name in ("src", "href", "xlink:href")]
        self.ids += [value for name, value in attributes if name == "id"]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attributes):  # noqa: D102
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.stack.pop()

    def handle_endtag(self, tag):  # noqa: D102
        assert self.stack.pop() == tag

    def handle_data(self, data):  # noqa: D102
        if self.stack[-1:] != ["style"]:
            self.text += f"{data} "


@cache
def page_of(name):
    return page(RESULTS[name])


@cache
def reader_of(name):
    return Reader(page_of(name))


@pytest.fixture(params=RESULTS)
def read(request):
    return RESULTS[request.param], reader_of(request.param)


def words(text):
    return " ".join(text.split())


def test_it_loads_and_runs_nothing(read):
    assert "script" not in read[1].tags
    assert all(address.startswith("#") for address in read[1].loaded)
    assert "@import" not in page_of("healthy")
    assert not re.search(r"url\((?!#)", page_of("healthy"))


def test_references_within_drawings_find_what_they_mean(read):
    ids = read[1].ids
    assert len(ids) == len(set(ids))
    assert {address[1:] for address in read[1].loaded} <= set(ids)


def test_there_are_two_pages(read):
    assert read[1].tags.count("section") == 2


def test_nothing_undefined_is_shown(read):
    text = words(read[1].text)
    assert not re.search(r"\b(nan|none|inf|null)\b", text.replace("None of", ""), flags=re.IGNORECASE)


def test_the_verdict_is_told_with_why_and_what_to_do(read):
    result, reader = read
    text = words(reader.text)
    if not result.findings:
        assert "Healthy: no trouble found." in text
        return
    first = result.findings[0]
    for said in (FINDINGS[first.name].title, first.evidence, first.advice, first.sureness[1:]):
        assert words(typeset(said)).rstrip(".") in text


def test_every_quantity_of_the_network_is_beside_what_is_usual():
    text = words(reader_of("healthy").text)
    result = healthy()
    for name, quantity in OF_WHOLE.items():
        assert words(typeset(quantity.title)) in text
        assert words(interval(result.whole[name], quantity.unit)) in text


def test_names_are_escaped():
    text = page_of("odd")
    assert "<script>" not in text
    assert "<b>Odd" not in text
    assert "&lt;script&gt;" in text
    assert "A step of <0>." in Reader(text).text


def test_a_name_is_not_taken_for_mathematics():
    result = replace(
        healthy(), layers=(layer("$x_{1}^{$"),), blocks=(), trials=(Trial("a$b_$", 0, None),) * 2
    )
    assert "$x_{1}^{$" in page(result)


def test_layers_are_tabled_top_first_if_they_fit():
    text = words(reader_of("cut").text)
    rows = text[text.index("Layer Parameters") :]
    assert rows.index("head") < rows.index("embedding.positions") < rows.index("embedding.tokens")
    assert "Layer Parameters" not in reader_of("deep").text


def test_what_is_not_usual_is_counted():
    assert "gradient (4 of 20), dead units (2 of 20) and update / weight (2 of 20)" in words(page_of("cut"))
    assert "In no layer is anything outside" in page_of("healthy")
    assert "What is usual is not known" in page_of("odd")


def test_without_intervals_it_says_so():
    assert "One batch was read, so there are no intervals" in page_of("odd")
    assert "Intervals are over 4 batches" in page_of("healthy")


def test_findings_beyond_the_room_are_named():
    many = tuple(Finding(name, (), "Evidence. " * 40, "seen", "Advice. " * 40) for name in FINDINGS)
    text = Reader(page(replace(healthy(), findings=many))).text
    assert text.count("What to try") < 4
    for kind in FINDINGS.values():
        assert kind.title in text


@cache
def drawn_cut():
    return drawn_layers(cut())


def drawn_layers(result, tallest=10.0):
    figure = draw_layers(result, tallest)
    assert figure is not None
    return figure


def panels(figure):
    return {axes.get_title(loc="left").replace("\n", " "): axes for axes in figure.axes}


class Point(NamedTuple):
    """A dot as drawn."""

    height: float
    value: float
    marker: object
    colour: str


def dots(axes):
    """The points drawn, lowest first."""
    clouds = [line for line in axes.lines if line.get_linestyle() == "None"]
    return sorted(
        Point(float(y), float(x), cloud.get_marker(), to_hex(cloud.get_color()))
        for cloud in clouds
        for x, y in cloud.get_xydata()
    )


def test_layers_are_drawn_at_their_values_bottom_first():
    result = cut()
    drawn = panels(drawn_cut())
    assert set(drawn) == {OF_LAYER[name].title for name in PANELS}
    activations = [layer.measured["activation_size"].estimate for layer in result.layers]
    points = dots(drawn["activation"])
    assert [point.value for point in points] == pytest.approx(activations)
    assert [point.height for point in points] == [*range(20)]


def test_shares_are_drawn_in_hundredths():
    points = dots(panels(drawn_cut())["dead units"])
    assert points[7].value == pytest.approx(71)
    assert points[7][2:] == ("D", "#d55e00")
    assert points[6][2:] == ("o", "#303030")


def test_zero_on_a_logarithm_is_an_arrow_at_the_edge():
    axes = panels(drawn_cut())["gradient"]
    assert dots(axes)[0].marker == "<"
    assert dots(axes)[0].value == axes.get_xlim()[0]


def test_a_stretch_is_drawn_across_its_layers():
    parts = [layer(str(place)) for place in range(4)]
    result = replace(healthy(), layers=tuple(parts), blocks=(block(parts[:3]), block(parts[3:])))
    heights = [point.height for point in dots(panels(drawn_layers(result))["kept alone"])]
    assert heights == [1.0, 3.0]


def test_layers_and_stretches_share_a_panel():
    """A block of one layer is told of the layer itself; the others are stretches."""
    parts = [layer("0", kept_alone=0.5), layer("1"), layer("2")]
    result = replace(healthy(), layers=tuple(parts), blocks=(block(parts[:1]), block(parts[1:])))
    drawn = dots(panels(drawn_layers(result))["kept alone"])
    assert [(point.height, point.value) for point in drawn] == [(0.0, 0.5), (1.5, 0.91)]


def test_layers_in_trouble_are_bold():
    texts = {text.get_text(): text.get_fontweight() for text in drawn_cut().axes[0].texts}
    assert texts["embedding.tokens"] == "bold"
    assert texts["head"] == "normal"
    assert sum(weight == "bold" for weight in texts.values()) == 4


def test_a_stretch_in_trouble_marks_its_layers():
    parts = [layer(str(place)) for place in range(4)]
    moved = block(parts[:3])
    finding = Finding("rate-too-high", (moved.name,), "", "", "")
    result = replace(healthy(), layers=tuple(parts), blocks=(moved,), findings=(finding,))
    texts = {text.get_text(): text.get_fontweight() for text in drawn_layers(result).axes[0].texts}
    assert texts == {"0": "bold", "1": "bold", "2": "bold", "3": "normal"}


def test_names_that_are_cut_can_still_be_told_apart():
    names = [f"backbone.stages.{stage}.convolution_of_many_channels" for stage in range(4)] + ["head.linear"]
    short = short_names(names, 24)
    assert len(set(short)) == 5
    assert max(map(len, short)) <= 24
    assert short[-1] == "head.linear"
    assert short_names(["a.b", "a.b"], 24) == ["a.b", "a.b"]


def test_names_do_not_lie_on_each_other_however_many_layers():
    for count in (3, 40, 130):
        result = replace(
            healthy(), layers=tuple(layer(f"layers.{place}") for place in range(count)), blocks=()
        )
        figure = drawn_layers(result, 18.0)
        FigureCanvasAgg(figure).draw()
        boxes = sorted((text.get_window_extent() for text in figure.axes[0].texts), key=lambda box: box.y0)
        assert all(below.y1 <= above.y0 + 0.5 for below, above in pairwise(boxes))
        assert min(box.x0 for box in boxes) >= 0


def bars(axes):
    """The ends of the intervals drawn, in the order of their dots."""
    lines = next(collection for collection in axes.collections if isinstance(collection, LineCollection))
    return [[float(x) for x, _ in segment] for segment in lines.get_segments()]


def test_trials_are_drawn_best_first_with_their_intervals():
    result = healthy()
    axes = draw_trials(result).axes[0]
    gains = [trial.gain.estimate for trial in tried(result) if trial.gain]
    assert gains == sorted(gains, reverse=True)
    assert [point.value for point in dots(axes)] == pytest.approx(gains)
    assert [point.marker for point in dots(axes)] == ["o", "o", "o", "o", "D"]
    assert bars(axes)[0] == pytest.approx([0.032, 0.092])


def test_a_gain_without_bound_is_an_arrow():
    axes = draw_trials(RESULTS["too_fast"]).axes[0]
    assert dots(axes)[5].marker == "<"
    assert axes.get_xscale() == "symlog"


@pytest.mark.parametrize("size", [2.5, 40.0, 1e5, 1e12])
def test_ticks_of_great_gains_are_few(size):
    gains = [Interval(gain, gain, gain) for gain in (-size, 0.1, size / 2)]
    trials = (Trial("as-it-is", 3, gains[0]), *(Trial("half-rate", 3, gain, gain) for gain in gains))
    figure = draw_trials(replace(healthy(), trials=trials))
    FigureCanvasAgg(figure).draw()
    labels = sorted(
        (label.get_window_extent() for label in figure.axes[0].get_xticklabels()), key=lambda box: box.x0
    )
    assert len(labels) > 2
    assert all(left.x1 < right.x0 for left, right in pairwise(labels))


def test_what_is_usual_is_not_spoken_of_where_it_is_not_known():
    text = words(reader_of("odd").text)
    assert "Usual" not in text
    assert "grey is usual" not in text
    assert "healthy networks" not in text
    assert "grey is usual" in words(reader_of("deep").text)


def test_the_page_is_whole_or_not_there(tmp_path, monkeypatch):
    path = write_page(healthy(), tmp_path / "probe.html")
    before = path.read_bytes()
    assert before.decode().endswith("</html>\n")

    def full(part, text, **options):
        part.write_bytes(text.encode()[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "write_text", full)
    with pytest.raises(OSError, match="No space"):
        write_page(odd(), path)
    assert path.read_bytes() == before
    assert [*tmp_path.iterdir()] == [path]


def test_the_same_result_gives_the_same_page():
    assert page(healthy()) == page_of("healthy")


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.1234, "0.12"),
        (99.6, "100"),
        (12345.6, "12,000"),
        (123456.0, "1.2 \N{MULTIPLICATION SIGN} 10⁵"),
        (-0.00002, "-2.0 \N{MULTIPLICATION SIGN} 10⁻⁵"),
        (0.0, "0"),
        (-0.0, "0"),
        (math.nan, DASH),
        (-math.inf, "-∞"),
    ],
)
def test_number(value, expected):
    assert plain(number(value)) == expected


@pytest.mark.parametrize(
    ("measured", "unit", "expected"),
    [
        (Interval(0.35, 0.33, 0.36), "", "0.350 [0.330, 0.360]"),
        (Interval(0.35, 0.0, 0.9), "", "0.3 [0.0, 0.9]"),
        (Interval(0.04, -0.9, 0.9), "", "0.0 [-0.9, 0.9]"),
        (Interval(2.2e-11, 2e-11, 2.4e-11), "", "2.20 [2.00, 2.40] \N{MULTIPLICATION SIGN} 10⁻¹¹"),
        (Interval(0.5, math.nan, math.nan), "%", "50 %"),
        (Interval(0.5, 0.5, 0.5), "", "0.50"),
        (Interval(math.nan, math.nan, math.nan), "%", DASH),
        (Interval(1.0, -math.inf, 2.0), "", "1.0 [-∞, 2.0]"),
        (Interval(math.inf, 1.0, math.inf), "", "∞"),
        (Interval(0.0, 0.0, 0.0), "", "0"),
        (Interval(0.0, -0.02, 0.02), "", "0.000 [-0.020, 0.020]"),
    ],
)
def test_interval(measured, unit, expected):
    assert plain(interval(measured, unit)) == expected


def test_a_loss_that_grows_is_raised():
    assert plain(lowered(Interval(-0.5, -0.6, -0.4))) == "raise the loss by 50 [40, 60] %"
    assert plain(lowered(Interval(0.5, 0.4, 0.6))) == "lower the loss by 50 [40, 60] %"
