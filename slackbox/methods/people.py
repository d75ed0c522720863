"""users.*, bots.info, team.info, auth.test: who there is."""

from slackbox import limits
from slackbox.errors import Refusal
from slackbox.jsons import Json
from slackbox.methods.call import Call, Method, page_of
from slackbox.workspace import Person


def methods() -> list[Method]:
    return [
        Method(name="api.test", run=api_test, caller="none"),
        Method(name="auth.test", run=auth_test, caller="either", tier=0),
        Method(name="users.info", run=user_info, scopes=("users:read",), tier=4),
        Method(name="users.list", run=user_list, scopes=("users:read",), tier=2),
        Method(name="users.lookupByEmail", run=by_email, scopes=("users:read.email",)),
        Method(name="users.getPresence", run=presence, scopes=("users:read",)),
        Method(name="auth.revoke", run=revoke, caller="either"),
        Method(name="emoji.list", run=emoji, scopes=("emoji:read",), tier=2),
        Method(name="bots.info", run=bot_info, scopes=("users:read",)),
        Method(name="team.info", run=team_info, scopes=("team:read",)),
    ]


def api_test(call: Call) -> Json:
    if call.optional("error"):
        raise Refusal(str(call.args["error"]))
    return {"args": call.args}


def auth_test(call: Call) -> Json:
    names = call.box.workspace.names
    return {
        "url": f"http://{call.netloc}/",
        "team": names.team_name,
        "user": call.box.workspace.people[names.bot_user].name,
        "team_id": names.team,
        "user_id": names.bot_user,
        "bot_id": names.bot,
        "is_enterprise_install": False,
    }


def revoke(call: Call) -> Json:
    """Take back the token of this call; with `test` only say that it could be done."""
    if call.flag("test"):
        return {"revoked": False}
    call.box.tokens.revoked.add(call.token or "")
    return {"revoked": True}


def user_info(call: Call) -> Json:
    return {"user": _shown(call, call.person())}


def user_list(call: Call) -> Json:
    rows = [_shown(call, person) for person in call.box.workspace.people.values()]
    page, cursor = page_of(rows, call, key="id", default=limits.LIST_PAGE, most=limits.LIST_PAGE)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


def by_email(call: Call) -> Json:
    wanted = call.required("email", "users_not_found").lower()
    found = next((each for each in call.box.workspace.people.values() if each.email and each.email == wanted), None)
    if found is None or found.deleted:
        raise Refusal("users_not_found")
    return {"user": _shown(call, found)}


def presence(call: Call) -> Json:
    return {"presence": "away" if call.person().id in call.box.workspace.away else "active"}


def emoji(call: Call) -> Json:
    """The workspace has no emoji of its own."""
    return {"emoji": {}, "cache_ts": str(call.box.workspace.seconds())}


def bot_info(call: Call) -> Json:
    names = call.box.workspace.names
    if call.optional("bot") not in {None, names.bot}:
        raise Refusal("bot_not_found")
    return {
        "bot": {
            "id": names.bot,
            "app_id": names.app,
            "user_id": names.bot_user,
            "name": call.box.manifest.bot_name,
            "deleted": False,
        }
    }


def team_info(call: Call) -> Json:
    names = call.box.workspace.names
    return {"team": {"id": names.team, "name": names.team_name, "domain": "slackbox", "email_domain": ""}}


def _shown(call: Call, person: Person) -> Json:
    """A person; the address only for an app that may read it."""
    with_email = "users:read.email" in call.box.manifest.scopes
    return describe(person, call.box.workspace.names.team, email=with_email)


def describe(person: Person, team: str, *, email: bool = False) -> Json:
    """A person as the Web API shows them."""
    address = {"email": person.email} if email and person.email else {}
    return {
        "id": person.id,
        "team_id": team,
        "name": person.name,
        "real_name": person.real_name,
        "deleted": person.deleted,
        "is_bot": person.is_bot,
        "is_app_user": False,
        "tz": "Etc/UTC",
        "tz_offset": 0,
        "profile": {
            "real_name": person.real_name,
            "display_name": person.name,
            "title": person.title,
            "team": team,
            **address,
        },
    }
