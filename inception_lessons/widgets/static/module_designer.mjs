// parts: frame, percent
// The module designer: what module_designer.py defines (`spec`), counted again and drawn.

const arrows = (...numbers) => numbers.map(grouped).join(" → ");
const share = (part, whole) => (part ? percent(part, whole) : "0 %");
const sum = (items, name) => items.reduce((total, item) => total + (name ? item[name] : item), 0);
const totals = (items) => ({ parameters: sum(items, "parameters"), macs: sum(items, "macs") });

const branchCost = (branch, pool, settings) => {
  const { in_channels, grid, biases } = settings;
  let channels = in_channels;
  const levels = branch.pools ? [[{ label: pool, operation: "pool", width: channels, parameters: 0, macs: 0 }]] : [];
  for (const level of branch.levels) {
    const boxes = level.map(({ name, label, operation, taps }) => {
      const width = settings[name];
      const weights = channels * width * taps;
      return { label, operation, width, parameters: weights + (biases ? width : 0), macs: weights * grid * grid };
    });
    levels.push(boxes);
    channels = sum(boxes, "width");
  }
  const path = [grouped(in_channels), ...levels.map((boxes) => boxes.map(({ width }) => grouped(width)).join(" + "))];
  return { label: branch.label, path: path.join(" → "), levels, out_channels: channels, ...totals(levels.flat()) };
};

const moduleCost = (spec, settings, naive) => {
  const { pool, forms } = spec.kinds[settings.kind];
  const branches = forms[+naive].branches.map((branch) => branchCost(branch, pool, settings));
  return { branches, out_channels: sum(branches, "out_channels"), ...totals(branches) };
};

const rowOf = (label, path, { parameters, macs }, whole) => ({
  label, path, parameters, parameter_share: share(parameters, whole.parameters), macs, mac_share: share(macs, whole.macs),
});

const evaluate = (spec, settings) => {
  const { in_channels: width, grid, naive, biases } = settings;
  const kind = spec.kinds[settings.kind];
  const forms = [true, false].map((form) => moduleCost(spec, settings, form));
  const [module, other] = naive ? forms : [forms[1], forms[0]];
  const grown = forms[0].out_channels - width;
  const after = [[1, 2, 3].map((k) => width + k * grown), Array(3).fill(forms[1].out_channels)];
  const { branches } = module;
  const most = branches.reduce((best, branch) => (branch.macs > best.macs ? branch : best));
  const of = ({ macs }) => share(macs, module.macs);
  const less = branches.filter(({ label, macs }) => macs && macs < branches[0].macs && label !== "pooling");
  const sentences = [
    `Most MACs: the ${most.label} branch, ${of(most)} of the module.`,
    ...less.map((branch) =>
      `The ${branch.label} branch takes fewer than the 1×1 branch: ${of(branch)} against ${of(branches[0])}.`),
    ...(naive
      ? [`The reduced form would take ${of(other)} of these MACs.`,
        `The pooling passes on all ${grouped(width)} channels, so that the output grows with every such module: ` +
          `${arrows(width, ...after[0])}.`]
      : [`The naive form would take ${of(other)} of these MACs and give ${grouped(other.out_channels)} channels ` +
          `instead of ${grouped(module.out_channels)}.`]),
  ];
  const against = ["naive form", "reduced form"].map((label, at) =>
    rowOf(`These numbers, ${label}`, `module by module: ${arrows(width, ...after[at])}`, forms[at], module));
  for (const preset of spec.presets) {
    const there = { ...settings, ...preset.settings };
    if (spec.kinds[there.kind].family !== kind.family || there.in_channels !== width || there.grid !== grid) continue;
    const cost = moduleCost(spec, there, false);
    against.push(rowOf(preset.label, arrows(width, cost.out_channels), cost, module));
  }
  return {
    caption:
      `${kind.whose} module, ${naive ? "naive" : "reduced"} form: input ${grouped(width)}×${grid}×${grid}, output ` +
      `${grouped(module.out_channels)}×${grid}×${grid}, ${biases ? "with" : "without"} biases.${kind.forms[+naive].notes}`,
    summary: sentences.join(" "),
    sliders: kind.forms[+naive].sliders,
    widest: Math.max(width, ...forms.map((form) => form.out_channels)),
    out_channels: module.out_channels,
    rows: branches.map((branch) => ({ ...rowOf(branch.label, branch.path, branch, module), levels: branch.levels })),
    total: rowOf("Module", arrows(width, module.out_channels), module, module),
    against,
  };
};

