"""Styles of a page out of those that mails carry in every tag."""

from __future__ import annotations

import re

_STYLED = re.compile(r'<(?P<name>\w+)(?P<before>[^<>]*) style="(?P<style>[^"<>]*)"(?P<after>[^<>]*)>')
_CLASS = re.compile(r' class="([^"]*)"')
_INDENT = re.compile(r"\n\s*")


class SharedStyles:
    """Turns the styles that explanations carry in every tag, for mail programs, into classes of the page.

    Calling it gives the HTML with classes; its text is the style sheet of all that it has seen so far. What
    stands in an explanation is escaped, so that only tags of the template look like tags.

    Examples
    --------
    >>> shared = SharedStyles()
    >>> shared('<p class="note" style="margin:0">a</p>'), shared('<b style="margin:0">b</b>')
    ('<p class="note m0">a</p>', '<b class="m0">b</b>')
    >>> print(shared)
    .m0 { margin:0 }
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def __call__(self, html: str) -> str:
        """Put classes in the place of styles."""
        return _INDENT.sub("\n", _STYLED.sub(self._classed, html))

    def __str__(self) -> str:
        return "\n".join(f".{name} {{ {style} }}" for style, name in self._names.items())

    def _classed(self, tag: re.Match[str]) -> str:
        names = [self._names.setdefault(tag["style"], f"m{len(self._names)}")]
        rest = tag["before"] + tag["after"]
        if found := _CLASS.search(rest):
            names.insert(0, found[1])
            rest = rest.replace(found[0], "")
        return f'<{tag["name"]} class="{" ".join(names)}"{rest}>'
