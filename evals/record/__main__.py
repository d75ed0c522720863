"""`python -m evals.record`: runs examples/recipe-incident-triage/recording, which meets the bot only over its real doors."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from evals.runner import ROOT

_RECIPE = ROOT / "examples" / "recipe-incident-triage"


def main(argv: Sequence[str] | None = None) -> int:
    """The recording program's exit code: 0 recorded, 1 something is not, 2 wrong usage."""
    words = list(sys.argv[1:] if argv is None else argv)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(_RECIPE), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen([sys.executable, "-m", "recording", *words], env=environment) as program:  # noqa: S603 - ours
        # It stops its programs in order, and that has to be waited for. A terminal's Ctrl-C reaches it anyway; twice is harmless.
        def hand_on(_number: int, _frame: object) -> None:
            program.terminate()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, hand_on)
        return program.wait()


if __name__ == "__main__":
    sys.exit(main())
