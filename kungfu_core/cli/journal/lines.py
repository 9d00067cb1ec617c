"""An event's fields in one line, for people."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kungfu_core.views import Event


def fields_text(event: "Event", names: Mapping[int, str]) -> str:
    """Write the fields that say something; a list by its length."""
    from kungfu_core.journal_export import payload  # noqa: PLC0415 - --help needs none of it

    said = (
        f"{key}={len(value)} items" if isinstance(value, list) else f"{key}={value}"
        for key, value in payload(event, names).items()
        if value not in (None, "")
    )
    return " ".join(" ".join(said).split())
