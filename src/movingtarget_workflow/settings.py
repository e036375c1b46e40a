"""Settings checked against a JSON schema, with one clear line about the first mistake."""

import functools
import json
import math
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators

from movingtarget.names import meant

Settings = TypeVar("Settings", dict[str, Any], list[Any])
Rule = dict[str, Any]


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class SettingsError(ValueError):
    """A mistake in the settings, told in one line."""


def check_count(name: str, count: int | None) -> None:
    """Raise SettingsError unless something of which there must be one is not given, or is at least 1."""
    if count is not None and count < 1:
        raise SettingsError(f"{name} is {count}; allowed: a whole number of at least 1")


def checked(settings: Settings, schema: Rule) -> Settings:
    """The settings themselves, once they satisfy a schema.

    Beyond the schema's own rules, a number is finite and an integer is written as one (3, not 3.0).

    Args:
        settings: what was read from a YAML file.
        schema: a JSON schema (draft 2020-12).

    Raises:
        SettingsError: one line with the key as a dotted path, its value and what is allowed.
    """
    errors = list(_Validator(schema).iter_errors(settings))
    if errors:
        # A misspelt key goes first, for it explains the missing one.
        first = min(errors, key=lambda error: error.validator != "additionalProperties")
        raise SettingsError(_message(first, settings, schema))
    return settings


def read_yaml(path: Path) -> Any:
    """What a YAML file holds.

    Raises:
        SettingsError: a key stands twice in one place, or the file is not YAML or not there.
    """
    check_keys(path)
    return yaml.load(path.read_text(encoding="utf-8"), _Loader)


def check_keys(path: Path) -> None:
    """Raise SettingsError if a key stands twice in one place, which YAML forbids and its readers let pass."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise SettingsError(f"there is no file {path}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    for key in _repeated(root):
        raise SettingsError(
            f"{path}, line {key.start_mark.line + 1}: {key.value} stands twice; allowed: each key once"
        )


def _repeated(node: Any) -> Iterator[Any]:
    """The nodes of keys that an earlier key of the same mapping equals."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key
            seen.add(key.value)
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated(item)


def _is_integer(_: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: object, value: object) -> bool:
    return _is_integer(_, value) or (isinstance(value, float) and math.isfinite(value))


_Validator = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_number}
    ),
)


def _message(error: ValidationError, settings: Any, schema: Rule) -> str:
    rule: Any = error.schema
    value: Any = error.instance
    title = schema.get("title", "settings")
    path = _path(error.absolute_path, settings, title)
    inside = path and f"{path}."
    if error.validator == "additionalProperties":
        known = list(rule.get("properties", {}))
        key = next(str(key) for key in value if key not in known)
        return f"{inside}{key} is not a key{meant(key, known)}; allowed: {', '.join(known)}"
    if error.validator == "required":
        key = next(key for key in rule["required"] if key not in value)
        allowed = _words(rule.get("properties", {}).get(key, {}), schema)
        return f"{inside}{key} is missing{allowed and f'; allowed: {allowed}'}"
    allowed = _words(rule, schema)
    if not allowed:
        return f"{path or title}: {error.message}"
    near = meant(value, rule["enum"]) if "enum" in rule and isinstance(value, str) else ""
    return f"{path or title} is {_shown(value)}{near}; allowed: {allowed}{_hint(value, allowed)}"


def _path(keys: Iterable[str | int], settings: Any, title: str) -> str:
    """A dotted path such as `training.learning_rates[2]`; a list's entry goes by its id if it has one."""
    path = title if isinstance(settings, list) else ""
    for key in keys:
        settings = settings[key]
        name = settings.get("id", key) if isinstance(settings, dict) else key
        path += f"[{name}]" if isinstance(key, int) else f".{key}"
    return path.lstrip(".")


def _shown(value: Any) -> str:
    return textwrap.shorten(json.dumps(value, ensure_ascii=False, default=str), 80, placeholder=" ...")


def _hint(value: Any, allowed: str) -> str:
    """What to write for a number that YAML, or a nested value after --config, made into text."""
    try:
        number = float(value) if isinstance(value, str) and "number" in allowed else math.nan
    except ValueError:
        return ""
    if not math.isfinite(number):
        return ""
    plain = int(number) if number.is_integer() and abs(number) < 1e15 else number
    return f"; {_shown(value)} is text, write {yaml.safe_dump(plain).split()[0]} in a config file"


def _words(rule: Rule, schema: Rule) -> str:
    """What a schema allows, in words; empty if there are no words for it."""
    if "$ref" in rule:
        keys = rule["$ref"].removeprefix("#/").split("/")
        return _words(functools.reduce(lambda part, key: part[key], keys, schema), schema)
    if "const" in rule or "enum" in rule:
        choices = rule.get("enum", [rule.get("const")])
        values = [value if isinstance(value, str) else _shown(value) for value in choices]
        return f"one of {', '.join(values)}" if len(values) > 1 else values[0]
    options = rule.get("anyOf", rule.get("oneOf"))
    if options:
        return " or ".join(_words(option, schema) for option in options)
    kinds = rule.get("type", [])
    return " or ".join(_kind(kind, rule, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _kind(kind: str, rule: Rule, schema: Rule) -> str:
    match kind:
        case "number":
            return f"a number{_bounds(rule)}"
        case "integer":
            return f"a whole number{_bounds(rule)}"
        case "string":
            return _text(rule)
        case "boolean":
            return "true or false"
        case "array":
            return _list(rule, schema)
        case "object":
            return _mapping(rule)
        case _:
            return kind


def _list(rule: Rule, schema: Rule) -> str:
    size = _count(rule.get("minItems"), rule.get("maxItems"))
    different = ", all different" if rule.get("uniqueItems") else ""
    item = _words(rule.get("items", {}), schema)
    one = f", {_words(rule['contains'], schema)} among them" if "contains" in rule else ""
    return f"a list{size and f' of {size}'}{different}{one}{item and f', each {item}'}"


def _mapping(rule: Rule) -> str:
    count = _count(rule.get("minProperties"), rule.get("maxProperties"))
    keys = ", ".join(rule.get("properties", {}))
    return f"{count and f'{count} of '}the keys {keys}" if keys else "keys with values"


def _text(rule: Rule) -> str:
    if "pattern" in rule:
        return str(rule.get("description", f"text that matches {rule['pattern']}"))
    return "text, not empty" if "minLength" in rule else "text"


_BOUNDS = {
    "minimum": "of at least",
    "exclusiveMinimum": "above",
    "maximum": "of at most",
    "exclusiveMaximum": "below",
}


def _bounds(rule: Rule) -> str:
    if "minimum" in rule and "maximum" in rule:
        return f" from {rule['minimum']} to {rule['maximum']}"
    bounds = [f"{words} {rule[key]}" for key, words in _BOUNDS.items() if key in rule]
    return " " + " and ".join(bounds) if bounds else ""


def _count(least: int | None, most: int | None) -> str:
    if least == most:
        return "" if least is None else str(least)
    if least is None or most is None:
        return f"at least {least}" if most is None else f"at most {most}"
    return f"{least} to {most}"
