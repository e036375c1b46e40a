"""A mistake in the settings is told in one line: the key, its value, what is allowed."""

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from movingtarget.claims.check import check_claims
from movingtarget.claims.claim import ESTIMANDS, SCALES
from movingtarget_workflow.settings import SettingsError, check_keys, checked, read_yaml

SCHEMA = """
title: config
type: object
required: [scale, training]
additionalProperties: false
properties:
  scale: {enum: [smoke, default, paper]}
  version: {const: 1}
  title: {type: string, minLength: 1}
  gpu: {type: boolean}
  limit: {type: [integer, "null"], minimum: 1}
  threads: {oneOf: [{const: auto}, {type: integer}]}
  labels: {type: object, propertyNames: {pattern: ^a}, additionalProperties: {type: string}}
  training:
    type: object
    additionalProperties: false
    required: [seeds]
    properties:
      seeds: {type: integer, minimum: 1, maximum: 100}
      momentum: {type: number, minimum: 0, exclusiveMaximum: 1}
      learning_rates: {type: array, minItems: 1, uniqueItems: true, items: {$ref: "#/$defs/rate"}}
      range: {type: array, minItems: 2, maxItems: 2, items: {type: number, maximum: 1}}
      layers: {type: array, items: {type: object, required: [width]}}
      name: {type: string, pattern: "^[a-z]+$"}
      id: {type: string, pattern: "^[a-z]+$", description: lower-case letters}
$defs:
  rate: {type: number, exclusiveMinimum: 0}
"""

CLAIMS_SCHEMA = read_yaml(Path(__file__).parents[2] / "workflow/schemas/claims.schema.yaml")

CLAIM = """
id: batch-norm-trains-faster
kind: paper
paper: ioffe2015
place: figure 1a
statement: A network with batch norm reaches a lower training loss in the same number of steps.
table: training
estimand: difference
select: {quantity: train_loss, step: last, depth: [10, 50], learning_rate: 0.1}
treatment: {network: batch-norm}
control: {network: plain, table: training}
holds_if: {below: 0}
paper_value: 0
seeds: 5
scale: default
"""


@pytest.fixture
def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(SCHEMA)
    return loaded


def config(changes: str = "") -> dict:
    """A good config with its top keys replaced."""
    return {"scale": "smoke", "training": {"seeds": 1}, **(yaml.safe_load(changes) or {})}


def message_of(entries, schema) -> str:
    with pytest.raises(SettingsError) as caught:
        checked(entries, schema)
    return str(caught.value)


def test_good_settings_come_back_untouched(schema):
    good = config(
        "training: {seeds: 3, momentum: 0, learning_rates: [1, 1.0e-3], range: [0, 1]}\nlimit: null"
    )
    before = copy.deepcopy(good)
    assert checked(good, schema) is good
    assert good == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ("scale: smok", r'scale is "smok" \(did you mean smoke\?\); allowed: one of smoke, default, paper'),
        ("version: 2", "version is 2; allowed: 1"),
        ("title: 3", "title is 3; allowed: text, not empty"),
        ("title: ''", 'title is ""; allowed: text, not empty'),
        ("gpu: 1", "gpu is 1; allowed: true or false"),
        ("limit: 0", "limit is 0; allowed: a whole number of at least 1 or null"),
        ("threads: many", 'threads is "many"; allowed: auto or a whole number'),
        ("labels: {a: 1}", "labels.a is 1; allowed: text"),
        ("labels: [a]", r'labels is \["a"\]; allowed: keys with values'),
        ("labels: {b: x}", r"labels: 'b' does not match '\^a'"),
        ("training: 3", "training is 3; allowed: the keys seeds, momentum, .*, name, id"),
        ("training:", "training is null; allowed: the keys seeds, .*"),
        ("training: {seeds: 0}", "training.seeds is 0; allowed: a whole number from 1 to 100"),
        ("training: {seeds: 3.0}", "training.seeds is 3.0; allowed: a whole number from 1 to 100"),
        ("training: {seeds: yes}", "training.seeds is true; allowed: a whole number from 1 to 100"),
        ("training: {momentum: 1}", "training.seeds is missing; allowed: a whole number from 1 to 100"),
        (
            "training: {seeds: 1, momentum: 1}",
            "training.momentum is 1; allowed: a number of at least 0 and below 1",
        ),
        (
            "training: {seeds: 1, learning_rates: [0.1, 0.2, -1]}",
            r"training.learning_rates\[2\] is -1; allowed: a number above 0",
        ),
        (
            "training: {seeds: 1, learning_rates: []}",
            r"training.learning_rates is \[\]; allowed: "
            "a list of at least 1, all different, each a number above 0",
        ),
        (
            "training: {seeds: 1, learning_rates: [1, 1.0]}",
            r"training.learning_rates is \[1, 1.0\]; .* different.*",
        ),
        (
            "training: {seeds: 1, learning_rates: [.nan]}",
            r"training.learning_rates\[0\] is NaN; allowed: a number .*",
        ),
        (
            "training: {seeds: 1, learning_rates: [.inf]}",
            r"training.learning_rates\[0\] is Infinity; allowed: .*",
        ),
        (
            "training: {seeds: 1, range: [1]}",
            r"training.range is \[1\]; allowed: a list of 2, each a number of at most 1",
        ),
        ("training: {seeds: 1, layers: [{}]}", r"training.layers\[0\].width is missing"),
        ("training: {seeds: 1, name: A}", r'training.name is "A"; allowed: text that matches \^\[a-z\]\+\$'),
        ("training: {seeds: 1, id: A}", 'training.id is "A"; allowed: lower-case letters'),
    ],
)
def test_the_key_its_value_and_what_is_allowed(changes, message, schema):
    with pytest.raises(SettingsError, match=f"^{message}$"):
        checked(config(changes), schema)


