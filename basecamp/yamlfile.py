"""YAML that remembers on which line each key stood, so that an error can say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from basecamp.errors import ConfigError

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML document: its plain value, the line it starts on and the line of every key."""

    file: Path
    value: Any
    line: int
    lines: dict[KeyPath, int]

    def where(self, path: KeyPath = ()) -> str:
        """`file:line` of a key, or of its nearest parent that has a line."""
        for size in range(len(path), -1, -1):
            if path[:size] in self.lines:
                return f"{self.file}:{self.lines[path[:size]]}"
        return f"{self.file}:{self.line}"


def load_documents(file: Path) -> list[Document]:
    """Read every non-empty document of a file. Raises ConfigError with file and line."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is not UTF-8 text (byte {error.start})") from error
    try:
        return list(_documents(file, text))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{file}:{line}: is not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: is not valid YAML: {error}") from error


def _documents(file: Path, text: str) -> Iterator[Document]:
    loader = yaml.SafeLoader(text)
    try:
        while loader.check_node():
            node = cast("Node", loader.get_node())
            lines = dict(_lines(file, node, ()))
            value = cast("Any", loader.construct_document(node))
            if value is not None:
                yield Document(file=file, value=value, line=node.start_mark.line + 1, lines=lines)
    finally:
        loader.dispose()


def _lines(file: Path, node: Node, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
    yield path, node.start_mark.line + 1
    if isinstance(node, MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = key.value if isinstance(key, ScalarNode) else str(key.value)
            line = key.start_mark.line + 1
            if name in seen:
                raise ConfigError(f"{file}:{line}: the key {name!r} stands here a second time; keep one")
            seen.add(name)
            yield from _lines(file, value, (*path, name))
            yield (*path, name), line
    elif isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(file, item, (*path, index))
