"""Files of the workspace: announced, uploaded, completed, shared, deleted. No protocol, no network."""

import mimetypes
from dataclasses import dataclass, field
from typing import Literal

from slackbox.jsons import Json

State = Literal["announced", "uploaded", "complete", "deleted"]


@dataclass(slots=True, kw_only=True)
class File:
    """One file. `length` is the byte length that was announced; `created` in seconds since the epoch."""

    id: str
    name: str
    length: int
    user: str
    ticket: str
    created: int
    title: str = ""
    alt_txt: str = ""
    snippet_type: str = ""
    data: bytes = b""
    state: State = "announced"
    # For each channel that the file was shared in: the ts of the messages.
    shares: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def describe(self, base: str) -> Json:
        """The file as the Web API shows it; `base` is the address that its bytes are fetched from."""
        kind = mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        url = f"{base}/api/files.download?file={self.id}"
        return {
            "id": self.id,
            "created": self.created,
            "timestamp": self.created,
            "name": self.name,
            "title": self.title or self.name,
            "mimetype": kind,
            "filetype": self.snippet_type or self.name.rpartition(".")[2].lower(),
            "user": self.user,
            "size": len(self.data),
            "mode": "snippet" if self.snippet_type else "hosted",
            "is_external": False,
            "is_public": bool(self.shares),
            "public_url_shared": False,
            "url_private": url,
            "url_private_download": url,
            "permalink": url,
            "alt_txt": self.alt_txt,
            "channels": [channel for channel in self.shares if channel.startswith("C")],
            "groups": [],
            "ims": [channel for channel in self.shares if channel.startswith("D")],
            "shares": {channel: [{"ts": ts} for ts in stamps] for channel, stamps in self.shares.items()},
        }


def tombstone(file_id: str) -> Json:
    """What a message shows in the place of a file that was deleted."""
    return {"id": file_id, "mode": "tombstone"}