def test_an_unknown_key_is_named_before_what_is_missing_for_it(schema):
    assert message_of(config("training: {sedes: 3}"), schema) == (
        "training.sedes is not a key (did you mean seeds?); "
        "allowed: seeds, momentum, learning_rates, range, layers, name, id"
    )
    assert message_of({"xyz": 1}, schema) == (
        "xyz is not a key; allowed: scale, version, title, gpu, limit, threads, labels, training"
    )
    assert message_of(config("on: 1"), schema).startswith("True is not a key; allowed: scale, ")


def test_missing_keys_and_the_wrong_kind_of_file(schema):
    assert message_of({}, schema) == "scale is missing; allowed: one of smoke, default, paper"
    assert message_of([], schema).startswith("config is []; allowed: the keys scale, ")


@pytest.mark.parametrize(
    ("text", "better"),
    [
        ("1e-3", "0.001"),
        ("1e3", "1000"),
        ("1e-22", "1.0e-22"),
        ("1e22", "1.0e+22"),
        ('"0.1"', "0.1"),
    ],
)
def test_a_number_that_yaml_reads_as_text(text, better, schema):
    message = message_of(config(f"training: {{seeds: 1, learning_rates: [{text}]}}"), schema)
    shown = text if text.startswith('"') else f'"{text}"'
    assert message == (
        f"training.learning_rates[0] is {shown}; allowed: a number above 0; "
        f"{shown} is text, write {better} in a config file"
    )
    assert checked(config(f"training: {{seeds: 1, learning_rates: [{better}]}}"), schema)


@pytest.mark.parametrize("text", ["many", "nan", "inf", "''"])
def test_text_that_is_no_number_gets_no_such_hint(text, schema):
    assert message_of(config(f"training: {{seeds: {text}}}"), schema).endswith("a whole number from 1 to 100")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(key=st.sampled_from(["seeds", "momentum", "learning_rates", "range", "layers", "name"]), value=JSON)
def test_any_value_passes_or_gets_one_line(key, value):
    try:
        checked(config() | {"training": {"seeds": 1, key: value}}, yaml.safe_load(SCHEMA))
    except SettingsError as error:
        assert str(error).startswith(f"training.{key}")  # noqa: PT017
        assert len(str(error).splitlines()) == 1  # noqa: PT017


def test_the_schema_of_claims_is_itself_a_schema():
    jsonschema.Draft202012Validator.check_schema(CLAIMS_SCHEMA)
    properties = CLAIMS_SCHEMA["items"]["properties"]
    assert properties["estimand"]["enum"] == list(ESTIMANDS)
    assert properties["scale"]["enum"] == list(SCALES[1:])


