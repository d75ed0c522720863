"""Parts that the payloads of interactions share, and handing them to the bot."""

from slackbox.box import Box
from slackbox.errors import WorldError
from slackbox.jsons import Json
from slackbox.workspace import Channel, Person

TROUBLE = "We had some trouble connecting. Try again?"


def common(box: Box, person: Person, kind: str) -> Json:
    """What every interaction says about itself. Raises WorldError when the manifest wants none."""
    if not box.manifest.interactivity:
        raise WorldError("The manifest has interactivity switched off, so Slack would not send this.")
    names = box.workspace.names
    return {
        "type": kind,
        "team": {"id": names.team, "domain": "slackbox"},
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": names.team},
        "api_app_id": names.app,
        "token": "verification-token",
        "enterprise": None,
        "is_enterprise_install": False,
    }


async def interact(box: Box, payload: Json) -> Json:
    """Tell the bot of an interaction that expects nothing but an acknowledgement. Returns {acked}."""
    answer = await box.delivery.ask("interactive", payload, accepts_response=False)
    return {"acked": answer.acked}


def stand_in(box: Box, user: str, channel: str) -> tuple[Person, Channel]:
    """A person in a conversation they can see. Raises WorldError for a private one they are not in."""
    person, room = box.workspace.get_person(user), box.workspace.get_channel(channel)
    if room.kind != "channel" and person.id not in room.members:
        raise WorldError(f"{person.name} is not in #{room.name} and cannot see it.")
    return person, room
