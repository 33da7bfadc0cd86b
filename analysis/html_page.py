"""Pages that work from disk: tables and Plotly figures in one HTML file.

Nothing is fetched: plotly.js and all pictures are inside, and the page's own policy forbids every connection.
"""

import re
from html import escape

import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

GENERATOR = '<meta name="generator" content="python -m analysis">'  # by which a page of this package is known
STYLE = """
body { font-family: system-ui, sans-serif; max-width: 1260px; margin: 2rem auto; padding: 0 1rem; color: #222;
       background: #fff; line-height: 1.5 }
table { border-collapse: collapse; font-size: 0.85rem; margin: 0.8rem 0 }
th, td { border-bottom: 1px solid #ddd; padding: 0.25rem 0.5rem; text-align: left }
td + td { overflow-wrap: anywhere } td.short { white-space: nowrap }
.wide { overflow-x: auto } figure { margin: 0.6rem 0 } figure img { width: 100%; image-rendering: pixelated }
figcaption, .note { color: #555; font-size: 0.9rem } article { margin: 2rem 0 }
"""


def page(heading: str, *parts: str) -> str:
    """The only place for scripts is this file itself: the policy lets the page connect to nothing."""
    policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{GENERATOR}<title>{escape(heading)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f"<style>{STYLE}</style><script>{get_plotlyjs()}</script></head>\n"
        f"<body><h1>{escape(heading)}</h1>\n{''.join(parts)}</body></html>\n"
    )


def section(heading: str, *parts: str) -> str:
    return f"<section><h2>{escape(heading)}</h2>\n{''.join(parts)}</section>\n"


def paragraph(text: str, *, note: bool = False) -> str:
    return f'<p class="note">{escape(text)}</p>\n' if note else f"<p>{escape(text)}</p>\n"


def folded(heading: str, content: str) -> str:
    return f"<details><summary>{escape(heading)}</summary>{content}</details>\n"


def table(frame: pd.DataFrame) -> str:
    with pd.option_context("display.max_colwidth", None):
        html = frame.to_html(index=False, escape=True, border=0)
    # Long words, such as digests, break anywhere; a value with its interval stays on one line.
    return '<div class="wide">' + re.sub("<td>([^<]{1,24}</td>)", r'<td class="short">\1', html) + "</div>\n"


class Figures:
    """Plotly figures as HTML, numbered through the page: names drawn at random would make every report another."""

    def __init__(self):
        self.count = 0

    def html(self, figure: go.Figure) -> str:
        self.count += 1
        name = f"figure-{self.count}"
        return figure.to_html(
            full_html=False, include_plotlyjs=False, div_id=name, config={"displaylogo": False}
        )
