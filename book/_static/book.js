/* What a style sheet cannot do. Paper cannot be unfolded and is not dark: for printing, open every fold and show the light
   theme; afterwards put both back. What scrolls must be reached by keys: formulas that are too wide take the focus. */
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
  const reachable = async () => {
    await document.fonts.ready;
    for (const box of document.querySelectorAll(".bd-article div.math")) {
      if (box.scrollWidth > box.clientWidth && box.clientWidth > 0) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  window.addEventListener("load", reachable);
  window.addEventListener("resize", reachable);
})();
