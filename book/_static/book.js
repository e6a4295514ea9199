/* Paper cannot be unfolded and is not dark: for printing, open every fold and show the light theme; afterwards put both back. */
"use strict";
(() => {
  const root = document.documentElement.dataset;
  let opened = [];
  let theme = null;
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
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
})();
