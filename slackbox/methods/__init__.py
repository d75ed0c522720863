"""The Web API: which methods there are and how a call becomes an answer."""

from slackbox.auth import Kind, identify, require_scope
from slackbox.box import Box
from slackbox.errors import Refusal
from slackbox.jsons import Json
from slackbox.methods import (
    assistant,
    bookmarks,
    canvases,
    channels,
    chat,
    conversations,
    files,
    people,
    pins,
    reactions,
    scheduled,
    streams,
    surfaces,
    usergroups,
)
from slackbox.methods.call import Call, Method
from slackbox.rooms import direct_id

__all__ = ["Call", "Method", "answer", "method_table", "refusal_body"]


def method_table() -> dict[str, Method]:
    """Every method by name."""
    families = (
        assistant,
        bookmarks,
        canvases,
        channels,
        chat,
        conversations,
        files,
        people,
        pins,
        reactions,
        scheduled,
        streams,
        surfaces,
        usergroups,
    )
    return {method.name: method for family in families for method in family.methods()}


def answer(call: Call, table: dict[str, Method]) -> Json:
    """Run one call. Raises Refusal with Slack's code."""
    method = table.get(call.method)
    if method is None:
        call.box.journal.violation("unknown_method", method=call.method)
        raise Refusal("unknown_method")
    if method.caller != "none":
        _admit(call.box, method, identify(call.token, call.box.tokens))
    call.box.rates.spend(method.name, method.tier, _channel_id(call))
    return {"ok": True, **method.run(call)}


def _channel_id(call: Call) -> str | None:
    """One bucket for a channel, whether it is called by its id or by its name."""
    given = call.optional("channel")
    if given in call.box.workspace.people:
        return direct_id(given)
    found = call.box.workspace.find_channel(given) if given else None
    return found.id if found else given


def _admit(box: Box, method: Method, kind: Kind) -> None:
    if method.caller not in {"either", kind}:
        raise Refusal("not_allowed_token_type")
    if kind == "bot":
        require_scope(box.manifest, *method.scopes)


def refusal_body(refusal: Refusal) -> Json:
    """A Refusal in the form of Slack's answers."""
    body: Json = {"ok": False, "error": refusal.code}
    if refusal.messages:
        body["errors"] = [message.removeprefix("[ERROR] ") for message in refusal.messages]
        body["response_metadata"] = {"messages": list(refusal.messages)}
    if refusal.detail is not None:
        body["detail"] = refusal.detail
    if refusal.errors:
        body["errors"] = list(refusal.errors)
    if refusal.needed is not None:
        body |= {"needed": refusal.needed, "provided": refusal.provided}
    return body