const STYLE = `
.widths { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); gap: .25rem 1.75rem;
  padding: .75rem 0; border-bottom: 1px solid var(--w-rule); }
.map { position: relative; margin: 1rem auto 0; max-width: 58rem; break-inside: avoid; }
.map svg { position: absolute; inset: 0; height: 100%; }
.map span { position: absolute; transform: translate(-50%, -100%); padding-bottom: 2px; text-align: center;
  white-space: pre; font-size: .75rem; line-height: 14px; }
polygon { fill-opacity: .35; }
rect { stroke: var(--w-paper); stroke-width: .75; }
table, thead, tbody { display: block; }
table { margin-top: .8rem; }
tr { display: grid; grid-template-columns: minmax(9rem, 1fr) repeat(2, minmax(14rem, 1fr)); gap: .35rem 1.5rem;
  padding: .45rem 0; border-top: 1px solid var(--w-rule); align-items: end; }
thead tr { border: 0; }
small { display: block; }
small, thead th { font-weight: 400; }
thead, .numbers span + span, td::before { color: var(--w-muted); font-size: .875rem; }
.numbers { display: flex; gap: .6rem; justify-content: flex-end; align-items: baseline; }
.numbers span + span { min-width: 4.2rem; text-align: right; }
.bar { display: flex; height: 9px; margin: .2rem 0; background: color-mix(in srgb, var(--w-rule) 35%, transparent); }
.bar i { min-width: 1px; border-right: 1px solid var(--w-paper); }
@container (max-width: 44rem) {
  thead th + th { display: none; }
  tr { grid-template-columns: repeat(auto-fit, minmax(min(100%, 15.5rem), 1fr)); }
  th { grid-column: 1 / -1; }
  td::before { content: attr(data-name); float: left; }
}
@media print { .widths { display: none; } }
`;

const LABEL = 30; // above a box, in px
const GAP = 12;

// x in per mille of the width, y in px; heights in proportion to channels.
const mapOf = ({ rows, widest, out_channels: outputs }, inputs) => {
  const size = (channels) => Math.max(1.5, (280 * channels) / widest);
  const height = (boxes) => sum(boxes.map(({ width }) => LABEL + GAP + size(width))) - GAP;
  const tall = rows.map(({ levels }) => Math.max(...levels.map(height)));
  const joined = sum(rows.flatMap(({ levels }) => levels.at(-1).map(({ width }) => size(width))));
  const all = Math.max(sum(tall) + GAP * tall.length, size(inputs) + LABEL, joined + LABEL);
  const depth = Math.max(...rows.map(({ levels }) => levels.length));
  const unit = 1000 / (depth + 2.6);
  const half = 0.27 * unit;
  const xs = [0.65, ...Array.from({ length: depth }, (_, at) => 1.8 + at), depth + 1.95].map((at) => at * unit);
  const [under, over, labels] = [[], [], []];
  const bar = ({ at, top: y, size: length }, color) => over.push(svg("rect",
    { x: xs[at] - half, y, width: 2 * half, height: length, style: `fill: var(--w-${color})` }));
  // Level until the last column: under no label.
  const band = (from, to, color) => {
    const [start, bend, end] = [xs[from.at] + half, xs[to.at - 1] + half, xs[to.at] - half];
    const points = [start, from.top, bend, from.top, end, to.top,
      end, to.top + to.size, bend, from.top + from.size, start, from.top + from.size];
    under.push(svg("polygon", { points: points.join(" "), style: `fill: var(--w-${color})` }));
  };
  const write = (at, y, text) => labels.push(h("span", { style: `left: ${xs[at] / 10}%; top: ${y}px` }, text));

  const input = { at: 0, top: (all + LABEL - size(inputs)) / 2, size: size(inputs) };
  let [top, joint] = [0, (all + LABEL - joined) / 2];
  bar(input, "other");
  write(0, input.top, `Input\n${grouped(inputs)}`);
  write(depth + 1, joint, `Output\n${grouped(outputs)}`);
  for (const [at, { levels }] of rows.entries()) {
    let before = input;
    for (const [step, boxes] of levels.entries()) {
      const start = top + LABEL + (tall[at] - height(boxes)) / 2;
      let y = start;
      for (const { label, operation, width } of boxes) {
        const box = { at: step + 1, top: y, size: size(width) };
        write(step + 1, y, `${label}\n${grouped(width)}`);
        bar(box, operation);
        band(before, box, "rule");
        if (step === levels.length - 1) {
          const end = { at: depth + 1, top: joint, size: box.size };
          band(box, end, operation);
          bar(end, operation);
          joint += end.size;
        }
        y += box.size + GAP + LABEL;
      }
      before = { at: step + 1, top: start, size: y - GAP - LABEL - start };
    }
    top += tall[at] + GAP;
  }
  // The table says the same to a screen reader.
  return h("div", { class: "map", "aria-hidden": true, style: `height: ${all}px` },
    svg("svg", { viewBox: `0 0 1000 ${all}`, preserveAspectRatio: "none" }, ...under, ...over), ...labels);
};

