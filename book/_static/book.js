/* What a style sheet cannot do. Paper cannot be unfolded and is not dark: for printing, open every fold and show the light
   theme; afterwards put both back. What scrolls must be reached by keys, and show it: code, tables and formulas that are too
   wide take the focus and are marked. */
"use strict";
(() => {
  const root = document.documentElement.dataset;
  let opened = [];
  let theme = null;
  window.addEventListener("beforeprint", () => {
    const within = [...document.querySelectorAll(".il-widget")].flatMap((host) => host.shadowRoot ?? []);
    opened = [document, ...within].flatMap((place) => [...place.querySelectorAll("details:not([open])")]);
    opened.forEach((fold) => { fold.open = true; });
    theme = root.theme;
    root.theme = "light";
  });
  window.addEventListener("afterprint", () => {
    opened.forEach((fold) => { fold.open = false; });
    opened = [];
    if (theme !== null) root.theme = theme;
    theme = null;
  });
  // To measure a cell that waits for its layout is to lay it out: a few at a time, while there is nothing else to do.
  const idle = window.requestIdleCallback ?? ((act) => setTimeout(() => act({ timeRemaining: () => 5 }), 20));
  let waiting = [];
  const measure = (slice) => {
    do {
      const box = waiting.shift();
      const scrolls = box.clientWidth > 0 && box.scrollWidth > box.clientWidth;
      box.toggleAttribute("data-scrolls", scrolls);
      if (scrolls) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    } while (waiting.length && slice.timeRemaining() > 3);
    if (waiting.length) idle(measure);
  };
  const reachable = async () => {
    await document.fonts.ready;
    const resting = !waiting.length;
    waiting = [...document.querySelectorAll(".bd-article :is(pre, .cell_output > .output, .il-table > div, div.math)")];
    if (resting && waiting.length) idle(measure);
  };
  window.addEventListener("load", reachable);
  window.addEventListener("resize", reachable);
  document.addEventListener("toggle", reachable, true);
})();
