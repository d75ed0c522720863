"""Publishing Home tabs: when a person opens one, and again when what they wait for has changed."""

import logging
from datetime import datetime

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.approval import BOT, Approval, asked_for_by
from bot.core.errors import ChatError, ChatUnavailableError
from bot.flows import Acting, Flows
from bot.flows.learning.labels import Labels
from bot.ports import Clock
from bot.slack.problems import translated
from bot.slack.views.home import MOST_UNLABELLED, Home, home_view

_log = logging.getLogger(__name__)
_MOST_VIEWERS = 100


class HomeTabs:
    """Keeps the tabs of those who have opened one since this process started."""

    def __init__(self, flows: Flows, acting: Acting, labels: Labels, *, client: AsyncWebClient, clock: Clock) -> None:
        self._flows = flows
        self._acting = acting
        self._labels = labels
        self._client = client
        self._clock = clock
        self._shown: dict[str, object] = {}

    async def opened(self, user: str) -> None:
        """Publish for this person. Raises ChatError."""
        if len(self._shown) >= _MOST_VIEWERS and user not in self._shown:
            self._shown.pop(next(iter(self._shown)))
        self._shown[user] = await self._mark()
        await self._publish(user)

    async def refresh(self) -> bool:
        """Publish again for those whose tab is out of date; always False: there is never more to do at once."""
        if not self._shown:
            return False
        mark = await self._mark()
        for user in [one for one, shown in self._shown.items() if shown != mark]:
            self._shown[user] = mark
            try:
                await self._publish(user)
            except ChatError as error:
                _log.warning("the Home tab of %s could not be published: %s", user, error)
        return False

    async def _mark(self) -> object:
        """Equal marks mean equal tabs."""
        pending = [(one.id, len(one.votes)) for one in await self._acting.pending()]
        runs = [(one.id, one.state) for one in await self._acting.runs(5)]
        incidents = [(one.id, one.state) for one in await self._flows.list_incidents(10, True)]
        missing = [one.id for one in await self._labels.unlabelled(MOST_UNLABELLED)]
        return pending, runs, incidents, missing, await self._acting.paused() is not None

    async def _publish(self, user: str) -> None:
        home = await self._home(user, self._clock.now())
        with translated("views.publish"):
            await self._client.views_publish(user_id=user, view=dict(home_view(home)))

    async def _home(self, user: str, now: datetime) -> Home:
        status = await self._flows.status()
        waiting = [one for one in await self._acting.pending() if await self._may_decide(user, one)]
        return Home(
            waiting=tuple(waiting),
            open_incidents=status.open_incidents,
            unlabelled=tuple(await self._labels.unlabelled(MOST_UNLABELLED)),
            runs=tuple(await self._acting.runs(5)),
            pause=await self._acting.paused(),
            analyst=status.analyst,
            tools=tuple(status.tools.items()),
            updated_at=now,
            index=f"{status.postmortems} indexed, {status.index}" if status.index else "",
        )

    async def _may_decide(self, user: str, approval: Approval) -> bool:
        requester = approval.envelope.requester
        if user == BOT or asked_for_by(requester, user) or any(vote.user == user for vote in approval.votes):
            return False
        try:
            return await self._acting.may_approve(user, approval.envelope.environment)
        except ChatUnavailableError:
            return False
