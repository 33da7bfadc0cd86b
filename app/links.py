"""The address of a page: what a link asks for, judged value by value, and the address that restores what is shown."""

from collections.abc import Mapping, Sequence

import streamlit as st

from atr.schema import line

FEW = 24  # so many allowed values are named in full


def unknown(what: str, value: str, allowed: Sequence[str]) -> str:
    return (
        f"The link asks for {what} {line(repr(value), 200)}, which is not here; there are: {listed(allowed)}."
    )


def listed(values: Sequence[str]) -> str:
    if len(values) > FEW:
        return f"{values[0]}, {values[1]} … {values[-1]} ({len(values):,} in all)"
    return ", ".join(values) or "none"


def take_out_unknown(asked: dict[str, str], allowed: Mapping[str, Sequence[str]]) -> list[str]:
    """Leave in `asked` what is allowed; a sentence on each of the others."""
    faults = {name: value for name, value in asked.items() if value not in allowed[name]}
    for name in faults:
        del asked[name]
    return [unknown(name, value, allowed[name]) for name, value in faults.items()]


def number(text: str) -> int | None:
    """A number of a link; None for any other text, and for more digits than anything here counts."""
    return int(text) if text.isdecimal() and len(text) < 10 else None


def set_address(link: dict[str, str]) -> None:
    if st.query_params.to_dict() != link:
        st.query_params.from_dict(link)
