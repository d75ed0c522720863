"""The app manifest: the one place that says what the bot may do and hear."""

import json
from dataclasses import dataclass
from pathlib import Path

from slackbox.errors import ManifestError
from slackbox.jsons import Json, as_object, list_at, object_at, objects_at, text_at


@dataclass(frozen=True, slots=True, kw_only=True)
class SlashCommand:
    command: str
    description: str
    usage_hint: str
    should_escape: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    name: str
    kind: str
    callback_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    name: str
    bot_name: str
    scopes: tuple[str, ...]
    events: frozenset[str]
    commands: tuple[SlashCommand, ...]
    shortcuts: tuple[Shortcut, ...]
    socket_mode: bool
    interactivity: bool
    home_tab: bool
    messages_tab: bool

    @property
    def bot_key(self) -> str:
        """The bot's name in the form ids are made of."""
        return "".join(letter for letter in self.bot_name.upper() if letter.isalnum())[:8] or "BOT"


def load_manifest(path: Path) -> Manifest:
    """Read a manifest file. Raises ManifestError with the file and, for bad JSON, the line."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ManifestError(
            f"Cannot read the app manifest {path}: {error.strerror}. Name it with --manifest."
        ) from error
    except ValueError as error:
        raise ManifestError(f"The app manifest {path} is not JSON: {error}.") from error
    body = as_object(raw)
    if body is None:
        raise ManifestError(f"The app manifest {path} must be a JSON object.")
    return parse_manifest(body)


def parse_manifest(body: Json) -> Manifest:
    """Untrusted JSON to a Manifest. A section that is missing grants nothing. Raises ManifestError, as Slack would."""
    features = object_at(body, "features")
    settings = object_at(body, "settings")
    bot_user = object_at(features, "bot_user")
    name = text_at(object_at(body, "display_information"), "name", "app")
    scopes = tuple(map(str, list_at(object_at(object_at(body, "oauth_config"), "scopes"), "bot")))
    _require_commands_scope(features, scopes)
    return Manifest(
        name=name,
        bot_name=text_at(bot_user, "display_name", name),
        scopes=scopes,
        events=frozenset(map(str, list_at(object_at(settings, "event_subscriptions"), "bot_events"))),
        commands=tuple(_command(entry) for entry in objects_at(features, "slash_commands")),
        shortcuts=tuple(_shortcut(entry) for entry in objects_at(features, "shortcuts")),
        socket_mode=bool(settings.get("socket_mode_enabled")),
        interactivity=bool(object_at(settings, "interactivity").get("is_enabled")),
        home_tab=bool(object_at(features, "app_home").get("home_tab_enabled")),
        messages_tab=bool(object_at(features, "app_home").get("messages_tab_enabled")),
    )


def _require_commands_scope(features: Json, scopes: tuple[str, ...]) -> None:
    for section in ("slash_commands", "shortcuts"):
        if features.get(section) and "commands" not in scopes:
            raise ManifestError(f'features.{section} in the app manifest needs the bot scope "commands".')


def _command(entry: Json) -> SlashCommand:
    return SlashCommand(
        command=text_at(entry, "command"),
        description=text_at(entry, "description"),
        usage_hint=text_at(entry, "usage_hint"),
        should_escape=bool(entry.get("should_escape")),
    )


def _shortcut(entry: Json) -> Shortcut:
    return Shortcut(name=text_at(entry, "name"), kind=text_at(entry, "type"), callback_id=text_at(entry, "callback_id"))
