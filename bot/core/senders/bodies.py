"""Bodies of requests: JSON, or the fields of a form."""

import json
import re
from typing import cast
from urllib.parse import parse_qsl

from bot.core.errors import PayloadError

_FORM = re.compile(rb"[\w.%+*\[\]-]{1,200}=[^\s<>{}\"]*")
_MOST_FIELDS = 500


def parse_body(body: bytes) -> object:
    """What the body holds. Raises PayloadError when it is neither JSON nor a form."""
    try:
        return cast("object", json.loads(body))
    except (ValueError, RecursionError) as error:
        fields = _form(body)
        if not fields:
            raise PayloadError(f"body: is not JSON: {error}") from error
        return fields


def _form(body: bytes) -> dict[str, str]:
    """UptimeRobot, StatusCake and others post form fields; some put JSON into one, which is opened like any text that holds JSON."""
    given = body.strip()
    if _FORM.fullmatch(given) is None:
        return {}
    try:
        return dict(parse_qsl(given.decode("ascii", "replace"), max_num_fields=_MOST_FIELDS))
    except ValueError:
        return {}
