"""An independent look at answers through the exported description: only what JSON Schema says, no code of the API."""

from __future__ import annotations

import re
from typing import Any

_TYPES: dict[str, Any] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}

_KNOWN = {
    "$ref", "type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "pattern",
    "minimum", "maximum", "title", "description", "examples", "default",
}  # fmt: skip


def operation_of(document: dict[str, Any], path: str) -> dict[str, Any]:
    """The GET operation whose template takes the path."""
    (found,) = [
        item["get"]
        for template, item in document["paths"].items()
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path.partition("?")[0])
    ]
    operation: dict[str, Any] = found
    return operation


def problems(document: dict[str, Any], schema: dict[str, Any], value: Any, where: str = "$") -> list[str]:
    """Everything in which the value is not what the schema says; a keyword that this check does not know is one too."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/components/schemas/")
        return problems(document, document["components"]["schemas"][name], value, where)
    found = [f"{where}: keyword {key} is not checked" for key in schema.keys() - _KNOWN]
    if "anyOf" in schema:
        if all(problems(document, choice, value, where) for choice in schema["anyOf"]):
            found.append(f"{where}: none of the choices")
        return found
    kind = schema.get("type")
    if kind is not None and not _TYPES[kind](value):
        return [*found, f"{where}: {value!r} is no {kind}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: {value!r} is none of {schema['enum']}")
    if "const" in schema and value != schema["const"]:
        found.append(f"{where}: {value!r} is not {schema['const']!r}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{where}: {value!r} is not {schema['pattern']}")
    if "minimum" in schema and value < schema["minimum"]:
        found.append(f"{where}: {value} is too small")
    if "maximum" in schema and value > schema["maximum"]:
        found.append(f"{where}: {value} is too large")
    if kind == "array":
        for index, item in enumerate(value):
            found += problems(document, schema["items"], item, f"{where}[{index}]")
    if kind == "object":
        found += _of_object(document, schema, value, where)
    return found


def _of_object(document: dict[str, Any], schema: dict[str, Any], value: dict[str, Any], where: str) -> list[str]:
    declared = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    found = [f"{where}: {name} is missing" for name in schema.get("required", []) if name not in value]
    for name, item in value.items():
        if name in declared:
            found += problems(document, declared[name], item, f"{where}.{name}")
        elif others is False:
            found.append(f"{where}: {name} is not declared")
        elif isinstance(others, dict):
            found += problems(document, others, item, f"{where}.{name}")
    return found
