// parts: frame, percent
// The convolution explorer: the window of one output and its layer's cost.

const upTo = (count) => Array.from({ length: count }, (_, at) => at);
const listed = ({ noun }, numbers) => {
  const [first, last, many] = [numbers[0], numbers.at(-1), numbers.length];
  if (many === 1) return `${noun} ${first}`;
  if (last - first === many - 1) return `${noun}s ${first} to ${last}`;
  if (many > 4) return `${noun}s ${numbers.slice(0, 3).join(", ")}, … ${last}`;
  return `${noun}s ${numbers.slice(0, -1).join(", ")} and ${last}`;
};
// {name}, {name:noun} with its plural, {part/whole} in percent.
const say = (text, values) => text.replace(/\{(\w+)([:/]?)([\w ]*)\}/g, (_, name, sign, more) => {
  const value = values[name];
  if (sign === "/") return value ? percent(value, values[more]) : "0 %";
  return grouped(value) + (sign && ` ${more}${value === 1 ? "" : "s"}`);
});

// The layer along rows and columns. Input positions count from 1.
const axesOf = (settings) => [["row", "height"], ["column", "width"]].map(([noun, side]) => {
  const { grid, stride, dilation, [`kernel_${side}`]: kernel, [`padding_${side}`]: padding, [noun]: at } = settings;
  const [extent, padded] = [dilation * (kernel - 1) + 1, grid + 2 * padding];
  const outputs = extent > padded ? 0 : Math.floor((padded - extent) / stride) + 1;
  const every = upTo(outputs).map((out) => upTo(kernel).map((tap) => stride * out + dilation * tap - padding + 1));
  const on = (position) => position >= 1 && position <= grid;
  const read = new Set(every.flat());
  const unread = upTo(grid + 1).filter((position) => position && !read.has(position));
  const taps = every[at] ?? [];
  const inside = taps.filter(on);
  const [met, covered, seeing] = [inside.length, grid - unread.length, every.filter((each) => each.some(on)).length];
  return { noun, side, kernel, extent, padding, padded, outputs, taps, on, inside, met, unread, covered, seeing };
});

const evaluate = ({ says, measures, whole, part }, settings) => {
  const { grid, dilation, in_channels: inputs, out_channels: filters, biases } = settings;
  const axes = axesOf(settings);
  const product = (name) => axes[0][name] * axes[1][name];
  const pair = (name) => axes.map((axis) => axis[name]).join("×");
  const groups = settings.groups === "depthwise" ? inputs : Number(settings.groups);
  const refusals = axes.filter(({ outputs }) => !outputs).map((axis) => say(says.kernel, {
    ...axis, dilation, least: axis.extent - 2 * axis.padding, fits: Math.floor((axis.padded - 1) / dilation) + 1,
  }));
  for (const [name, count] of [["input", inputs], ["output", filters]])
    if (count % groups)
      refusals.push(say(says.groups, { name, count, groups, near: Math.max(groups, count - (count % groups)) }));
  if (refusals.length)
    return { refusals, titles: [], view: "", window: "", notes: [], measures: [], summary: refusals.join(" ") };

  const [outputs, taps, on, seen, read] = ["outputs", "kernel", "met", "extent", "covered"].map(product);
  const area = grid ** 2;
  const weights = (filters * inputs * taps) / groups;
  const [rows, columns] = axes.map((axis) => say(says.formula, { ...settings, ...axis }));
  const lost = axes.filter(({ unread }) => unread.length);
  const atEnd = lost.every(({ unread }) => unread[0] > 1 && unread[0] === grid - unread.length + 1);
  const scope = {
    ...settings, part, area, outputs, taps, on, off: taps - on, seen, read, unread: area - read, weights, filters,
    blind: outputs - product("seeing"),
    row: settings.row + 1, column: settings.column + 1, height: axes[0].outputs, width: axes[1].outputs,
    where: on && axes.map((axis) => listed(axis, axis.inside)).join(", "),
    lost: lost.map((axis) => listed(axis, axis.unread)).join(" or "),
    padded: pair("padded"), kernel: pair("kernel"), field: pair("extent"), output: pair("outputs"),
    rows, columns, depth: inputs / groups, inputs: inputs * area, activations: filters * outputs, macs: weights * outputs,
    parameters: weights + (biases ? filters : 0),
  };
  const fill = (key) => say(says[key], scope);
  scope.formula = fill(rows === columns ? "alike" : "apart");
  scope.biases = fill(biases ? "with" : "without");
  scope.why = fill(atEnd ? "edge" : "over");
  const notes = ["unread", "blind"].filter((key) => scope[key]).map(fill);
  return {
    refusals,
    titles: [fill(pair("padding") === "0×0" ? "input" : "padded"), fill("output")],
    view: fill(grid > whole ? "part" : "whole"),
    window: fill(axes.some((axis) => !axis.taps.length) ? "outside" : !on ? "off" : on === taps ? "on" : "partly"),
    notes,
    measures: measures.map((texts) => texts.map((text) => say(text, scope))),
    summary: [fill("summary"), ...notes].join(" "),
  };
};

