"""What comes from files and links is shown as it is, never rendered."""

import re

MOST = 2_000  # characters of one text: more is no sentence
# Streamlit looks for links, icons and emoji after the escapes are resolved: only another character within keeps a text
# from being one. This one has no width.
JOINER = "\u2060"
FOUND_IN_TEXT = re.compile(r"https?:(?=//)|www(?=\.)|@(?=\w)|:(?=[\w/+-]+:)", re.IGNORECASE)
MARKS = re.compile(rf"[\\`*\[\]<>$~]|:(?={JOINER}?\w)|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
STARTS = re.compile(r"^(\d*)([#+.)=-])")  # of headings, lists, rules


def plain(text: str) -> str:
    """Text as Markdown that shows just this: in one line, without links, its middle left out where it is long."""
    if len(text) > MOST:
        text = f"{text[: MOST // 2]} … {text[-MOST // 2 :]}"
    text = re.sub(r"^\s+", "", re.sub(r"\s*[\r\n\v\f\x85\u2028\u2029]\s*", " ", text))
    text = FOUND_IN_TEXT.sub(rf"\g<0>{JOINER}", text)
    return STARTS.sub(r"\1\\\2", MARKS.sub(r"\\\g<0>", text))
