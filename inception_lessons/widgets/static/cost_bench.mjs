// The cost bench: what cost_bench.py defines (`spec`) and counts, counted again at every step of a slider.

const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");

// 100·part/whole to three significant digits, halves up; in integers, to equal Python's text.
const percent = (part, whole) => {
  let [upper, lower, places, zeros] = [100n * BigInt(part), BigInt(whole), 0, 0];
  for (; upper < 100n * lower; places += 1) upper *= 10n;
  for (; upper >= 1000n * lower; zeros += 1) lower *= 10n;
  let digits = (2n * upper + lower) / (2n * lower);
  if (digits === 1000n) {
    digits = 100n;
    if (places) places -= 1;
    else zeros += 1;
  }
  const text = `${digits}${"0".repeat(zeros)}`.padStart(places + 1, "0");
  const point = text.length - places;
  return `${grouped(text.slice(0, point))}${places ? "." : ""}${text.slice(point)} %`;
};

const evaluate = (spec, settings) => {
  const { in_channels, reduced_channels, out_channels, grid, kernel_size: k, biases } = settings;
  const scope = { in: in_channels, reduced: reduced_channels, out: out_channels, k };
  scope["(k-3)/2"] = (k - 3) / 2;
  scope.many = spec.words[(k - 1) / 2];
  const layerOf = (step) => {
    const [inputs, outputs, height, width, groups] = ["in_channels", "out_channels", "height", "width", "groups"].map(
      (name) => scope[step[name]] ?? step[name],
    );
    const weights = outputs * (inputs / groups) * height * width;
    return {
      label: `${step.groups !== 1 ? "depthwise " : ""}${height}×${width}`,
      operation: { 1: "conv1", 3: "conv3" }[Math.max(height, width)] ?? "conv5",
      out_channels: outputs,
      parameters: weights + (biases ? outputs : 0),
      macs: weights * grid * grid,
    };
  };
  const sum = (layers, name) => layers.reduce((total, layer) => total + layer[name], 0);
  const counted = spec.variants.map(({ key, label: template, steps }) => {
    const layers = steps.flatMap((step) => Array(scope[step.repeat] ?? step.repeat).fill(layerOf(step)));
    const label = template.replace(/\{(\w+)\}/g, (_, name) => scope[name]);
    return { key, label, layers, parameters: sum(layers, "parameters"), macs: sum(layers, "macs") };
  });
  const first = counted[0];
  const cheapest = counted.reduce((best, row) => (row.macs < best.macs ? row : best));
  return {
    caption:
      `Input ${in_channels}×${grid}×${grid}, reduced to ${reduced_channels}, kernel ${k}×${k}, ` +
      `output of every variant ${out_channels}×${grid}×${grid}, ${biases ? "with" : "without"} biases.`,
    summary:
      cheapest === first
        ? `No variant takes fewer MACs than ${first.label} itself: ${grouped(first.macs)}.`
        : `Fewest MACs: ${cheapest.label}, with ${grouped(cheapest.macs)}, ` +
          `which is ${percent(cheapest.macs, first.macs)} of the ${grouped(first.macs)} of ${first.label}.`,
    rows: counted.map((row) => ({
      ...row,
      path: [in_channels, ...row.layers.map((layer) => layer.out_channels)].join(" → "),
      parameter_ratio: percent(row.parameters, first.parameters),
      mac_ratio: percent(row.macs, first.macs),
    })),
  };
};