const STYLE = `
.stage { display: grid; gap: 1rem 1.5rem; margin: .75rem 0; }
@container (min-width: 34rem) { .stage { grid-template-columns: repeat(2, minmax(0, 26rem)); } }
path { vector-effect: non-scaling-stroke; fill: none; }
.pad { fill: var(--w-other); fill-opacity: .3; fill-rule: evenodd; }
.lines { stroke: var(--w-rule); }
.edge { stroke: var(--w-muted); }
.skip { fill: var(--w-muted); fill-opacity: .75; }
.tap { fill: var(--tap); }
.zero { fill: var(--w-paper); stroke: var(--tap); }
.frame { stroke: var(--w-ink); stroke-width: 2px; }
.pick { cursor: crosshair; touch-action: pan-y; }
.move { display: flex; gap: .4rem; margin-top: .5rem; }
.legend svg { display: inline; width: .9em; margin-right: .4em; }
.stage b { line-height: 1.8; }
table { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); gap: .5rem 1.5rem; margin-top: .75rem; }
tr { border-top: 1px solid var(--w-rule); padding-top: .3rem; }
th, td, small { display: block; }
th { font-weight: 400; }
@media print { .move { display: none; } }
`;

const WAYS = { ArrowLeft: [0, -1], ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowRight: [0, 1], Home: [-999, -999], End: [999, 999] };
const within = (value, low, high) => Math.max(low, Math.min(high, value));
const box = (x, y, width, height = width) => `M${x} ${y}h${width}v${height}h${-width}z`;
const lines = (x, y, width, height) =>
  upTo(width + 1).map((at) => `M${x + at} ${y}v${height}`).join("") +
  upTo(height + 1).map((at) => `M${x} ${y + at}h${width}`).join("");

