"""Messages about mistakes in a campaign file: file, key, value and what is allowed."""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from harness.errors import UserError, suggest
from harness.units import shown as shown_quantity

_MOST_CHARACTERS = 40
_SCALARS = {"str": "string_type", "int": "int_type", "float": "float_type", "bool": "bool_type"}
"""Members of a union of scalars in the place of an error, and the error of each."""
_TABLE_TYPES = ("dict_type", "model_type", "model_attributes_type")
_NUMBER = re.compile(r"-?[0-9]+(?P<fraction>\.[0-9]+)?(?= *(cores?)?$)")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
_BOUNDS = {"less_than": "lt", "less_than_equal": "le"}


def value_error(file: str, key: str, value: object, allowed: str) -> UserError:
    """Make the message about a value: one line.

    Parameters
    ----------
    file
        As the user named it.
    key
        Dotted path within the file.
    value
        The value in the file.
    allowed
        What is allowed, or what is wrong with the value.
    """
    return UserError(f"{file}: {key} = {shown(value)}: {allowed}")


def shown(value: object) -> str:
    """Write a value as TOML would, in one line that is not too long."""
    if isinstance(value, bool):
        return str(value).lower()
    written = value.isoformat() if isinstance(value, date) else repr(value)
    text = " ".join(written.split())
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 3]}..."


def check_name(file: str, key: str, name: str, known: Iterable[str], what: str) -> None:
    """Refuse an unknown name; the message suggests a known one.

    Raises
    ------
    UserError
        If the name is not among those known.
    """
    names = list(known)
    if name not in names:
        raise value_error(file, key, name, suggest(name, names, what))


def check_names_of(
    file: str, key: str, names: Iterable[str | None] | None, known: Iterable[str], what: str
) -> None:
    """Refuse the first unknown name of a key that may have several, or none."""
    for name in names or ():
        if name is not None:
            check_name(file, key, name, known, what)


def schema_error(
    file: str, data: Any, error: ValidationError, model: type[BaseModel], prefix: str = ""
) -> UserError:
    """Turn the errors of pydantic into one line about the first problem.

    Unknown keys come first, because a misspelt key is often missed elsewhere.

    Parameters
    ----------
    file
        As the user named it.
    data
        What was validated.
    error
        The errors.
    model
        The model of the data.
    prefix
        Path of ``data`` in the file, with a dot at the end; empty for the whole file.
    """
    found = error.errors(include_url=False)
    first = min(found, key=lambda details: details["type"] != "extra_forbidden")
    location = tuple(part for part in first["loc"] if part != "[key]")
    if location and location[-1] in _SCALARS and first["type"] in _SCALARS.values():
        location = location[:-1]
        first = {**first, "type": "scalar_type"}
    key = prefix + dotted(data, location)
    kind = first["type"]
    if kind == "extra_forbidden":
        known = _fields(_table_at(model, location[:-1]))
        return value_error(file, key, first["input"], suggest(location[-1], known, "key"))
    field = _field_at(model, location)
    if kind == "missing":
        meaning = "" if field is None or not field.description else f" ({_flat(field.description)})"
        return UserError(f"{file}: {key}: is missing{meaning}")
    header = prefix + ".".join(part for part in location if isinstance(part, str))
    if kind == "list_type" and _holds_tables(field or _by_name(model, location)):
        return UserError(f"{file}: {key}: must be an array of tables; write [[{header}]]")
    if kind in _TABLE_TYPES and _is_array_of_tables(first["input"]):
        name = ".NAME" if field is not None and _is_by_name(field) else ""
        return UserError(f"{file}: {key}: must be one table; write [{header}{name}]")
    if kind == "value_error" and isinstance(first["input"], (dict, list)):
        return UserError(f"{file}: {key.rstrip('.') or 'file'}: {first['ctx']['error']}")
    if location and isinstance(location[-1], int):
        field = _field_at(model, location[:-1])
    table = None if field is None else _model_in(field.annotation)
    if kind in _TABLE_TYPES and table is not None:
        return value_error(file, key, first["input"], _table_text(table, first["input"]))
    return value_error(file, key, first["input"], _allowed(first))


def _table_text(model: type[BaseModel], value: object) -> str:
    """Describe the table that is wanted in place of a value."""
    fields = _fields(model)
    needed = [key for key, field in fields.items() if field.is_required()]
    choices = getattr(model, "choices", ())
    if len(needed) == 1 and not choices and isinstance(value, str):
        return f"must be a table; write {{ {needed[0]} = {json.dumps(value)} }}"
    return f"must be a table with {', '.join(fields)}"


