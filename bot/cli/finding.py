"""What `aiops doctor` prints."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line: what was looked at, whether it is well, and what to do when it is not."""

    name: str
    ok: bool
    words: str
    mend: str = ""