const render = panel("Convolution explorer", STYLE, ({ spec, listen, write, read }) => {
  const sheet = (...names) => {
    const paths = Object.fromEntries(names.map((name) => [name, svg("path", { class: name })]));
    const node = svg("svg", { "aria-hidden": true }, ...Object.values(paths));
    return { node, put: (name, text) => paths[name].setAttribute("d", text) };
  };
  const input = sheet("lines", "pad", "skip", "edge", "tap", "zero", "frame");
  const output = sheet("lines", "edge", "tap", "frame");
  const pick = h("div", { class: "pick", role: "application", tabindex: 0 }, output.node);
  let counts, span; // rows and columns of the output; how many fit into its drawing

  const go = (...to) => {
    const [row, column] = to.map((at, axis) => within(at, 0, counts[axis] - 1));
    write({ row, column });
  };
  const step = ([down, right], { row, column } = read()) => go(row + down, column + right);
  listen(pick, "keydown", (event) => {
    if (!WAYS[event.key] || event.altKey || event.metaKey) return;
    event.preventDefault();
    step(WAYS[event.key]);
  });
  listen(pick, "click pointermove", ({ type, buttons, clientX, clientY }) => {
    if (!buttons && type !== "click") return;
    const { left, top, width } = pick.getBoundingClientRect();
    go(...[clientY - top, clientX - left].map((along, axis) =>
      Math.floor((along / width) * span - (span - counts[axis]) / 2)));
  });
  const buttons = Object.entries(WAYS).slice(0, 4).map(([key, way], at) =>
    listen(h("button", { "aria-label": `Window ${key.slice(5)}` }, "←↑↓→"[at]), "click", () => step(way)));

  const sketch = (settings) => {
    const axes = axesOf(settings);
    const cut = settings.grid > spec.whole;
    const side = cut ? spec.part : Math.max(8, ...axes.map((axis) => axis.padded));
    const chosen = axes.every(({ taps }) => taps.length);
    // Along each axis: the part that is drawn.
    const [down, across] = axes.map(({ taps, padding, padded, extent, unread }) => {
      const first = chosen ? within(taps[0] - 1 + padding + ((extent - side) >> 1), 0, padded - side) : 0;
      const from = (side - Math.min(side, padded)) / 2;
      const to = side - from;
      const at = (position) => position - 1 + padding - first + from;
      const [low, high] = [1, settings.grid + 1].map((position) => within(at(position), from, to));
      const gone = unread.map(at).filter((place) => place >= low && place < high);
      return { from, at, low, size: high - low, long: to - from, gone };
    });
    const all = [across.from, down.from, across.long, down.long];
    input.node.setAttribute("viewBox", `0 0 ${side} ${side}`);
    input.put("lines", lines(...all));
    const real = box(across.low, down.low, across.size, down.size);
    input.put("pad", box(...all) + real);
    input.put("edge", cut ? "" : real);
    const marks = { skip: "", tap: "", zero: "", frame: "" };
    for (const y of down.gone) marks.skip += box(across.low, y, across.size, 1);
    for (const x of across.gone) marks.skip += box(x, down.low, 1, down.size);
    const [tall, wide] = axes;
    for (const y of tall.taps)
      for (const x of wide.taps)
        marks[tall.on(y) && wide.on(x) ? "tap" : "zero"] += box(across.at(x) + 0.15, down.at(y) + 0.15, 0.7);
    if (chosen) marks.frame = box(across.at(wide.taps[0]), down.at(tall.taps[0]), wide.extent, tall.extent);
    for (const name in marks) input.put(name, marks[name]);

    counts = axes.map((axis) => axis.outputs);
    span = cut ? Math.max(...counts) : side;
    const { row, column } = settings;
    const whole = [0, 0, wide.outputs, tall.outputs];
    output.node.setAttribute("viewBox", `${(wide.outputs - span) / 2} ${(tall.outputs - span) / 2} ${span} ${span}`);
    output.put("edge", box(...whole));
    output.put("lines", span > 80 ? "" : lines(...whole));
    output.put("tap", chosen ? box(column, row, 1) : "");
    output.put("frame", chosen && cut ? box(column - 2, row - 2, 5) : "");
  };

  const [from, to] = [h("b"), h("b")];
  const [refused, told, view] = [h("p"), h("p"), h("p", { class: "caption" })];
  const [notes, table] = [h("strong"), h("table")];
  const colors = h("p", { class: "legend" }, ...Object.entries(spec.legend).map(([name, text]) => {
    const mark = svg("path", { class: name, d: box(0, 0, 1) });
    return h("span", {}, svg("svg", { viewBox: "0 0 1 1", "aria-hidden": true }, mark), text);
  }));
  const stage = h("div", { class: "stage" },
    h("div", {}, from, input.node), h("div", {}, to, pick, h("div", { class: "move" }, ...buttons)));
  const body = h("div", {}, h("p", {}, notes), stage, told, colors, view, table);
  let last;
  const draw = (settings) => {
    const shown = evaluate(spec, settings);
    const { refusals, window, summary } = shown;
    refused.textContent = refusals.join(" ");
    body.hidden = refusals.length > 0;
    if (!body.hidden) {
      const large = Math.max(settings.kernel_height, settings.kernel_width);
      body.style.setProperty("--tap", `var(--w-conv${{ 1: 1, 3: 3 }[large] ?? 5})`);
      [from.textContent, to.textContent] = shown.titles;
      told.textContent = window;
      view.textContent = shown.view;
      notes.textContent = shown.notes.join(" ");
      table.replaceChildren(...shown.measures.map(([label, value, how]) =>
        h("tr", {}, h("th", { scope: "row" }, label), h("td", {}, h("b", {}, value), h("small", {}, how)))));
      pick.setAttribute("aria-label", `${to.textContent}. ${window}`);
      sketch(settings);
    }
    const said = summary === last ? window : summary;
    last = summary;
    return said;
  };
  return { nodes: [refused, body], draw };
});

export default { render, evaluate };
