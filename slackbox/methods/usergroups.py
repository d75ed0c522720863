"""usergroups.*: groups of people and who is in them. Workspaces that do not pay can look but change nothing."""

import re
from dataclasses import replace
from typing import Final

from slackbox.errors import Refusal
from slackbox.jsons import Json
from slackbox.methods.call import Call, Method
from slackbox.workspace import UserGroup

_HANDLE: Final = re.compile(r"[a-z0-9._-]{1,80}")


def methods() -> list[Method]:
    read, write = ("usergroups:read",), ("usergroups:write",)
    return [
        Method(name="usergroups.list", run=list_groups, scopes=read, tier=2),
        Method(name="usergroups.create", run=create, scopes=write, tier=2),
        Method(name="usergroups.update", run=update, scopes=write, tier=2),
        Method(name="usergroups.enable", run=enable, scopes=write, tier=2),
        Method(name="usergroups.disable", run=disable, scopes=write, tier=2),
        Method(name="usergroups.users.list", run=list_users, scopes=read, tier=2),
        Method(name="usergroups.users.update", run=update_users, scopes=write, tier=2),
    ]


def list_groups(call: Call) -> Json:
    with_disabled = call.flag("include_disabled")
    groups = [group for group in call.box.workspace.groups.values() if with_disabled or not group.disabled]
    return {"usergroups": [_shown(call, group, with_users=call.flag("include_users")) for group in groups]}


def create(call: Call) -> Json:
    _require_plan(call)
    name = call.required("name", "missing_subteam_name")
    handle = call.optional("handle") or re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-")
    _require_unique(call, name, handle, None)
    group = UserGroup(
        id=call.box.workspace.next_id("S"),
        handle=handle,
        name=name,
        users=(),
        description=call.optional("description") or "",
    )
    return _changed(call, group, "subteam_created")


def update(call: Call) -> Json:
    _require_plan(call)
    group = _found(call)
    name, handle = call.optional("name") or group.name, call.optional("handle") or group.handle
    _require_unique(call, name, handle, group.id)
    description = str(call.args.get("description", group.description) or "")
    return _changed(call, replace(group, name=name, handle=handle, description=description), "subteam_updated")


def enable(call: Call) -> Json:
    _require_plan(call)
    return _changed(call, replace(_found(call), disabled_at=0), "subteam_updated")


def disable(call: Call) -> Json:
    _require_plan(call)
    return _changed(call, replace(_found(call), disabled_at=call.box.workspace.seconds()), "subteam_updated")


def list_users(call: Call) -> Json:
    group = _found(call)
    if group.disabled and not call.flag("include_disabled"):
        raise Refusal("no_such_subteam")
    return {"users": list(group.users)}


def update_users(call: Call) -> Json:
    _require_plan(call)
    group = _found(call)
    users = list(dict.fromkeys(call.ids("users", "no_users_provided")))
    if any(user not in call.box.workspace.people for user in users):
        raise Refusal("invalid_users")
    added = [each for each in users if each not in group.users]
    removed = [each for each in group.users if each not in users]
    call.box.events.group_changed(
        "subteam_members_changed",
        {
            "subteam_id": group.id,
            "team_id": call.box.workspace.names.team,
            "added_users": added,
            "added_users_count": len(added),
            "removed_users": removed,
            "removed_users_count": len(removed),
        },
    )
    return _changed(call, replace(group, users=tuple(users)), "subteam_updated")


def _found(call: Call) -> UserGroup:
    group = call.box.workspace.groups.get(call.required("usergroup", "no_such_subteam"))
    if group is None:
        raise Refusal("no_such_subteam")
    return group


def _require_plan(call: Call) -> None:
    if call.box.options.free_plan:
        raise Refusal("plan_upgrade_required")


def _require_unique(call: Call, name: str, handle: str, own: str | None) -> None:
    if not _HANDLE.fullmatch(handle):
        raise Refusal("bad_handle")
    workspace = call.box.workspace
    others = [group for group in workspace.groups.values() if group.id != own]
    if any(group.name == name for group in others):
        raise Refusal("name_already_exists")
    taken = {group.handle for group in others} | {person.name for person in workspace.people.values()}
    if handle in taken:
        raise Refusal("handle_already_exists")


def _changed(call: Call, group: UserGroup, event: str) -> Json:
    call.box.workspace.groups[group.id] = group
    shown = _shown(call, group, with_users=True)
    call.box.events.group_changed(event, {"subteam": shown})
    return {"usergroup": shown}


def _shown(call: Call, group: UserGroup, *, with_users: bool) -> Json:
    workspace = call.box.workspace
    shown: Json = {
        "id": group.id,
        "team_id": workspace.names.team,
        "is_usergroup": True,
        "name": group.name,
        "handle": group.handle,
        "description": group.description,
        "user_count": len(group.users),
        "date_delete": group.disabled_at,
    }
    return shown | ({"users": list(group.users)} if with_users else {})
