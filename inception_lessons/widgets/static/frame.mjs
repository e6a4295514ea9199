// The frame that every instrument stands in: number format, elements, controls, and the panel that keeps the page, the
// model, the address and the screen reader in step. `module_text` in _page.py puts it before a widget's own module.

const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");

const fill = (node, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
};
const h = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

const legend = (entries) =>
  h("p", { class: "legend" }, ...entries.map(([color, text]) =>
    h("span", {}, h("i", { style: `background: var(--w-${color})` }), text)));

const FRAME = `
:host { container-type: inline-size; }
* { box-sizing: border-box; }
section { border: 1px solid var(--w-rule); border-radius: 8px; padding: 1rem; background: var(--w-paper);
  color: var(--w-ink); font-size: .9375rem; line-height: 1.4; font-variant-numeric: tabular-nums; }
p { margin: .75rem 0 0; overflow-wrap: anywhere; }
.controls { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr));
  gap: .75rem 1.75rem; padding-bottom: 1rem; border-bottom: 1px solid var(--w-rule); }
.top { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; }
.top label { display: contents; }
.field { display: grid; grid-template-columns: 1fr auto; align-items: center; gap: 0 .5rem; }
input { margin: 0; accent-color: var(--w-conv1); }
[type="range"] { grid-column: 1 / -1; width: 100%; height: 1.75rem; }
.check { display: flex; gap: .5rem; align-items: center; min-height: 1.75rem; }
[type="checkbox"] { width: 1.2rem; height: 1.2rem; }
select, button, [type="number"], [type="text"] { font: inherit; color: inherit; background: var(--w-paper);
  border: 1px solid var(--w-muted); border-radius: 5px; padding: .25rem .5rem; min-height: 2rem; }
button { cursor: pointer; }
select { flex: 1 1 12rem; min-width: 0; max-width: 100%; }
[type="number"] { width: 5.5rem; text-align: right; }
.wide { grid-column: 1 / -1; display: grid; gap: .2rem; }
.wide label { display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: center; }
[type="text"] { flex: 1 1 12rem; min-width: 0; }
[aria-invalid="true"] { outline: 2px solid var(--w-conv3); }
:focus-visible { outline: 2px solid var(--w-conv1); outline-offset: 2px; }
a { color: var(--w-conv1); }
svg { display: block; width: 100%; height: auto; }
text { fill: var(--w-ink); }
th, td { text-align: left; padding: 0; }
small, .caption, .legend, .links { color: var(--w-muted); font-size: .875rem; }
.legend span { margin-right: 1rem; white-space: nowrap; }
.legend i { display: inline-block; width: .8em; height: .8em; margin-right: .35em; }
.spoken { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
@media print {
  .controls, .links { display: none; }
  section { print-color-adjust: exact; break-inside: avoid; }
}
`;

const nearest = ({ low, high, step }, value) => {
  const within = Number.isNaN(value) ? low : Math.min(high, Math.max(low, value)); // 0 is a value
  return Number((low + step * Math.round((within - low) / step)).toPrecision(12));
};

// What a text of the address says for a control; undefined where it says nothing that the control could show.
const accepted = (control, text) => {
  if (text === null) return undefined;
  if ("low" in control) return Number.isFinite(Number(text)) ? nearest(control, Number(text)) : undefined;
  if (control.options) return control.options.find(({ value }) => value === text)?.value;
  if (control.pattern) return new RegExp(`^(?:${control.pattern})$`).test(text) ? text : undefined;
  return text === "true";
};

const CONTROLS = {
  slider(control, { listen, write }) {
    const { name, label, low, high, step } = control;
    const limits = { min: low, max: high, step, "aria-label": label };
    const [range, number] = ["range", "number"].map((type) => h("input", { type, ...limits }));
    listen(range, "input", () => write({ [name]: range.valueAsNumber }));
    listen(number, "input", () => number.value && number.validity.valid && write({ [name]: number.valueAsNumber }));
    listen(number, "change", () => {
      const value = nearest(control, number.valueAsNumber);
      write({ [name]: value });
      number.value = value;
    });
    const show = (value) => {
      range.value = value;
      if (number.valueAsNumber !== value) number.value = value;
    };
    return { name, show, node: h("div", { class: "field" }, h("span", { "aria-hidden": true }, label), number, range) };
  },
  choice({ name, label, options }, { listen, write }) {
    const select = h("select", {}, ...options.map(({ value, label: text }) => h("option", { value }, text)));
    listen(select, "change", () => write({ [name]: select.value }));
    const show = (value) => (select.value = value);
    return { name, show, node: h("label", { class: "field" }, label, select) };
  },
  toggle({ name, label }, { listen, write }) {
    const box = h("input", { type: "checkbox" });
    listen(box, "change", () => write({ [name]: box.checked }));
    return { name, show: (value) => (box.checked = value), node: h("label", { class: "check" }, box, label) };
  },
  text({ name, label, hint, pattern }, { listen, write }) {
    const field = h("input", { type: "text", autocomplete: "off", spellcheck: "false", "aria-describedby": `hint-${name}` });
    const whole = new RegExp(`^(?:${pattern})$`);
    listen(field, "input", () => {
      const value = field.value.trim();
      field.setAttribute("aria-invalid", !whole.test(value));
      if (whole.test(value)) write({ [name]: value });
    });
    const show = (value) => {
      if (field.value.trim() !== value) field.value = value;
      field.setAttribute("aria-invalid", "false");
    };
    return { name, show, node: h("div", { class: "wide" }, h("label", {}, label, field), h("small", { id: `hint-${name}` }, hint)) };
  },
};

