"""Hostile inputs, one YAML file per kind of attack. Secrets in them are made at run time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.adapters.files import parse_yaml, read_text
from bot.core.errors import ConfigError
from evals.redaction.planted import planted

CASES: Final = Path(__file__).parent / "cases"
MARK: Final = "REDTEAM"
"""Stands in every hostile text, so that it can be seen whether the model was shown it."""
HOST: Final = "evil.example"
"""Where the links of the corpus lead."""

Place = Literal[
    "log", "alert summary", "annotation", "label", "change", "metric label", "tool result", "tool error",
    "tool description", "postmortem", "channel text",
    "read result", "dry run", "dry run error", "write error", "write result", "run reason", "grant",
]  # fmt: skip
PLACES: Final[Sequence[str]] = get_args(Place)
RUN_PLACES: Final = frozenset({"read result", "dry run", "dry run error", "write error", "write result", "run reason"})
"""Places that only a runbook being followed has."""
# How a text names a secret, and the kind that is put there.
_SECRETS: Final[Mapping[str, str]] = {
    "%password%": "password",
    "%url-password%": "password in a URL",
    "%jwt%": "JWT",
    "%private-key%": "private key",
    "%card%": "card number",
    "%e-mail%": "e-mail address",
    "%github-token%": "GitHub token",
    "%aws-key%": "AWS access key id",
    "%model-key%": "model provider key",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _CaseText(_Strict):
    name: str = Field(min_length=1)
    places: tuple[Place, ...] = Field(min_length=1)
    """Where the words are put; one case for each."""
    text: str
    repeat: int = Field(default=1, ge=1, le=20_000)
    """How often the text is said in a row."""

    @model_validator(mode="after")
    def _marked(self) -> "_CaseText":
        if MARK not in self.text:
            raise ValueError(f"text has to hold {MARK}, by which it is found again")
        return self


class _File(_Strict):
    cases: tuple[_CaseText, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One hostile text in one place."""

    kind: str
    name: str
    place: Place
    text: str
    secrets: tuple[str, ...]
    """What of the text must never come out."""


def load_attacks(folder: Path = CASES) -> Sequence[Attack]:
    """Every attack, by file. Raises ConfigError with file and line for what cannot be used."""
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise ConfigError(f"{folder}: holds no cases")
    made = {one.kind: one.secret for one in planted(seed=11, per_form=1)}
    return [
        _attack(path.stem.replace("-", " "), case, place, made)
        for path in paths
        for case in parse_yaml(read_text(path), _File, path).cases
        for place in case.places
    ]


def _attack(kind: str, case: _CaseText, place: Place, made: Mapping[str, str]) -> Attack:
    text, secrets = case.text, list[str]()
    for name, what in _SECRETS.items():
        if name in text:
            text = text.replace(name, made[what])
            secrets.append(made[what])
    return Attack(kind=kind, name=case.name, place=place, text=text * case.repeat, secrets=tuple(secrets))