const MEASURES = [["Parameters", "parameters", "parameter_share"], ["MACs", "macs", "mac_share"]];

const pair = (...texts) => h("div", { class: "numbers" }, ...texts.map((text) => h("span", {}, text)));

// A row for each module or branch; parts(row, key) splits a bar.
const tableOf = (title, rows, longest, parts) => {
  const head = (...content) => h("th", { scope: "col" }, ...content);
  const lines = rows.map((row) =>
    h("tr", {}, h("th", { scope: "row" }, row.label, h("small", {}, row.path)), ...MEASURES.map(([name, key, ratio]) =>
      h("td", { "data-name": name }, pair(grouped(row[key]), row[ratio]),
        h("div", { class: "bar" }, ...parts(row, key).map(([color, count, text]) => h("i", {
          title: `${text}: ${grouped(count)}`,
          style: `background: var(--w-${color}); width: ${(100 * count) / longest(key)}%`,
        })))))));
  return h("table", {},
    h("thead", {}, h("tr", {}, head(title), ...MEASURES.map(([name]) => head(pair(name, "%"))))), h("tbody", {}, ...lines));
};

const render = panel("Module designer", STYLE, (tools) => {
  const { spec } = tools;
  const six = new Map(spec.controls.filter(({ kind }) => kind === "hidden")
    .map((control) => [control.name, CONTROLS.slider(control, tools)]));
  const widths = h("div", { class: "widths", role: "group", "aria-label": "Widths" });
  const [caption, summary, shown] = [h("p", { class: "caption" }), h("p"), h("div")];
  const draw = (settings) => {
    const result = evaluate(spec, settings);
    for (const [at, { name, label, used }] of result.sliders.entries()) {
      const { node, show } = six.get(name);
      if (widths.children[at] !== node) widths.insertBefore(node, widths.children[at] ?? null);
      show(settings[name]);
      const text = node.firstChild;
      if (text.textContent === label) continue;
      text.textContent = label;
      node.style.color = used ? "" : "var(--w-muted)";
      for (const input of node.querySelectorAll("input")) Object.assign(input, { ariaLabel: label, disabled: !used });
    }
    caption.textContent = result.caption;
    summary.textContent = result.summary;
    const { rows, total, against } = result;
    total.levels = rows.flatMap(({ levels }) => levels);
    const layers = ({ levels }, key) =>
      levels.flat().filter((box) => box[key]).map((box) => [box.operation, box[key], box.label]);
    shown.replaceChildren(
      mapOf(result, settings.in_channels),
      tableOf("Branch, % of the module", [...rows, total], (key) => total[key], layers),
      tableOf("Compared, % of this module", against, (key) => Math.max(...against.map((row) => row[key])),
        (row, key) => [[key, row[key], row.label]]));
    return result.summary;
  };
  const colors = legend([["conv1", "1×1"], ["conv3", "3×3, 1×3, 3×1"], ["conv5", "larger kernels"], ["pool", "pooling"]]);
  return { nodes: [widths, caption, summary, colors, shown], draw };
});

export default { render, evaluate };
