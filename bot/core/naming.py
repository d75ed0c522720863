"""Whether a cause in a person's words names the release that was blamed. Pure."""

import re

from bot.core.hypothesis import Hypothesis

_VERSION = re.compile(r"(?<![\w.])v?(\d+(?:\.\d+)+)(?![\w.]*\d)", re.IGNORECASE)
_LEAD = r"(?:the |a |new |bad |release |version |deploy(?:ment)? |of )*"
# Words after which the release may be what it was not.
_DOUBT = re.compile(
    r"\b(?:not|no|never|nor|isn't|wasn't|didn't|unrelated|innocent|fine|instead|despite|before|until)\b", re.IGNORECASE
)


def names_release(cause: str, blamed: Hypothesis | None) -> str:
    """
    The release as the words name it, `checkout 2.31`, when they begin with the one that was blamed; else empty.

    A person who begins with service and version names the change, though not its id. 2.31 stands for 2.31.0; words of
    denial anywhere leave it open, because a wrong grade is worse than none.
    """
    suspect = blamed.suspect if blamed is not None else None
    if blamed is None or suspect is None or not suspect.service or not suspect.change_id or _DOUBT.search(cause):
        return ""
    found = re.match(
        rf"\s*{_LEAD}({re.escape(suspect.service)})[\s@:/-]+{_LEAD}v?(\d+(?:\.\d+)+)\b", cause, re.IGNORECASE
    )
    if found is None:
        return ""
    known = {
        version for text in (blamed.title, suspect.change_id.replace("-", " ")) for version in _VERSION.findall(text)
    }
    same = any(version == found[2] or version.startswith(f"{found[2]}.") for version in known)
    return f"{found[1]} {found[2]}" if same else ""
