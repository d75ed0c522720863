"""Core values to plain JSON and back, for checkpoints."""

from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

Json = dict[str, Any]
T = TypeVar("T")

_ADAPTERS: dict[type, TypeAdapter[Any]] = {}


def dump(value: object) -> Json:
    """A core dataclass as a JSON object."""
    return cast("Json", _adapter(type(value)).dump_python(value, mode="json"))


def load(kind: type[T], value: object) -> T:
    """The dataclass that `dump` was given."""
    return cast("T", _adapter(kind).validate_python(value))


def _adapter(kind: type) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]