def test_a_good_claim_passes_both_checks():
    claims = [yaml.safe_load(CLAIM)]
    check_claims(checked(claims, CLAIMS_SCHEMA))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            "holds_if: {belw: 0}",
            r"holds_if.belw is not a key \(did you mean below\?\); allowed: below, above, within",
        ),
        (
            "holds_if: {below: 0, above: 1}",
            r'holds_if is \{"below": 0, "above": 1\}; allowed: 1 of the keys below, above, within',
        ),
        ("holds_if: {}", r"holds_if is \{\}; allowed: 1 of the keys below, above, within"),
        ("holds_if: {within: [1]}", r"holds_if.within is \[1\]; allowed: a list of 2, each a number"),
        ("holds_if: {below: .inf}", "holds_if.below is Infinity; allowed: a number"),
        (
            "estimand: median",
            r'estimand is "median" \(did you mean mean\?\); allowed: one of mean, .*',
        ),
        ("scale: smoke", 'scale is "smoke"; allowed: one of default, paper'),
        ("seeds: 4", "seeds is 4; allowed: a whole number of at least 5"),
        ("learning_rate: best", r"learning_rate is not a key; allowed: id, kind, .*"),
        ("kind: answer", 'kind is "answer"; allowed: one of paper, question, check'),
        ("kind: question\nquestion: Does it?", 'question is "Does it\\?"; allowed: lower-case .*'),
        ("deviation: -0.1", "deviation is -0.1; allowed: a number of at least 0"),
        (
            "select: {depth: []}",
            r"select.depth is \[\]; allowed: a number or text or a list of at least 1, .*",
        ),
        ("select: {depth: yes}", "select.depth is true; allowed: a number or text or a list .*"),
        ("statment: x", r"statment is not a key \(did you mean statement\?\); allowed: id, kind, .*"),
        ("paper_value: 5 %", 'paper_value is "5 %"; allowed: a number'),
    ],
)
def test_a_mistake_in_a_claim_names_the_claim(changes, message):
    claims = [yaml.safe_load(CLAIM), {**yaml.safe_load(CLAIM), "id": "second", **yaml.safe_load(changes)}]
    with pytest.raises(SettingsError, match=rf"^claims\[second\]\.{message}$"):
        checked(claims, CLAIMS_SCHEMA)


def test_a_claim_without_an_id_goes_by_its_number():
    claims = [yaml.safe_load(CLAIM), {"paper": "ioffe2015"}]
    assert (
        message_of(claims, CLAIMS_SCHEMA)
        == "claims[1].id is missing; allowed: lower-case words joined by hyphens"
    )
    assert message_of([], CLAIMS_SCHEMA).startswith(
        "claims is []; allowed: a list of at least 1, each the keys id, "
    )
    assert message_of({}, CLAIMS_SCHEMA).startswith("claims is {}; allowed: a list of at least 1, ")


def test_a_key_that_stands_twice_is_named_with_its_line(tmp_path: Path):
    path = tmp_path / "own.yaml"
    path.write_text("training: {epochs: 7}\nresults: own\ntraining: {batch_size: 64}\n")
    with pytest.raises(SettingsError, match=r"own\.yaml, line 3: training stands twice"):
        check_keys(path)
    path.write_text("arms:\n- {network: plain}\n- {network: plain, depth: 1, network: residual}\n")
    with pytest.raises(SettingsError, match=r"own\.yaml, line 3: network stands twice"):
        read_yaml(path)


@pytest.mark.parametrize("text", ["training: [1, 2", "a: b: c", "\tscale: smoke"])
def test_what_is_not_yaml_is_one_line(tmp_path: Path, text: str):
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"own\.yaml is not YAML") as caught:
        check_keys(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_not_there_or_not_text_is_one_line(tmp_path: Path):
    with pytest.raises(SettingsError, match="there is no file"):
        check_keys(tmp_path / "none.yaml")
    (tmp_path / "own.yaml").write_bytes(b"scale: \xff\xfe")
    with pytest.raises(SettingsError, match=r"own\.yaml is not YAML"):
        check_keys(tmp_path / "own.yaml")