def _allowed(details: Any) -> str:
    kind, context = details["type"], details.get("ctx", {})
    if kind == "value_error":
        # The message has the value already.
        return str(context["error"]).removeprefix(f"{shown_quantity(details['input'])} ")
    simple = {
        "string_type": "must be a text",
        "int_type": "must be a whole number",
        "int_from_float": "must be a whole number",
        "int_parsing": "must be a whole number",
        "float_parsing": "must be a number",
        "bool_parsing": "must be true or false",
        "float_type": "must be a number",
        "bool_type": "must be true or false",
        "scalar_type": "must be a text, a number, true or false",
        "list_type": "must be a list",
        "dict_type": "must be a table",
        "model_type": "must be a table",
        "model_attributes_type": "must be a table",
        "datetime_type": "must be a date and time such as 2007-04-02T09:00:00+09:00",
        "timezone_aware": "needs its offset from UTC, such as 2007-04-02T09:00:00+09:00",
        "greater_than": f"must be more than {context.get('gt')}",
        "greater_than_equal": f"must be at least {context.get('ge')}",
        "less_than": f"must be less than {context.get('lt')}",
        "less_than_equal": f"must be at most {context.get('le')}",
        "too_short": "must not be empty",
        "too_long": f"must have at most {context.get('max_length')} entries",
        "literal_error": f"must be {context.get('expected')}",
        "string_too_long": f"must have at most {context.get('max_length')} characters",
        "string_pattern_mismatch": f"must match {context.get('pattern')}",
        "finite_number": "must be a finite number",
    }
    text = simple.get(kind)
    return _flat(details["msg"]) if text is None else text + _suggestion(details)


def _suggestion(details: Any) -> str:
    """Return the form of a value that was probably meant, after a semicolon; empty if none."""
    kind, value = details["type"], details["input"]
    if kind == "list_type" and isinstance(value, (str, int, float)):
        return f"; write [{json.dumps(value)}]"
    if kind in ("int_type", "float_type") and isinstance(value, str):
        match = _NUMBER.match(value)
        return f"; write {match[0]}" if match and (match["fraction"] is None or "f" in kind) else ""
    if kind == "string_pattern_mismatch":
        text, pattern = _NOT_IN_NAMES.sub("-", value).strip("-"), details["ctx"]["pattern"]
        return f"; did you mean {text!r}?" if re.match(pattern, text) else ""
    bound = details.get("ctx", {}).get(_BOUNDS.get(kind))
    if bound == 1 and isinstance(value, (int, float)) and value <= 100:
        return f"; did you mean '{value:g} %'?"
    return ""


def _is_array_of_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _flat(text: str) -> str:
    return " ".join(text.split()).rstrip(".")


def dotted(data: Any, location: Sequence[str | int]) -> str:
    """Write a place in the file as a dotted path, with tables of an array by their names."""
    parts: list[str] = []
    node = data
    for part in location:
        if isinstance(part, int):
            inside = isinstance(node, list) and part < len(node)
            node = node[part] if inside else node if part == 0 else None
            name = node.get("name") if isinstance(node, dict) else None
            if inside:
                parts.append(name if isinstance(name, str) else str(part))
        else:
            node = node.get(part) if isinstance(node, dict) else None
            parts.append(part)
    return ".".join(parts)


def _table_at(model: type[BaseModel], location: Sequence[str | int]) -> type[BaseModel]:
    """Find the model of the table at a place."""
    for part in location:
        field = _fields(model).get(str(part))
        inner = None if field is None else _model_in(field.annotation)
        model = inner or model
    return model


def _field_at(model: type[BaseModel], location: Sequence[str | int]) -> FieldInfo | None:
    """Find the field of a key at a place; None if it is a name that the user chose."""
    return _fields(_table_at(model, location[:-1])).get(str(location[-1])) if location else None


def _by_name(model: type[BaseModel], location: Sequence[str | int]) -> FieldInfo | None:
    """Find the field of tables by name whose entry is at a place."""
    field = _field_at(model, location[:-1])
    return field if field is not None and _is_by_name(field) else None


def _is_by_name(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is dict and _holds_tables(field)


def _holds_tables(field: FieldInfo | None) -> bool:
    return field is not None and _model_in(field.annotation) is not None


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a table by their keys in the file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
