"""`aiops demo` runs the recipe of examples/, which meets the bot only over its real doors."""

import os
import subprocess
import sys
from pathlib import Path

from bot.core.errors import ConfigError

_RECIPE = Path(__file__).parents[2] / "examples" / "recipe-incident-triage"


def run(*, headless: bool, as_json: bool, keep: bool) -> int:
    """Run it as a program of its own, in the foreground. Raises ConfigError outside a checkout."""
    if not _RECIPE.is_dir():
        raise ConfigError("The demo lives in the repository: clone it and run `make demo` there")
    options = [name for name, wanted in (("--headless", headless), ("--json", as_json), ("--keep", keep)) if wanted]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(_RECIPE), os.environ.get("PYTHONPATH", "")])}
    try:
        return subprocess.run([sys.executable, "-m", "recipe", *options], env=environment, check=False).returncode  # noqa: S603 - our own program
    except KeyboardInterrupt:
        return 130
