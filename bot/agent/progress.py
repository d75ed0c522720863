"""The live progress of one investigation: a list of actions, each told when it starts and when it is done."""

from collections.abc import Callable
from dataclasses import replace

from bot.core.posts import Task, TaskState
from bot.core.text import clip, one_line
from bot.ports import TasksChanged

Emit = Callable[[TasksChanged], None]

_DOING_DONE = {
    "changes": ("Checking recent changes", "Checked recent changes"),
    "metrics": ("Comparing metrics around the onset", "Compared metrics around the onset"),
    "logs": ("Reading logs", "Read logs"),
    "traces": ("Following calls between services", "Followed calls between services"),
    "diagnostics": ("Running the runbook's diagnostics", "Ran the runbook's diagnostics"),
    "similar": ("Searching past incidents", "Searched past incidents"),
}


class Progress:
    """Keeps the tasks in order and tells every change."""

    def __init__(self, title: str, emit: Emit) -> None:
        self._title = title
        self._emit = emit
        self._tasks: dict[str, Task] = {}

    def start(self, *names: str) -> None:
        """Show actions as running."""
        for name in names:
            self._tasks[name] = Task(id=name, title=_DOING_DONE[name][0], state=TaskState.IN_PROGRESS)
        self._tell()

    def done(self, name: str, output: str) -> None:
        """Show an action as finished, with what came out in one line."""
        title = _DOING_DONE[name][1]
        self._set(Task(id=name, title=title, state=TaskState.COMPLETE, output=clip(one_line(output), 200)))

    def failed(self, name: str, why: str) -> None:
        """Show an action that could not be finished, with the reason."""
        self._set(replace(self._tasks[name], state=TaskState.ERROR, output=clip(one_line(why), 200)))

    def unfinished(self) -> list[str]:
        """Actions that still run."""
        return [name for name, task in self._tasks.items() if task.state is TaskState.IN_PROGRESS]

    def _set(self, task: Task) -> None:
        self._tasks[task.id] = task
        self._tell()

    def _tell(self) -> None:
        self._emit(TasksChanged(title=self._title, tasks=tuple(self._tasks.values())))
