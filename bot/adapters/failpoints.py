"""Dying on purpose, for crash tests."""

import os
import signal
from collections.abc import Callable


def fail_point(name: str | None) -> Callable[[str], None]:
    """A function that kills this process with SIGKILL, as a power cut would, when it is given that name."""

    def reach(point: str) -> None:
        if point == name:
            os.kill(os.getpid(), signal.SIGKILL)

    return reach
