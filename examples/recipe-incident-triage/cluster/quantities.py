"""Quantities of memory, in Kubernetes' notation."""

import re

_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "": 1}


def memory_bytes(quantity: str | int) -> int:
    """A memory quantity such as 256Mi. Raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G|)", str(quantity))
    if not found:
        raise ValueError(f"{quantity!r} is not a quantity of memory; write it like 256Mi")
    return int(float(found[1]) * _UNITS[found[2]])
