"""Carries labels from HTML through the PDF: every labelled element's text colour gets a code in
the low four bits of red, green and blue.

Only colour changes, so the layout is that of the unmarked page, one print gives both the page
and its truth, and words match their labels by construction. The codes are drawn at random per
document, so that neither the label nor the order of the blocks can be read from the colour.
"""

from __future__ import annotations

import random

# Runs in the browser before printing: computed colours, so style sheets and inline styles both count.
SCRIPT = """
<script>
(function () {
  function mark(element, code) {
    var colour = getComputedStyle(element);
    function coded(value) {
      var c = (value.match(/[0-9.]+/g) || [0, 0, 0]).map(Number);
      return 'rgb(' + [0, 1, 2].map(function (i) {
        return (c[i] & 240) | ((code >> (8 - 4 * i)) & 15);
      }).join(',') + ')';
    }
    todo.push([element, coded(colour.color), element.tagName === 'text' ? coded(colour.fill) : null]);
    for (var i = 0; i < element.children.length; i++)
      if (!element.children[i].hasAttribute('data-c')) mark(element.children[i], code);
  }
  var todo = [];
  document.querySelectorAll('[data-c]').forEach(function (e) { mark(e, parseInt(e.getAttribute('data-c'), 16)); });
  todo.forEach(function (t) {
    t[0].style.setProperty('color', t[1], 'important');
    if (t[2]) t[0].style.setProperty('fill', t[2], 'important');
  });
})();
</script>
"""


class Codes:
    """Hands out a code per block; remembers what each means."""

    def __init__(self, rng: random.Random) -> None:
        self.free = list(range(1, 4096))
        rng.shuffle(self.free)
        self.meaning: dict[int, tuple[int, str]] = {}
        self.by_block: dict[int, int] = {}

    def code(self, block: int, label: str) -> int:
        if block not in self.by_block:
            code = self.free.pop()
            self.by_block[block] = code
            self.meaning[code] = (block, label)
        return self.by_block[block]

    def attribute(self, block: int, label: str) -> str:
        return f'data-c="{self.code(block, label):03x}"'

    def css_colour(self, block: int, label: str, colour: tuple[int, int, int]) -> str:
        """The marked colour for text that only a style sheet makes, such as page margin boxes."""
        code = self.code(block, label)
        return "#%02x%02x%02x" % tuple((c & 240) | ((code >> (8 - 4 * i)) & 15) for i, c in enumerate(colour))


def decode(colour: list[int]) -> int:
    """The code in a word's fill colour (red, green, blue in 0..255)."""
    return (colour[0] & 15) << 8 | (colour[1] & 15) << 4 | (colour[2] & 15)
