"""
The prompts folder: Markdown with front matter, rendered by a sandboxed Jinja2 that knows no undefined variable.

Everything that can be wrong with a prompt is found when the folder is loaded, not when an incident needs it.
"""

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml
from jinja2 import BaseLoader, FileSystemLoader, StrictUndefined, Template, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import SandboxedEnvironment

from bot.core.errors import ConfigError
from bot.core.hypothesis import PromptRef
from bot.core.text import clean, clip

_KEYS = ("name", "version", "purpose", "inputs", "reply")
_LONGEST_DATA = 6000
_VERSIONS = "versions"
# Slack's control sequences would ping people if a model repeated them.
_PINGS = re.compile(r"<(?=[!@#])")
_FENCE = re.compile(r"<{2,}|>{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One checked prompt file."""

    ref: PromptRef
    purpose: str
    inputs: frozenset[str]
    reply: str
    path: Path
    template: Template


class PromptFolder:
    """
    Implements ports.Prompts over a folder of *.md files and the *.jinja2 partials that they include.

    `versions/NAME@VERSION/` beside them keeps a former prompt with copies of its partials, so that its text, and with
    it its hash, stays what it was when the shared partials change.
    """

    def __init__(self, folder: Path) -> None:
        """Load and check every prompt, former versions too; raises ConfigError naming file, line and the nearest name."""
        self._prompts: dict[str, Prompt] = {}
        paths = sorted(folder.glob("*.md")) if folder.is_dir() else []
        if not paths:
            raise ConfigError(f"{folder}: there are no prompts (*.md) here")
        env = _environment(FileSystemLoader(folder))
        for path in paths:
            prompt = _load(path, env)
            if prompt.ref.name in self._prompts:
                raise ConfigError(
                    f"{path}: the name {prompt.ref.name} is taken by {self._prompts[prompt.ref.name].path}"
                )
            self._prompts[prompt.ref.name] = prompt
        self._kept = {_label(one): one for one in _former(folder / _VERSIONS)}
        for one in self._prompts.values():
            former = self._kept.get(_label(one))
            if former is not None and former.ref.sha256 != one.ref.sha256:
                raise ConfigError(
                    f"{one.path}: the text is not that of {_label(one)}, which {former.path} keeps; raise its version"
                )

    @property
    def all(self) -> tuple[Prompt, ...]:
        """Every current prompt, by file name."""
        return tuple(self._prompts.values())

    @property
    def kept(self) -> tuple[Prompt, ...]:
        """Every former prompt, by name and version."""
        return tuple(self._kept.values())

    def pinned(self, labels: Iterable[str]) -> "PinnedPrompts":
        """
        These prompts with some of them in a named version, such as triage@1.

        Raises ConfigError for a version that is neither current nor kept, or that needs other inputs than the current one.
        """
        chosen = dict(self._prompts)
        known = {_label(one): one for one in (*self._kept.values(), *self._prompts.values())}
        for label in labels:
            one = known.get(label)
            if one is None:
                raise ConfigError(f"there is no prompt {label}; there are: {', '.join(sorted(known))}")
            current = self._prompts.get(one.ref.name)
            if current is not None and current.inputs != one.inputs:
                other = ", ".join(sorted(current.inputs ^ one.inputs))
                raise ConfigError(f"{one.path}: {label} cannot be run by this version, its inputs differ by {other}")
            chosen[one.ref.name] = one
        return PinnedPrompts(chosen)

    def render(self, name: str, inputs: Mapping[str, object]) -> tuple[str, PromptRef]:
        """Render a prompt. Raises ConfigError for an unknown prompt, a missing input or one that is not declared."""
        return PinnedPrompts(self._prompts).render(name, inputs)


class PinnedPrompts:
    """Implements ports.Prompts over chosen versions."""

    def __init__(self, prompts: Mapping[str, Prompt]) -> None:
        self._prompts = prompts

    def render(self, name: str, inputs: Mapping[str, object]) -> tuple[str, PromptRef]:
        """Render a prompt. Raises ConfigError for an unknown prompt, a missing input or one that is not declared."""
        prompt = self._prompts.get(name)
        if prompt is None:
            raise ConfigError(f"there is no prompt called {name}{_nearest(name, self._prompts)}")
        missing = sorted(prompt.inputs - inputs.keys())
        if missing:
            raise ConfigError(f"{prompt.path}: input {missing[0]} was not given")
        unknown = sorted(inputs.keys() - prompt.inputs)
        if unknown:
            raise ConfigError(f"{prompt.path}: there is no input {unknown[0]}{_nearest(unknown[0], prompt.inputs)}")
        try:
            return prompt.template.render(inputs).strip() + "\n", prompt.ref
        except TemplateError as error:
            raise ConfigError(f"{prompt.path}: {error}") from error


def untrusted(text: object) -> str:
    """
    Make text from outside safe to stand between the data fences of a prompt.

    Hidden characters go, the fence marks and Slack's pings are broken up by look-alikes, and the length is bounded.
    """
    plain = clip(clean(str(text)), _LONGEST_DATA)
    fenced = _FENCE.sub(lambda match: "‹" * len(match[0]) if match[0][0] == "<" else "›" * len(match[0]), plain)
    return _PINGS.sub("‹", fenced)


def _environment(loader: BaseLoader) -> SandboxedEnvironment:
    # Prompts are plain text for a model; HTML escaping would change the evidence.
    env = SandboxedEnvironment(
        loader=loader, undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )  # fmt: skip
    env.filters["untrusted"] = untrusted
    return env


def _label(prompt: Prompt) -> str:
    return f"{prompt.ref.name}@{prompt.ref.version}"


def _former(folder: Path) -> list[Prompt]:
    """The kept versions; each folder is named as the prompt in it says."""
    found: list[Prompt] = []
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        paths = sorted(place.glob("*.md"))
        if len(paths) != 1:
            raise ConfigError(f"{place}: holds one prompt (*.md) with copies of its partials, and nothing else")
        prompt = _load(paths[0], _environment(FileSystemLoader(place)))
        if _label(prompt) != place.name:
            raise ConfigError(f"{paths[0]}: says that it is {_label(prompt)}, and stands in {place.name}")
        found.append(prompt)
    return found


def _load(path: Path, env: SandboxedEnvironment) -> Prompt:
    text = path.read_text(encoding="utf-8")
    head, body, body_line = _split(path, text)
    fields, lines = _front_matter(path, head)
    inputs = _inputs(path, fields["inputs"], lines["inputs"])
    sources = _sources(path, body, env)
    _check_inputs(path, lines["inputs"], inputs, _used(sources, env))
    digest = hashlib.sha256()
    for name in (path.name, *sorted(set(sources) - {path.name})):
        digest.update(f"{name}\0{text if name == path.name else sources[name]}\0".encode())
    ref = PromptRef(
        name=_word(path, fields, lines, "name"), version=_version(path, fields, lines), sha256=digest.hexdigest()
    )
    # Blank lines in front keep Jinja's line numbers equal to the file's.
    template = env.from_string("\n" * (body_line - 1) + body)
    return Prompt(
        ref=ref,
        purpose=_word(path, fields, lines, "purpose"),
        inputs=inputs,
        reply=_word(path, fields, lines, "reply"),
        path=path,
        template=template,
    )


def _split(path: Path, text: str) -> tuple[str, str, int]:
    match = re.match(r"---\n(.*?)^---\n", text, re.DOTALL | re.MULTILINE)
    if match is None:
        raise ConfigError(f"{path}:1: a prompt begins with front matter between two lines of ---")
    return match[1], text[match.end() :], text[: match.end()].count("\n") + 1


def _front_matter(path: Path, head: str) -> tuple[dict[str, object], dict[str, int]]:
    """Keys with their values, and keys with their lines in the file."""
    try:
        node = cast("yaml.Node | None", yaml.compose(head, Loader=yaml.SafeLoader))
        fields = cast("object", yaml.safe_load(head))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}:1: the front matter is not YAML: {error}") from error
    if not isinstance(node, yaml.MappingNode) or not isinstance(fields, dict):
        raise ConfigError(f"{path}:1: the front matter is a list of keys: {', '.join(_KEYS)}")
    # The opening --- is line 1, and YAML counts from 0.
    lines = {str(key.value): key.start_mark.line + 2 for key, _ in node.value}
    for key, line in lines.items():
        if key not in _KEYS:
            raise ConfigError(f"{path}:{line}: unknown key {key}{_nearest(key, _KEYS)}")
    for key in _KEYS:
        if key not in lines:
            raise ConfigError(f"{path}:1: the front matter lacks the key {key}")
    return cast("dict[str, object]", fields), lines


