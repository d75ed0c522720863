"""Posting to Slack: through chat.postMessage with a bot token, or through one incoming webhook for each channel."""

from __future__ import annotations

import html
import re
from typing import Any, cast

import httpx

from basecamp.errors import BackendError, BadRequest, nearest
from basecamp.redaction import mask
from basecamp.results import Preview, Target, TargetOutcome, WriteOutcome
from basecamp.settings import SlackSettings

NOTIFY = "notify_slack"
MAX_TEXT = 3000
# A channel's id, or its name after "#"; a user's id (U…, W…) would open a direct message.
_CHANNEL = re.compile(r"[CG][A-Z0-9]{6,20}|#[^\s#@<>&,]{1,80}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


class Slack:
    """One workspace."""

    def __init__(self, settings: SlackSettings) -> None:
        self._settings = settings
        # The operator's addresses are used as written; proxies of the environment would be a surprise here.
        self._client = httpx.AsyncClient(timeout=settings.timeout_seconds, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def check(self) -> str:
        """Who posts. Raises BackendError."""
        if self._settings.token is None:
            return f"incoming webhooks for {', '.join(self._settings.webhooks)}; they are tried at the first post only"
        answer = await self._call("auth.test", {})
        return f"{answer.get('user', 'a bot')} in {answer.get('team', 'a workspace')}"

    def parse_post(self, channel: str, text: str) -> str:
        """The text as it will be posted. Raises BadRequest."""
        if not _CHANNEL.fullmatch(channel):
            raise BadRequest(f"channel is {channel[:100]!r}; write a channel's id such as C0123456789, or #name")
        known = self._settings.webhooks or self._settings.channels
        if known and channel not in known:
            raise BadRequest(f"nothing may be posted to {channel!r}; {nearest(channel, known)}")
        if not text.strip() or len(text) > MAX_TEXT:
            raise BadRequest(f"text must have 1 to {MAX_TEXT} characters; it has {len(text)}")
        return escape(text)

    async def preview(self, channel: str, text: str) -> Preview:
        """What would be posted where. Raises BadRequest."""
        posted = self.parse_post(channel, text)
        how = "a bot token" if self._settings.token else "an incoming webhook"
        return Preview(
            tool=NOTIFY,
            summary=f"post {len(text)} characters to {channel}",
            targets=[Target(id=channel, label=channel, detail=posted)],
            reversible=False,
            runs_as=f"Slack, with {how}",
            risk="People in the channel read it; nobody is pinged.",
        )

    async def post(self, channel: str, text: str) -> WriteOutcome:
        """Post it once. Raises BadRequest or BackendError; after the latter it may have been posted all the same."""
        posted = self.parse_post(channel, text)
        after: dict[str, str] = {}
        if self._settings.token is not None:
            quiet = {"parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}
            answer = await self._call("chat.postMessage", {"channel": channel, "text": posted, **quiet})
            after = {"ts": str(answer.get("ts", ""))}
        else:
            await self._post_webhook(channel, posted)
        target = TargetOutcome(id=channel, label=channel, outcome="changed", detail="posted")
        return WriteOutcome(tool=NOTIFY, summary=f"posted to {channel}", targets=[target], after=after)

    async def _call(self, method: str, payload: dict[str, Any]) -> dict[str, Any]:
        """One Web API call. Its answer is JSON with `ok`, and `error` when that is false."""
        token = self._settings.token
        assert token is not None
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"}
        response = await self._send(f"{self._settings.api_url}/{method}", payload, headers)
        try:
            answer: Any = response.json()
        except ValueError:
            answer = None
        fields = cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}
        if fields.get("ok") is not True:
            raise BackendError("slack", f"{method}: {_words(response, fields)}")
        return fields

    async def _post_webhook(self, channel: str, text: str) -> None:
        """An incoming webhook answers 200 with `ok` in plain text, and another status with the reason."""
        url = self._settings.webhooks[channel].get_secret_value()
        response = await self._send(url, {"text": text, "unfurl_links": False, "unfurl_media": False}, {})
        if response.status_code != 200:
            raise BackendError("slack", f"webhook of {channel}: {_words(response, {})}")

    async def _send(self, url: str, payload: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        try:
            return await self._client.post(url, json=payload, headers=headers)
        except httpx.HTTPError as error:
            # The address of a webhook is its secret.
            words = mask(str(error) or type(error).__name__, url)
            raise BackendError("slack", f"no answer ({words}); look whether it was posted") from None


def escape(text: str) -> str:
    """Slack's three control characters as entities, so that no mention, channel or link can be written; no hidden ones."""
    return html.escape(_CONTROL.sub("", text), quote=False)


def _words(response: httpx.Response, fields: dict[str, Any]) -> str:
    if response.status_code == 429:
        return f"rate limited; try again in {response.headers.get('Retry-After', 'some')} s"
    return str(fields.get("error") or f"HTTP {response.status_code}: {' '.join(response.text.split())[:200]}")
