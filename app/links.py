"""The address of a page: what a link asks for, judged value by value, and the address that restores what is shown."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import streamlit as st

from app.markdown import plain
from atr.schema import line

FEW = 24  # so many allowed values are named in full
# What "Copy link" adds to an address: the view, and the names of `app.explorer.display.DISPLAY`, which takes torch to import.
LOOKED_AT = ("block", "frame", "source", "mode", "pair")
LOOKED_AT += ("values", "overlay", "opacity", "palette", "threshold", "interpolation", "masks")
Values = Sequence[str] | Mapping[str, str]  # of a link, or these with the words that the page has for them
ARRIVES = 1.5  # seconds after which a browser surely has the address that it was sent


@dataclass
class Link:
    """What the address of a page asks for, read once a session; each value is taken once, by what it settles."""

    asked: dict[str, str]
    at_first: set[str] = field(default_factory=set)  # names to be as at first: a way back restores them too
    warnings: list[str] = field(default_factory=list)
    shown: dict[str, str] | None = None  # the address when they were shown first

    @classmethod
    def of(cls, key: str, names: Iterable[str]) -> Self:
        """key: of the page, in the session's state. names: what its links may hold."""
        if key not in st.session_state:
            query = st.query_params.to_dict()
            asked = {name: query[name] for name in names if name in query}
            st.session_state[key] = cls(asked, {*names} - asked.keys() if is_way_back() else set())
        return st.session_state[key]

    def take(self, name: str, allowed: Values, what: str) -> str | None:
        """What the link asks for; None, with a warning, where it is none of the allowed values."""
        value = self.asked.pop(name, None)
        if value is None or value in allowed:
            return value
        self.warnings.append(unknown(what, value, allowed))
        return None

    def settle(self, state: str, name: str, allowed: Values, first: str, what: str) -> None:
        """Put into a widget's state what the link asks for, else leave it as it was, else the first choice."""
        wanted = self.take(name, allowed, what)
        if wanted or name in self.at_first or st.session_state.get(state) not in allowed:
            st.session_state[state] = wanted or first
        self.at_first.discard(name)

    def show_warnings(self, place, also: list[str] | None = None) -> None:
        """What could not be followed, until something else is looked at. also: warnings of what all pages share."""
        also = [] if also is None else also
        address = st.query_params.to_dict()
        if self.shown is None:
            self.shown = address
        if self.shown != address:
            self.warnings.clear()
            also.clear()
        if warnings := [*also, *self.warnings]:
            place.warning(plain(" ".join(warnings)), icon=":material/link_off:")


def unknown(what: str, value: str, allowed: Values) -> str:
    return (
        f"The link asks for {what} {line(repr(value), 200)}, which is not here; there are: {listed(allowed)}."
    )


def listed(values: Values) -> str:
    if isinstance(values, Mapping):
        return ", ".join(f"{value} ({words})" for value, words in values.items())
    if len(values) > FEW:
        return f"{values[0]}, {values[1]} … {values[-1]} ({len(values):,} in all)"
    return ", ".join(values) or "none"


def take_out_unknown(asked: dict[str, str], allowed: Mapping[str, Sequence[str]]) -> list[str]:
    """Leave in `asked` what is allowed; a sentence on each of the others."""
    faults = {name: value for name, value in asked.items() if value not in allowed[name]}
    for name in faults:
        del asked[name]
    return [unknown(name, value, allowed[name]) for name, value in faults.items()]


def set_address(link: dict[str, str], keys: Collection[str] | None = None) -> None:
    """The address restores what is shown. keys: those of the page; others are the browser's, and stay while these do."""
    present = st.query_params.to_dict()
    if {key: value for key, value in present.items() if keys is None or key in keys} != link:
        st.query_params.from_dict(link)
    remember_address()


def remember_address() -> None:
    """To be told when the browser has gone to another one."""
    address = st.query_params.to_dict()
    if address != st.session_state.get("address"):
        st.session_state.update(address=address, address_sent=time.monotonic())


def follow_history() -> None:
    """Before a page is drawn: where the browser went back or forward, its address is read as a link is at first.

    Not right after an address was sent: what the browser asks for meanwhile still has the one before. A browser that only
    adds to the address, as "Copy link" does, has gone nowhere.
    """
    asked, last = st.query_params.to_dict(), st.session_state.get("address")
    st.session_state["way_back"] = False
    if not asked or last is None:
        return
    if {key: value for key, value in asked.items() if key not in LOOKED_AT or key in last} == last:
        return
    if time.monotonic() - st.session_state["address_sent"] < ARRIVES:
        return
    for key in [key for key, value in st.session_state.items() if key == "link" or isinstance(value, Link)]:
        del st.session_state[key]
    st.session_state.update(way_back=True, ways_back=ways_back() + 1, address=asked)


def is_way_back() -> bool:
    """Whether this run restores an address that the browser went to."""
    return st.session_state.get("way_back", False)


def ways_back() -> int:
    """How many there were. In the key of a widget: after each it is another one, without what was selected in it."""
    return st.session_state.get("ways_back", 0)
