"""assistant.threads.*: what the app says it is doing, the title of its thread and the prompts it suggests."""

from slackbox import limits, statuses
from slackbox.errors import Refusal
from slackbox.jsons import Json, as_list, as_object, text_at
from slackbox.methods.call import Call, Method
from slackbox.workspace import Channel


def methods() -> list[Method]:
    write = ("assistant:write",)
    return [
        # Since 2026 the status needs no more than what posting needs.
        Method(name="assistant.threads.setStatus", run=set_status, scopes=("chat:write", *write), tier=0),
        Method(name="assistant.threads.setTitle", run=set_title, scopes=write, tier=0),
        Method(name="assistant.threads.setSuggestedPrompts", run=set_prompts, scopes=write, tier=4),
    ]


def set_status(call: Call) -> Json:
    channel, thread = _thread(call)
    if "status" not in call.args:
        raise Refusal("invalid_arguments", messages=["[ERROR] missing required field: status"])
    loading = list(map(str, as_list(call.args.get("loading_messages")) or []))
    if len(loading) > limits.LOADING_MESSAGES:
        raise Refusal(
            "invalid_arguments",
            messages=[f"[ERROR] no more than {limits.LOADING_MESSAGES} items allowed [json-pointer:/loading_messages]"],
        )
    statuses.show(call.box, channel.id, thread, str(call.args["status"] or ""), loading)
    return {}


def set_title(call: Call) -> Json:
    channel, thread = _thread(call)
    _note(call, channel, thread, {"title": call.required("title")})
    return {}


def set_prompts(call: Call) -> Json:
    channel, thread = _thread(call)
    prompts = [as_object(each) or {} for each in as_list(call.args.get("prompts")) or []]
    if not 1 <= len(prompts) <= limits.SUGGESTED_PROMPTS:
        _refuse(f"must be 1 to {limits.SUGGESTED_PROMPTS} items [json-pointer:/prompts]")
    for position, prompt in enumerate(prompts):
        for name in ("title", "message"):
            if not text_at(prompt, name):
                _refuse(f"missing required field: {name} [json-pointer:/prompts/{position}]")
    shown = [{name: prompt[name] for name in ("title", "message")} for prompt in prompts]
    _note(call, channel, thread, {"prompts": shown, "prompts_title": call.optional("title") or ""})
    return {}


def _thread(call: Call) -> tuple[Channel, str]:
    """The channel and its thread. Raises Refusal channel_not_found, not_in_channel or invalid_thread_ts."""
    channel = call.channel("channel_id")
    post = call.post(channel, "thread_ts", "invalid_thread_ts")
    return channel, post.thread_ts or post.ts


def _note(call: Call, channel: Channel, thread: str, what: Json) -> None:
    call.box.workspace.assistant.setdefault((channel.id, thread), {}).update(what)
    call.box.feed.publish({"type": "assistant", "channel": channel.id, "thread_ts": thread, **what})


def _refuse(problem: str) -> None:
    raise Refusal("invalid_arguments", messages=[f"[ERROR] {problem}"])
