"""YAML and Markdown front matter, read strictly: errors name the file, the line and the nearest valid name."""

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

import yaml
from pydantic import BaseModel, ValidationError

from bot.core.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)

_FENCE = "---"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class _Loader(yaml.SafeLoader):
    """A value that Python cannot hold, such as a 13th month, is an error with its line like any other."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return cast("Any", super().construct_object(node, deep))  # pyright: ignore[reportUnknownMemberType] - yaml's stubs leave it untyped
        except (ValueError, TypeError, OverflowError, LookupError, AttributeError) as error:
            problem = f"cannot be read: {error}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error


def read_text(path: Path) -> str:
    """The file's text. Raises ConfigError when it cannot be read as UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start})") from error


def nearest(name: str, known: Sequence[str]) -> str:
    """A sentence part that names the nearest valid name, or all of them."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}"


def split_front_matter(text: str, path: Path) -> tuple[str, str, int]:
    """Front matter, body, and the body's first line number. Raises ConfigError when there is no front matter."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != _FENCE:
        raise ConfigError(f"{path}:1: must begin with a line '---' and front matter")
    for number, line in enumerate(lines[1:], start=2):
        if line.strip() == _FENCE:
            return "\n".join(lines[1 : number - 1]), "\n".join(lines[number:]), number + 1
    raise ConfigError(f"{path}:{len(lines)}: the front matter has no closing line '---'")


def parse_yaml(
    text: str, model: type[Model], path: Path, *, first_line: int = 1, variables: Mapping[str, str] | None = None
) -> Model:
    """
    Validate YAML against a model. `first_line` is where the text begins in its file.

    With `variables`, ${NAME} in a value is replaced; a name that is not there is an error with its line.
    """
    try:
        # yaml's stubs leave compose() untyped.
        node = cast("yaml.Node | None", yaml.compose(text, Loader=yaml.SafeLoader))  # pyright: ignore[reportUnknownMemberType]
        data: Any = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader that also says where
    except RecursionError as error:
        raise ConfigError(f"{path}:{first_line}: is nested too deeply") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = first_line + (mark.line if mark else 0)
        problem = getattr(error, "problem", None) or "is not valid YAML"
        raise ConfigError(f"{path}:{line}: {problem}") from error
    data = {} if data is None else data
    if not isinstance(data, dict):
        raise ConfigError(f"{path}:{first_line}: must be a mapping of keys to values")
    try:
        if variables is not None:
            data = _filled(data, variables, (), node, f"{path}:", first_line)
        return model.model_validate(data)
    except RecursionError as error:
        raise ConfigError(f"{path}:{first_line}: holds itself (an alias inside of its own anchor)") from error
    except ValidationError as error:
        raise ConfigError("\n".join(_sentences(error, model, node, path, first_line))) from error


def _filled(
    data: Any, variables: Mapping[str, str], loc: tuple[int | str, ...], node: yaml.Node | None, path: str, first: int
) -> Any:
    """The same data with ${NAME} replaced in every text."""
    if isinstance(data, dict):
        items = cast("dict[str, Any]", data).items()
        return {key: _filled(value, variables, (*loc, key), node, path, first) for key, value in items}
    if isinstance(data, list):
        values = cast("list[Any]", data)
        return [_filled(value, variables, (*loc, place), node, path, first) for place, value in enumerate(values)]
    if not isinstance(data, str):
        return data

    def fill(match: re.Match[str]) -> str:
        if match[1] not in variables:
            raise ConfigError(f"{path}{first + _line_of(node, loc)}: the environment variable {match[1]} is not set")
        return variables[match[1]]

    return _VARIABLE.sub(fill, data)


def _sentences(
    error: ValidationError, model: type[BaseModel], node: yaml.Node | None, path: Path, first_line: int
) -> list[str]:
    return [
        f"{path}:{first_line + _line_of(node, item['loc'])}: {_sentence(item['type'], item['loc'], item['msg'], model)}"
        for item in error.errors(include_url=False, include_context=False)
    ]


def _sentence(kind: str, loc: tuple[int | str, ...], message: str, model: type[BaseModel]) -> str:
    name = ".".join(str(part) for part in loc)
    if kind == "extra_forbidden":
        return f"unknown key {name!r}; {nearest(str(loc[-1]), _keys_at(model, loc[:-1]))}"
    if kind == "missing":
        return f"key {name!r} is missing"
    return f"{name}: {message[0].lower()}{message[1:]}"


def _keys_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys that a nested model knows, following the location down."""
    current: type[BaseModel] = model
    for part in loc:
        field = _fields(current).get(str(part))
        nested = _model_in(field) if field is not None else None
        if nested is not None:
            current = nested
    return list(_fields(current))


def _fields(model: type[BaseModel]) -> Mapping[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(
        (found for found in map(_model_in, get_args(annotation)) if found is not None),
        None,
    )


def _line_of(node: yaml.Node | None, loc: tuple[int | str, ...]) -> int:
    """Zero-based line of the deepest part of a location that the text has."""
    line = 0
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = cast("yaml.Node", node.value[part])
            line = node.start_mark.line
        else:
            break
    return line