// A widget's render. `build` gets { spec, listen, write, read } and returns `nodes` and `draw(settings)`; draw returns
// the sentence that a screen reader hears where a control stops.
const panel = (title, style, build) => ({ model, el }) => {
  const spec = model.get("spec");
  const names = spec.controls.map(({ name }) => name);
  const read = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  const start = read();
  const stop = new AbortController();
  const listen = (node, events, act) => {
    for (const event of events.split(" ")) node.addEventListener(event, act, { signal: stop.signal });
    return node;
  };
  let busy = false;
  const write = (settings) => {
    busy = true; // one drawing for all that changes together
    for (const [name, value] of Object.entries(settings)) model.set(name, value);
    model.save_changes();
    busy = false;
    draw();
  };
  const tools = { spec, listen, write, read };
  const controls = spec.controls.filter(({ kind }) => CONTROLS[kind]).map((control) => CONTROLS[control.kind](control, tools));
  const own = build(tools);

  const top = h("div", { class: "top" });
  const presets = spec.presets ?? [];
  const preset = h("select", {}, h("option", { value: "" }, "your own setting"));
  for (const [index, { source, label }] of presets.entries()) {
    const group = [...preset.children].find((node) => node.label === source) ?? h("optgroup", { label: source });
    group.append(h("option", { value: index }, label));
    preset.append(group);
  }
  listen(preset, "change", () => preset.value && write(presets[preset.value].settings));
  if (presets.length) top.append(h("label", {}, "Example", preset));
  top.append(listen(h("button", { type: "button" }, "Reset"), "click", () => write(start)));

  // A link that restores the setting, where the page has an address of its own.
  const kind = /^il-(.+)-\w+-\d+$/.exec(el.id)?.[1];
  const place = [...document.querySelectorAll(`[id^="il-${kind}-"]`)].indexOf(el) + 1;
  const prefix = `#${kind}-${place}?`;
  const link = h("a", {}, "Link to this setting");
  const restore = () => {
    if (!kind || !location.hash.startsWith(prefix)) return;
    const given = new URLSearchParams(location.hash.slice(prefix.length));
    const found = spec.controls.map((control) => [control.name, accepted(control, given.get(control.name))]);
    write(Object.fromEntries(found.filter(([, value]) => value !== undefined)));
    el.scrollIntoView();
  };

  const spoken = h("p", { class: "spoken", role: "status", "aria-live": "polite" });
  let timer;
  const draw = () => {
    if (busy) return;
    const settings = read();
    for (const control of controls) control.show(settings[control.name]);
    preset.value = presets.findIndex((choice) =>
      Object.entries(choice.settings).every(([name, value]) => settings[name] === value),
    );
    if (!preset.value) preset.selectedIndex = 0;
    const sentence = own.draw(settings);
    link.href = prefix + new URLSearchParams(settings);
    clearTimeout(timer);
    timer = setTimeout(() => (spoken.textContent = sentence), 600);
  };

  el.classList.add("il-widget");
  el.dataset.lmSuppressShortcuts = "true"; // else JupyterLab takes arrows and Enter
  const root = el.shadowRoot ?? el.attachShadow({ mode: "open" });
  root.replaceChildren(
    h("style", {}, FRAME + style),
    h("section", { "aria-label": spec.title ?? (place > 1 ? `${title} ${place}` : title) },
      h("div", { class: "controls" }, top, ...controls.map(({ node }) => node)),
      ...own.nodes,
      ...(kind && !document.body.dataset.jpThemeName ? [h("p", { class: "links" }, link)] : []),
      spoken),
  );
  const changes = names.map((name) => `change:${name}`).join(" ");
  model.on(changes, draw);
  listen(window, "hashchange", restore);
  draw();
  clearTimeout(timer); // announce nothing yet
  restore();
  return () => {
    clearTimeout(timer);
    stop.abort();
    model.off(changes, draw);
    root.replaceChildren();
  };
};
