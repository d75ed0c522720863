"""Live progress: one plan block that is edited in place."""

from collections.abc import Sequence

from bot.core.posts import Progress, Task, TaskState
from bot.core.text import plural
from bot.slack.views import blocks as b
from bot.slack.views.message import Message, Room, fitted
from bot.slack.views.text import raw_line

_TITLE_LIMIT = 140
_OUTPUT_LIMIT = 150


def progress_message(progress: Progress) -> Message:
    """What the bot does right now; the text names the first running step, or the title when nothing runs."""
    running = next((task.title for task in progress.tasks if task.state is TaskState.IN_PROGRESS), "")
    text = f"{progress.title}: {running}" if running and not progress.finished else progress.title

    def build(room: Room) -> Sequence[b.Block]:
        title = raw_line(progress.title, min(200, room.chars))
        return [{"type": "plan", "title": title, "tasks": task_cards(progress.tasks, room)}]

    return fitted(text, build)


def task_cards(tasks: Sequence[Task], room: Room) -> list[b.TaskCard]:
    """The cards of a plan; what does not fit is counted."""
    hidden = len(tasks) - b.TASKS_LIMIT + 1 if len(tasks) > b.TASKS_LIMIT else 0
    shown = tasks[: len(tasks) - hidden]
    cards = [_task_card(task, position, room) for position, task in enumerate(shown, 1)]
    if hidden:
        more = Task(id="more", title=f"…and {plural(hidden, 'more step')}", state=TaskState.PENDING)
        cards.append(_task_card(more, b.TASKS_LIMIT, room))
    return cards


def _task_card(task: Task, position: int, room: Room) -> b.TaskCard:
    card: b.TaskCard = {
        "type": "task_card",
        # Slack wants ids that are unique within a plan.
        "task_id": f"{position}-{raw_line(task.id, 40)}",
        "title": raw_line(task.title, min(_TITLE_LIMIT, room.chars)),
        "status": task.state.value,
    }
    if task.output.strip():
        card["output"] = b.rich(b.line(b.word(task.output, min(_OUTPUT_LIMIT, room.chars))))
    return card
