"""Widgets in bare pages: what the tests of one widget and those of every instrument share."""

import base64
from collections.abc import Callable

from playwright.sync_api import Locator, Page

from inception_lessons.widgets import _page

Visit = Callable[..., Page]
"""`visit(*bodies, attributes="", over="file", **context_options)`, a fixture, opens a page of that HTML."""

THEMES = {
    "book light": ({"attributes": 'data-theme="light"', "color_scheme": "dark"}, False),
    "book dark": ({"attributes": 'data-theme="dark"', "color_scheme": "light"}, True),
    "bare light": ({"color_scheme": "light"}, False),
    "bare dark": ({"color_scheme": "dark"}, True),
}
"""Options of `visit`, and whether the page is then dark."""

CONTRAST = """host => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = color => {
    canvas.fillStyle = "#000";
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(value => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const paper = light(getComputedStyle(host.shadowRoot.querySelector("section, form")).backgroundColor);
  const nodes = [...host.shadowRoot.querySelectorAll("*")].filter(node => node.checkVisibility());
  const speaks = node => [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim());
  const texts = nodes.filter(speaks)
    .map(node => [node.textContent, ratio(light(getComputedStyle(node).color), paper)]);
  const bars = nodes.filter(node => node.matches(".bar i"))
    .map(node => [node.title, ratio(light(getComputedStyle(node).backgroundColor), paper)]);
  const below = (list, least) => list.filter(([, value]) => value < least);
  return { paper, texts: below(texts, 4.5), bars: below(bars, 3) };
}"""


FAKE = """async ([source, state]) => {
  const widget = (await import(`data:text/javascript;base64,${source}`)).default;
  const listeners = new Map();
  window.saves = 0;
  window.state = state;
  window.model = {
    get: name => state[name],
    set: (name, value) => {
      if (state[name] === value) return;
      state[name] = value;
      for (const listener of listeners.get(`change:${name}`) ?? []) listener();
    },
    on: (names, listener) => names.split(" ").forEach(
      name => listeners.set(name, (listeners.get(name) ?? new Set()).add(listener))),
    off: (names, listener) => names.split(" ").forEach(name => listeners.get(name)?.delete(listener)),
    save_changes: () => { window.saves += 1; },
  };
  window.listening = () => [...listeners.values()].reduce((total, set) => total + set.size, 0);
  const el = document.getElementById("view");
  window.start = async () => { window.cleanup = await widget.render({ model, el }); };
  await window.start();
}"""


def fake(visit: Visit, widget) -> Page:
    """Open a page that loads the widget's module as anywidget does, over a model of the test's own."""
    page = visit("<div id='view'></div>")
    source = _page.module_text(widget._module)
    page.evaluate(FAKE, [base64.b64encode(source.encode()).decode(), widget.state])
    return page


OUTSIDE = """host => {
  const panel = host.shadowRoot.querySelector("section, form");
  const padding = parseFloat(getComputedStyle(panel).paddingRight);
  const edge = panel.getBoundingClientRect().right - padding;
  const boxes = [...panel.querySelectorAll("*")].filter(node => !node.closest(".spoken"));
  const wide = node => node.getBoundingClientRect().right > edge + 0.5
    || (node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).display !== "inline");
  return boxes.filter(node => node.getClientRects().length && wide(node))
    .map(node => `${node.tagName} ${node.className} ${node.textContent}`.slice(0, 80));
}"""
"""What sticks out of a widget's panel, as text."""


EVALUATE = """([text, widget]) => {
  const { spec, all } = JSON.parse(text);
  return JSON.stringify(all.map(settings => widget.evaluate(spec, settings)));
}"""
"""A module's answers to many settings, as one text: playwright is slow with thousands of objects."""


def slider(page: Page | Locator, name: str) -> Locator:
    return page.get_by_role("slider", name=name)
