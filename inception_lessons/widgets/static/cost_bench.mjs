// parts: frame, percent
// The cost bench: what cost_bench.py defines (`spec`) and counts, counted again at every step of a slider.

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
  const draw = (settings) => {
    const { caption: text, summary: result, rows: counted } = evaluate(spec, settings);
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
    return result;
  };
  const table = h("table", {},
    h("thead", {}, h("tr", {}, h("th", {}, "Variant"), ...measures.map(column))),
    h("tbody", {}, ...rows.map((row) => row.node)));
  const colors = legend([["conv1", "1×1"], ["conv3", "3×3"], ["conv5", "larger kernels"]]);
  return { nodes: [caption, table, colors, summary], draw };
});

export default { render, evaluate };
