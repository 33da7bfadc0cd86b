"""What comes from files and links is shown as it is, never rendered."""

import re


def plain(text: str) -> str:
    """Text with Markdown's marks escaped: names of files and words of links are shown, never rendered."""
    return re.sub(r"[\\`*\[\]<>$~]|:(?=\w)", r"\\\g<0>", text)
