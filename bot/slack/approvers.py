"""Who may approve, asked of Slack every time: a person who left the group a minute ago may not."""

from collections.abc import Mapping, Sequence

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.policy import DEFAULT_ENVIRONMENT, approvers_of
from bot.slack.payload import record, texts_of
from bot.slack.problems import translated


class SlackApprovers:
    """Implements ports.Approvers: user ids (U…, W…) and user-group ids (S…), per environment."""

    def __init__(self, client: AsyncWebClient, approvers: Mapping[str, Sequence[str]]) -> None:
        self._client = client
        self._approvers = {name: tuple(ids) for name, ids in approvers.items()}

    def configured(self, environment: str) -> Sequence[str]:
        """Ids for an environment, by `approvers_of`."""
        return approvers_of(self._approvers, environment)

    def environments(self) -> frozenset[str]:
        """Those with a list of their own, `default` aside."""
        return frozenset(self._approvers) - {DEFAULT_ENVIRONMENT}

    async def may_approve(self, user: str, environment: str) -> bool:
        """
        Whether this person is named, or is in a named group, and is neither a bot nor deactivated.

        Raises ChatUnavailableError when Slack cannot be asked, ChatError when it refuses (a missing scope, say).
        """
        ids = self.configured(environment)
        if not user or not (user in ids or await self._in_group(user, ids)):
            return False
        with translated("users.info"):
            answer = await self._client.users_info(user=user)
        profile = record(answer.get("user"))
        return profile.get("deleted") is not True and profile.get("is_bot") is not True

    async def _in_group(self, user: str, ids: Sequence[str]) -> bool:
        for group in (one for one in ids if one.startswith("S")):
            with translated("usergroups.users.list"):
                answer = await self._client.usergroups_users_list(usergroup=group)
            if user in texts_of(answer.get("users")):
                return True
        return False