const STYLE = `
:host { container-type: inline-size; }
* { box-sizing: border-box; }
.bench { border: 1px solid var(--w-rule); border-radius: 8px; padding: 1rem; background: var(--w-paper);
  color: var(--w-ink); font-size: .9375rem; line-height: 1.4; font-variant-numeric: tabular-nums; }
p { margin: .75rem 0 0; }
.controls { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr));
  gap: .75rem 1.75rem; padding-bottom: 1rem; border-bottom: 1px solid var(--w-rule); }
.top { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; }
.top label { display: contents; }
.field { display: grid; grid-template-columns: 1fr auto; align-items: center; }
input { margin: 0; accent-color: var(--w-conv1); }
[type="range"] { grid-column: 1 / -1; width: 100%; height: 1.75rem; }
.check { display: flex; gap: .5rem; align-items: center; }
[type="checkbox"] { width: 1.2rem; height: 1.2rem; }
select, button, [type="number"] { font: inherit; color: inherit; background: var(--w-paper);
  border: 1px solid var(--w-rule); border-radius: 5px; padding: .25rem .5rem; min-height: 2rem; }
select { flex: 1 1 12rem; min-width: 0; }
[type="number"] { width: 5rem; text-align: right; }
:focus-visible { outline: 2px solid var(--w-conv1); outline-offset: 2px; }
table, thead, tbody { display: block; }
tr { display: grid; grid-template-columns: minmax(7rem, 1fr) repeat(2, minmax(14rem, 1fr)); gap: .35rem 1.5rem;
  padding: .55rem 0; border-top: 1px solid var(--w-rule); align-items: end; }
thead tr { border: 0; padding-bottom: .25rem; }
th, td { text-align: left; padding: 0; }
small { display: block; }
small, thead th { font-weight: 400; }
.caption, .legend, small, thead, .numbers span + span, td::before { color: var(--w-muted); font-size: .875rem; }
.numbers { display: grid; grid-template-columns: 1fr minmax(4.2rem, auto); text-align: right; align-items: baseline; }
.bar { display: flex; height: 9px; margin: .2rem 0; background: color-mix(in srgb, var(--w-rule) 35%, transparent); }
.bar i { min-width: 1px; border-right: 1px solid var(--w-paper); }
.legend span { margin-right: 1rem; white-space: nowrap; }
.legend i { display: inline-block; width: .8em; height: .8em; margin-right: .35em; }
.spoken { position: absolute; clip-path: inset(50%); width: 1px; }
@container (max-width: 41rem) {
  thead { display: none; }
  tr { grid-template-columns: repeat(auto-fit, minmax(min(100%, 15.5rem), 1fr)); }
  th { grid-column: 1 / -1; }
  td::before { content: attr(data-name); float: left; }
}
@media print {
  .controls { display: none; }
  .bench { print-color-adjust: exact; }
  tr { break-inside: avoid; }
}
`;

const h = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
};

const bar = (layers, name, longest) =>
  layers.map(({ label, operation, [name]: count }) => {
    const style = `background: var(--w-${operation}); width: ${(100 * count) / longest}%`;
    return h("i", { style, title: `${label}: ${grouped(count)}` });
  });

