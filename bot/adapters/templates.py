"""
Jinja2 for runbooks: sandboxed, strict about what is not there, and native types for a value that is one expression.

Values from alerts and tools are data: they are put into templates, never read as templates.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from jinja2 import StrictUndefined, TemplateError, Undefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bot.adapters.files import nearest
from bot.core.errors import ConfigError

_ALONE = re.compile(r"^\s*\{\{(?P<expression>(?:(?!\}\}|\{\{).)*)\}\}\s*$", re.DOTALL)
_LONGEST = 20_000
# What nests too deeply overflows Jinja's parser or that of Python, which compiles what Jinja makes of it.
_UNREADABLE = (TemplateError, RecursionError, SyntaxError, MemoryError)
_LARGEST = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The names that a template may use."""

    names: frozenset[str]
    parameters: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()


class JinjaTemplates:
    """Implements ports.Templates."""

    def __init__(self) -> None:
        self._environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
        cast("dict[str, Any]", self._environment.filters)["pick"] = _pick

    def fill(self, args: Mapping[str, object], scope: Mapping[str, object]) -> Mapping[str, object]:
        """Render every text in the arguments. Raises ConfigError naming the argument."""
        return {key: self._filled(value, scope, key) for key, value in args.items()}

    def holds(self, expression: str, scope: Mapping[str, object]) -> bool:
        """Whether a condition is true. Raises ConfigError when it cannot be worked out."""
        return bool(self.value(expression, scope))

    def value(self, expression: str, scope: Mapping[str, object]) -> object:
        """What an expression comes to, as plain JSON data. Raises ConfigError."""
        try:
            compiled = self._environment.compile_expression(expression.strip(), undefined_to_none=False)
            found = compiled(**scope)
            if isinstance(found, Undefined):
                # Touching it makes the library say what is missing.
                str(found)
            return _plain(found)
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise ConfigError(f"`{expression.strip()}`: {error}") from error

    def check(self, text: str, known: Known, *, expression: bool) -> str:
        """What is wrong with a template or an expression; empty when nothing is."""
        source = f"{{{{ {text} }}}}" if expression else text
        try:
            parsed = self._environment.parse(source)
            self._environment.compile(parsed)
        except _UNREADABLE as error:
            why = str(error) if isinstance(error, TemplateError) else "it is nested too deeply"
            return f"`{text.strip()}` is not a valid {'expression' if expression else 'template'}: {why}"
        return next(_unknown_names(parsed, known), "")

    def _filled(self, value: object, scope: Mapping[str, object], where: str) -> object:
        if isinstance(value, dict):
            items = cast("dict[str, object]", value).items()
            return {key: self._filled(one, scope, f"{where}.{key}") for key, one in items}
        if isinstance(value, list):
            entries = enumerate(cast("list[object]", value))
            return [self._filled(one, scope, f"{where}[{place}]") for place, one in entries]
        if not isinstance(value, str):
            return value
        alone = _ALONE.match(value)
        if alone is not None:
            return self.value(alone["expression"], scope)
        try:
            text = self._environment.from_string(value).render(scope)
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise ConfigError(f"{where}: {error}") from error
        if len(text) > _LONGEST:
            raise ConfigError(f"{where}: comes to {len(text)} characters; at most {_LONGEST} are allowed")
        return text


def _pick(item: Mapping[str, object], *names: str) -> dict[str, object]:
    """Some members of a mapping, for `map("pick", "pid", "started")`."""
    return {name: item[name] for name in names}


def _plain(value: Any) -> object:
    """The value as JSON would carry it: lists for generators and tuples; NaN refused."""
    if isinstance(value, Iterator | Sequence) and not isinstance(value, str):
        value = [_plain(one) for one in cast("Sequence[Any]", value)]
    text = json.dumps(value, allow_nan=False, default=str)
    if len(text) > _LARGEST:
        raise ValueError(f"comes to {len(text)} characters; at most {_LARGEST} are allowed")
    return json.loads(text)


def _unknown_names(parsed: nodes.Template, known: Known) -> Iterator[str]:
    assigned = {name.name for name in parsed.find_all(nodes.Name) if name.ctx != "load"}
    for name in parsed.find_all(nodes.Name):
        if name.ctx == "load" and name.name not in known.names | assigned:
            yield f"{name.name!r} is not known here; {nearest(name.name, sorted(known.names))}"
    for member, root in _members(parsed):
        allowed = {"params": known.parameters, "steps": known.steps}.get(root)
        if allowed is not None and member not in allowed:
            what = "parameter" if root == "params" else "earlier step"
            hint = nearest(member, sorted(allowed)) if allowed else "there is none"
            yield f"{root}.{member}: there is no {what} {member!r}; {hint}"


def _members(parsed: nodes.Template) -> Iterator[tuple[str, str]]:
    """Pairs of member and root for `root.member` and `root["member"]`."""
    for access in parsed.find_all(nodes.Getattr):
        if isinstance(access.node, nodes.Name):
            yield access.attr, access.node.name
    for access in parsed.find_all(nodes.Getitem):
        if isinstance(access.node, nodes.Name) and isinstance(access.arg, nodes.Const):
            yield str(access.arg.value), access.node.name
