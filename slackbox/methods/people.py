"""users.*, usergroups.*, bots.info, team.info, auth.test: who there is."""

from slackbox.errors import Refusal
from slackbox.jsons import Json
from slackbox.methods.call import Call, Method, page_of
from slackbox.workspace import Person, UserGroup


def methods() -> list[Method]:
    return [
        Method(name="api.test", run=api_test, caller="none"),
        Method(name="auth.test", run=auth_test, caller="either", tier=0),
        Method(name="users.info", run=user_info, scopes=("users:read",), tier=4),
        Method(name="users.list", run=user_list, scopes=("users:read",), tier=2),
        Method(name="usergroups.list", run=group_list, scopes=("usergroups:read",), tier=2),
        Method(name="usergroups.users.list", run=group_users, scopes=("usergroups:read",), tier=2),
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


def user_info(call: Call) -> Json:
    person = call.box.workspace.people.get(call.required("user", "user_not_found"))
    if person is None:
        raise Refusal("user_not_found")
    return {"user": describe(person, call.box.workspace.names.team)}


def user_list(call: Call) -> Json:
    rows = [describe(person, call.box.workspace.names.team) for person in call.box.workspace.people.values()]
    page, cursor = page_of(rows, call, key="id", default=1000, most=1000)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


def group_list(call: Call) -> Json:
    with_users = call.flag("include_users")
    team = call.box.workspace.names.team
    return {"usergroups": [_group(group, team, with_users=with_users) for group in call.box.workspace.groups.values()]}


def group_users(call: Call) -> Json:
    group = call.box.workspace.groups.get(call.required("usergroup", "no_such_subteam"))
    if group is None:
        raise Refusal("no_such_subteam")
    return {"users": list(group.users)}


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


def describe(person: Person, team: str) -> Json:
    """A person as the Web API shows them."""
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
        },
    }


def _group(group: UserGroup, team: str, *, with_users: bool) -> Json:
    shown: Json = {
        "id": group.id,
        "team_id": team,
        "is_usergroup": True,
        "name": group.name,
        "handle": group.handle,
        "user_count": len(group.users),
        "date_delete": 0,
    }
    return shown | ({"users": list(group.users)} if with_users else {})