const render = ({ model, el }) => {
  const spec = model.get("spec");
  const names = [...spec.settings.map((setting) => setting.name), "biases"];
  const read = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  const start = read();
  const stop = new AbortController();
  const listen = (node, event, act) => node.addEventListener(event, act, { signal: stop.signal });
  const write = (settings) => {
    for (const [name, value] of Object.entries(settings)) model.set(name, value);
    model.save_changes();
  };

  // A slider and a number field for each setting.
  const controls = spec.settings.map(({ name, label, low, high, step }) => {
    const limits = { min: low, max: high, step, "aria-label": label };
    const [range, number] = ["range", "number"].map((type) => h("input", { type, ...limits }));
    const nearest = (value) => low + step * Math.round((Math.min(high, Math.max(low, value || low)) - low) / step);
    listen(range, "input", () => write({ [name]: range.valueAsNumber }));
    listen(number, "input", () => number.value && number.validity.valid && write({ [name]: number.valueAsNumber }));
    listen(number, "change", () => {
      const value = nearest(number.valueAsNumber);
      write({ [name]: value });
      number.value = value;
    });
    const show = (value) => {
      range.value = value;
      if (number.valueAsNumber !== value) number.value = value;
    };
    return { name, show, node: h("div", { class: "field" }, h("span", { "aria-hidden": true }, label), number, range) };
  });
  const biases = h("input", { type: "checkbox" });
  listen(biases, "change", () => write({ biases: biases.checked }));
  const preset = h("select", {}, h("option", { value: "" }, "your own numbers"));
  for (const [index, { source, label }] of spec.presets.entries()) {
    const group = [...preset.children].find((node) => node.label === source) ?? h("optgroup", { label: source });
    group.append(h("option", { value: index }, label));
    preset.append(group);
  }
  listen(preset, "change", () => preset.value && write(spec.presets[preset.value].settings));
  const reset = h("button", { type: "button" }, "Reset");
  listen(reset, "click", () => write(start));

  // A row for each variant, made once and filled by draw.
  const measures = [["Parameters", "parameters", "parameter_ratio"], ["MACs", "macs", "mac_ratio"]];
  const rows = spec.variants.map(() => {
    const [label, path] = [h("span"), h("small")];
    const cells = measures.map(([title]) => {
      const [count, ratio, chart] = [h("span"), h("span"), h("div", { class: "bar" })];
      const node = h("td", { "data-name": title }, h("div", { class: "numbers" }, count, ratio), chart);
      return { count, ratio, chart, node };
    });
    return { label, path, cells, node: h("tr", {}, h("th", { scope: "row" }, label, path), ...cells.map((c) => c.node)) };
  });
  const column = ([title]) =>
    h("th", {}, h("div", { class: "numbers" }, h("span", {}, title), h("span", {}, "of direct")));
  const caption = h("p", { class: "caption" });
  const summary = h("p", { class: "summary" });
  const spoken = h("p", { class: "spoken", role: "status", "aria-live": "polite" });
  const legend = [["conv1", "1×1"], ["conv3", "3×3"], ["conv5", "larger kernels"]].map(([name, text]) =>
    h("span", {}, h("i", { style: `background: var(--w-${name})` }), text),
  );

  let timer;
  const draw = () => {
    const settings = read();
    const { caption: text, summary: result, rows: counted } = evaluate(spec, settings);
    for (const control of controls) control.show(settings[control.name]);
    biases.checked = settings.biases;
    preset.value = spec.presets.findIndex((choice) =>
      Object.entries(choice.settings).every(([name, value]) => settings[name] === value),
    );
    if (!preset.value) preset.selectedIndex = 0;
    caption.textContent = text;
    summary.textContent = result;
    const longest = (name) => Math.max(...counted.map((row) => row[name]));
    for (const [index, row] of counted.entries()) {
      const { label, path, cells } = rows[index];
      label.textContent = row.label;
      path.textContent = row.path;
      for (const [at, [, name, ratio]] of measures.entries()) {
        cells[at].count.textContent = grouped(row[name]);
        cells[at].ratio.textContent = row[ratio];
        cells[at].chart.replaceChildren(...bar(row.layers, name, longest(name)));
      }
    }
    clearTimeout(timer); // a screen reader hears only where a slider stops
    timer = setTimeout(() => (spoken.textContent = result), 600);
  };

  el.classList.add("il-widget");
  el.dataset.lmSuppressShortcuts = "true"; // else JupyterLab takes arrows and Enter
  const root = el.shadowRoot ?? el.attachShadow({ mode: "open" });
  root.replaceChildren(
    h("style", {}, STYLE),
    h("section", { class: "bench", "aria-label": "Cost bench" },
      h("div", { class: "controls" },
        h("div", { class: "top" }, h("label", {}, "Example", preset), reset),
        ...controls.map((control) => control.node),
        h("label", { class: "check" }, biases, "Count biases")),
      caption,
      h("table", {},
        h("thead", {}, h("tr", {}, h("th", {}, "Variant"), ...measures.map(column))),
        h("tbody", {}, ...rows.map((row) => row.node))),
      h("p", { class: "legend" }, ...legend),
      summary,
      spoken),
  );
  const changes = names.map((name) => `change:${name}`).join(" ");
  model.on(changes, draw);
  draw();
  clearTimeout(timer); // announce nothing yet
  return () => {
    clearTimeout(timer);
    stop.abort();
    model.off(changes, draw);
    root.replaceChildren();
  };
};

export default { render, evaluate };
