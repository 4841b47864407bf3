"""Our part of a run's note, and the user's own text below it."""

from __future__ import annotations

from bvtrack.schema import names


def with_users_text(block: str, present: str) -> str:
    """Our block, our end marker, and then the user's own text from the present note.

    If MLflow would not accept that length, the user's text takes precedence, and only our first lines are kept.
    """
    _, marker, behind = present.partition(names.NOTE_END)
    users_text = (behind if marker else present).strip()
    room = names.TAG_LENGTH - len(names.NOTE_END) - len(users_text) - 2 * len("\n\n")
    ours = block.strip()
    if len(ours) > room:
        ours = ours[: max(room, 0)].rpartition("\n")[0].strip()
        if not ours:
            return present
    return "\n\n".join(part for part in (ours, names.NOTE_END, users_text) if part)