def _word(path: Path, fields: Mapping[str, object], lines: Mapping[str, int], key: str) -> str:
    value = fields[key]
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{path}:{lines[key]}: {key} is a text")
    return value.strip()


def _version(path: Path, fields: Mapping[str, object], lines: Mapping[str, int]) -> int:
    value = fields["version"]
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigError(f"{path}:{lines['version']}: version is a whole number from 1 up")
    return value


def _inputs(path: Path, value: object, line: int) -> frozenset[str]:
    items = cast("list[object]", value) if isinstance(value, list) else None
    if items is None or not all(isinstance(item, str) for item in items):
        raise ConfigError(f"{path}:{line}: inputs is a list of names")
    return frozenset(str(item) for item in items)


def _sources(path: Path, body: str, env: SandboxedEnvironment) -> dict[str, str]:
    """The prompt's own body and every partial that it reaches, by name."""
    sources: dict[str, str] = {}
    waiting = [(path.name, body)]
    while waiting:
        name, source = waiting.pop()
        sources[name] = source
        references = [one for one in _references(path, name, source, env) if one not in sources]
        waiting.extend((one, _partial(path, one, env)) for one in references)
    return sources


def _references(path: Path, name: str, source: str, env: SandboxedEnvironment) -> list[str]:
    try:
        found = list(meta.find_referenced_templates(env.parse(source)))
    except TemplateSyntaxError as error:
        line = error.lineno + (
            path.read_text(encoding="utf-8").count("\n") - source.count("\n") if name == path.name else 0
        )
        raise ConfigError(f"{path.with_name(name)}:{line}: {error.message}") from error
    if None in found:
        raise ConfigError(f"{path.with_name(name)}: an include must be named by a plain text, so that it can be hashed")
    return [reference for reference in found if reference is not None]


def _partial(path: Path, name: str, env: SandboxedEnvironment) -> str:
    file = path.with_name(name)
    if not file.is_file():
        known = env.list_templates() if env.loader else []
        raise ConfigError(f"{path}: it includes {name}, which is not there{_nearest(name, known)}")
    return file.read_text(encoding="utf-8")


def _used(sources: Mapping[str, str], env: SandboxedEnvironment) -> frozenset[str]:
    return frozenset(name for source in sources.values() for name in meta.find_undeclared_variables(env.parse(source)))


def _check_inputs(path: Path, line: int, declared: frozenset[str], used: frozenset[str]) -> None:
    for name in sorted(used - declared):
        raise ConfigError(
            f"{path}:{line}: the text uses {name}, which inputs does not declare{_nearest(name, declared)}"
        )
    for name in sorted(declared - used):
        raise ConfigError(f"{path}:{line}: inputs declares {name}, which the text does not use{_nearest(name, used)}")


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" (did you mean {close[0]}?)" if close else ""
