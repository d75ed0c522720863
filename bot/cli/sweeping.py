"""What `aiops doctor` says of the anomaly sweep."""

from collections.abc import Sequence

from bot.bootstrap.sweep import Sweep
from bot.cli.finding import Finding
from bot.core.text import plural
from bot.flows.sweep_anomalies import SweepState
from bot.settings import Anomaly

_NAME = "anomaly sweep"
_SHOWN = 3


async def sweep_findings(sweep: Sweep | None, config: Anomaly) -> Sequence[Finding]:
    """One line for the whole, and one for each signal that could not be looked at."""
    if sweep is None:
        return [Finding(name=_NAME, ok=True, words="off (anomaly.enabled in aiops.yaml)")]
    state = await sweep.state()
    return [_whole(state, config), *_problems(state)]


def _whole(state: SweepState, config: Anomaly) -> Finding:
    last = max((one.swept_at for one in state.swept), default=None)
    when = f"last at {last:%Y-%m-%d %H:%M:%S} UTC" if last else "not run yet; `aiops serve` does it"
    words = f"{plural(len(config.signals), 'signal')}, {when}"
    if state.held:
        shown = "; ".join(f"{one.signal} at {one.onset_at:%H:%M} UTC {one.words}" for one in state.held[:_SHOWN])
        more = f"; and {len(state.held) - _SHOWN} more" if len(state.held) > _SHOWN else ""
        held = f"{plural(len(state.held), 'onset')} held back in 24 hours by anomaly.per_hour: {config.per_hour}"
        words = f"{words}; {held}: {shown}{more}"
    return Finding(name=_NAME, ok=True, words=words)


def _problems(state: SweepState) -> Sequence[Finding]:
    mend = "Correct its query under anomaly.signals in aiops.yaml, or see why its server does not answer."
    return [
        Finding(name=f"signal {one.name}", ok=False, words=one.problem, mend=mend) for one in state.swept if one.problem
    ]
