// parts: frame, percent
// The cost bench: what cost_bench.py defines (`spec`) and counts, counted again at every step of a slider.

// The steps that a reader wrote, such as "1x1 16, 3x3 depthwise".
const ownSteps = (text, start) => {
  let inputs = start;
  return text.replaceAll("×", "x").split(", ").map((part) => {
    const [kernel, channels] = part.split(" ");
    const [height, width] = kernel.split("x").map(Number);
    const separable = channels === "depthwise";
    const out = separable ? inputs : Number(channels);
    const step = { in_channels: inputs, out_channels: out, height, width, groups: separable ? inputs : 1, repeat: 1,
      grid: "grid", keeps_grid: true, dense: false };
    inputs = out;
    return step;
  });
};

const evaluate = (spec, settings) => {
  const scope = Object.fromEntries(Object.entries(spec.names).map(([name, setting]) => [name, settings[setting]]));
  Object.assign(scope, { grid: settings.grid, biases: settings.biases ? "with" : "without" });
  if (scope.k) Object.assign(scope, { "(k-3)/2": (scope.k - 3) / 2, many: spec.words[(scope.k - 1) / 2] });
  const filled = (template) => template.replace(/\{(\w+)\}/g, (_, name) => scope[name]);
  const layerOf = (step) => {
    const [inputs, outputs, height, width, groups, grid] =
      ["in_channels", "out_channels", "height", "width", "groups", "grid"].map((name) => scope[step[name]] ?? step[name]);
    const weights = outputs * (inputs / groups) * height * width;
    const positions = step.keeps_grid ? grid * grid : (grid - height + 1) * (grid - width + 1);
    return {
      label: step.dense ? "dense" : `${groups !== 1 ? "depthwise " : ""}${height}×${width}`,
      operation: step.dense ? "dense" : ({ 1: "conv1", 3: "conv3" }[Math.max(height, width)] ?? "conv5"),
      out_channels: outputs,
      parameters: weights + (settings.biases ? outputs : 0),
      macs: weights * positions,
    };
  };
  const sum = (layers, name) => layers.reduce((total, layer) => total + layer[name], 0);
  const own = settings.own ? [{ key: "own", label: "your own", steps: ownSteps(settings.own, settings.in_channels) }] : [];
  const counted = [...spec.variants, ...own].map(({ key, label, steps }) => {
    const layers = steps.flatMap((step) => Array(scope[step.repeat] ?? step.repeat).fill(layerOf(step)));
    return { key, label: filled(label), layers, parameters: sum(layers, "parameters"), macs: sum(layers, "macs") };
  });
  const { measure } = spec;
  const what = spec.measures[measure];
  const first = counted[0];
  const [ends, wanted] = [counted.at(-1), first].map((row) => row.layers.at(-1).out_channels);
  const rivals = ends === wanted ? counted : counted.slice(0, -1);
  const least = rivals.reduce((best, row) => (row[measure] < best[measure] ? row : best));
  let summary =
    least === first
      ? `No variant takes fewer ${what} than ${first.label} itself: ${grouped(first[measure])}.`
      : `Fewest ${what}: ${least.label}, with ${grouped(least[measure])}, ` +
        `which is ${percent(least[measure], first[measure])} of the ${grouped(first[measure])} of ${first.label}.`;
  if (ends !== wanted)
    summary += ` Your own ends in ${ends} channels, not ${wanted}: it does another job.`;
  return {
    caption: filled(spec.caption),
    summary,
    rows: counted.map((row) => ({
      ...row,
      path: [settings.in_channels, ...row.layers.map((layer) => layer.out_channels)].join(" → "),
      parameter_ratio: percent(row.parameters, first.parameters),
      mac_ratio: percent(row.macs, first.macs),
    })),
  };
};

const STYLE = `
table, thead, tbody { display: block; }
tr { display: grid; grid-template-columns: minmax(7rem, 1fr) repeat(2, minmax(14rem, 1fr)); gap: .35rem 1.5rem;
  padding: .55rem 0; border-top: 1px solid var(--w-rule); align-items: end; }
thead tr { border: 0; padding-bottom: .25rem; }
small { display: block; }
small, thead th { font-weight: 400; }
thead, .numbers span + span, td::before { color: var(--w-muted); font-size: .875rem; }
.numbers { display: grid; grid-template-columns: 1fr minmax(4.2rem, auto); text-align: right; align-items: baseline; }
.bar { display: flex; height: 9px; margin: .2rem 0; background: color-mix(in srgb, var(--w-rule) 35%, transparent); }
.bar i { min-width: 1px; border-right: 1px solid var(--w-paper); }
@container (max-width: 41rem) {
  thead { display: none; }
  tr { grid-template-columns: repeat(auto-fit, minmax(min(100%, 15.5rem), 1fr)); }
  th { grid-column: 1 / -1; }
  td::before { content: attr(data-name); float: left; }
}
@media print { tr { break-inside: avoid; } }
`;

const bar = (layers, name, longest) =>
  layers.map(({ label, operation, [name]: count }) => {
    const style = `background: var(--w-${operation}); width: ${(100 * count) / longest}%`;
    return h("i", { style, title: `${label}: ${grouped(count)}` });
  });

const render = panel("Cost bench", STYLE, ({ spec }) => {
  // A row for each variant, made once and filled by draw.
  const measures = [["Parameters", "parameters", "parameter_ratio"], ["MACs", "macs", "mac_ratio"]];
  const rows = [...spec.variants, "own"].map(() => {
    const [label, path] = [h("span"), h("small")];
    const cells = measures.map(([title]) => {
      const [count, ratio, chart] = [h("span"), h("span"), h("div", { class: "bar" })];
      const node = h("td", { "data-name": title }, h("div", { class: "numbers" }, count, ratio), chart);
      return { count, ratio, chart, node };
    });
    return { label, path, cells, node: h("tr", {}, h("th", { scope: "row" }, label, path), ...cells.map((c) => c.node)) };
  });
  const column = ([title]) =>
    h("th", {}, h("div", { class: "numbers" }, h("span", {}, title), h("span", {}, spec.reference)));
  const caption = h("p", { class: "caption" });
  const summary = h("p", { class: "summary" });
  const draw = (settings) => {
    const { caption: text, summary: result, rows: counted } = evaluate(spec, settings);
    caption.textContent = text;
    summary.textContent = result;
    const longest = (name) => Math.max(...counted.map((row) => row[name]));
    if (counted.length < rows.length) rows.at(-1).node.remove();
    else body.append(rows.at(-1).node);
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
    return result;
  };
  const body = h("tbody", {}, ...rows.map((row) => row.node));
  const table = h("table", {},
    h("thead", {}, h("tr", {}, h("th", {}, "Variant"), ...measures.map(column))),
    body);
  return { nodes: [caption, table, legend(spec.legend), summary], draw };
});

export default { render, evaluate };
