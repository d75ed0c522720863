"""`aiops demo` runs the recipe of examples/, which meets the bot only over its real doors."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from bot.core.errors import ConfigError

_RECIPE = Path(__file__).parents[2] / "examples" / "recipe-incident-triage"


def run(*, scenario: str, headless: bool, as_json: bool, keep: bool) -> int:
    """Run it as a program of its own, in the foreground. Raises ConfigError outside a checkout."""
    if not _RECIPE.is_dir():
        raise ConfigError("The demo lives in the repository: clone it and run `make demo` there")
    options = [name for name, wanted in (("--headless", headless), ("--json", as_json), ("--keep", keep)) if wanted]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(_RECIPE), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "recipe", "--scenario", scenario, *options]
    with subprocess.Popen(command, env=environment) as program:  # noqa: S603 - our own program
        # The recipe stops its programs in order, and that has to be waited for: killed in the middle it would leave
        # databases and servers behind. A terminal's Ctrl-C reaches it anyway; twice is harmless.
        def hand_on(_number: int, _frame: object) -> None:
            program.terminate()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, hand_on)
        return program.wait()
