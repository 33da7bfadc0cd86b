"""What is to be known of the videos that an answer rests on: kept with the answer, printed, told by the exit code."""

import sys
from collections.abc import Iterable, Mapping, Sequence

from atr.schema import counted, line
from atr.video.notices import Notice

PRINTED = 5  # clips with notices of one kind
# One clip, and several of them.
LACKING = (
    "clip lacks frames, or has frames that cannot be decoded",
    "clips lack frames, or have frames that cannot be decoded",
)
CHANGED = (
    "clip has all its frames and something to be known about it",
    "clips have all their frames and something to be known about them",
)


def notice_facts(notices: Mapping[str, Iterable[Notice]]) -> dict:
    """For a result: "notices", the texts of every clip that has any; "damaged", the clips of which frames are missing.

    notices: name of a clip -> those of its video.
    """
    found = {clip: list(each) for clip, each in notices.items()}
    return {
        "notices": {clip: [str(notice) for notice in each] for clip, each in found.items() if each},
        "damaged": [clip for clip, each in found.items() if any(notice.kind == "damage" for notice in each)],
    }


def joined_notices(facts: Sequence[Mapping]) -> dict:
    """As `notice_facts`, of several results over the same clips."""
    notices: dict[str, list[str]] = {}
    for clip, texts in (entry for each in facts for entry in each.get("notices", {}).items()):
        notices[clip] = list(dict.fromkeys([*notices.get(clip, ()), *texts]))
    damaged = dict.fromkeys(clip for each in facts for clip in each.get("damaged", ()))
    return {"notices": notices, "damaged": list(damaged)}


def tell_notices(facts: Mapping) -> bool:
    """Print what `notice_facts` gave, the first few clips of each kind in full; whether frames of any are missing.

    facts: a result; an older one tells nothing.
    """
    notices, damaged = facts.get("notices", {}), facts.get("damaged", [])
    whole = notices.keys() - set(damaged)
    _tell(damaged, notices, LACKING)
    _tell([clip for clip in notices if clip in whole], notices, CHANGED)
    return bool(damaged)


def _tell(clips: Sequence[str], notices: Mapping[str, Sequence[str]], what: tuple[str, str]) -> None:
    if clips:
        print(f"{counted(len(clips), *what)}:", file=sys.stderr)
    for clip in clips[:PRINTED]:
        print(line(f"  {clip}: {'; '.join(notices.get(clip, ()))}"), file=sys.stderr)
    if len(clips) > PRINTED:
        print(f"  and {len(clips) - PRINTED} more", file=sys.stderr)
