// parts: frame, percent
// The receptive field of a stack: counted as in receptive_field.py, and drawn.

const range = (from, to) => Array.from({ length: to - from }, (_, at) => from + at);

// One axis, back from one output.
const follow = (levels, axis, side, pixel, counted) => {
  const { jump, grid, size } = levels.at(-1);
  const before = (level) => (level.kernel[axis] - 1) >> 1;
  const start = levels.reduce((sum, level) => sum - (before(level) * level.jump) / level.stride, 0);
  const position = Math.max(0, Math.min(Math.floor((2 * (pixel - start) + 1 - size[axis] + jump) / (2 * jump)), grid - 1));
  let [first, last, counts] = [position, position, counted ? { [position]: 1 } : {}];
  const spans = [[first, last]];
  for (let at = levels.length - 1; at; at -= 1) {
    const { kernel, stride } = levels[at];
    const low = before(levels[at]);
    const reach = (n) => range(n * stride - low, n * stride - low + kernel[axis]);
    [first, last] = [reach(first)[0], reach(last).at(-1)];
    spans.unshift([first, last]);
    const reached = {};
    for (const [from, paths] of Object.entries(counts))
      for (const tap of reach(from))
        if (tap >= 0 && tap < levels[at - 1].grid) reached[tap] = (reached[tap] ?? 0) + paths;
    counts = reached;
  }
  const seen = [Math.max(first, 0), Math.min(last + 1, side)];
  return { position, start, first, last, seen, spans, counts: counted ? range(...seen).map((at) => counts[at] ?? 0) : [] };
};

const evaluate = ({ limits, image, texts }, { stack, side, width, row, column }) => {
  const levels = [{ ...image, grid: side }];
  for (const [, p, ...numbers] of stack.matchAll(/(p?)(\d+)x(\d+)(?:s(\d))?/g)) {
    const { size, jump, grid } = levels.at(-1);
    const [height, breadth, stride] = numbers.map((n) => +(n ?? 1));
    levels.push({
      label: `${height}×${breadth}${p && " pool"}${stride > 1 ? `, stride ${stride}` : ""}`,
      operation: p ? "pool" : { 1: "conv1", 2: "other", 3: "conv3" }[Math.max(height, breadth)] ?? "conv5",
      kernel: [height, breadth], stride,
      taps: p ? 0 : height * breadth,
      size: size.map((n, at) => n + (numbers[at] - 1) * jump),
      jump: jump * stride,
      grid: Math.ceil(grid / stride),
    });
  }
  const many = levels.length - 1;
  const { size, jump, grid } = levels.at(-1);
  const [largest, whole, square] = [Math.max(...size), size[0] * size[1], width * width];
  const scope = { ...limits, side, width, size: size.map(grouped).join("×"), jump, grid };
  const write = (value) => (typeof value === "number" ? grouped(value).replace("-", "−") : value.join?.(", ") ?? value);
  const named = (_, names) => write(names.split(".").reduce((at, name) => at[name], scope));
  const say = (...keys) => keys.map((key) => key && texts[key].replace(/\{([\w.]+)\}/g, named)).join("");
  const caption = say("caption");
  if (largest > limits.largest_field || jump > limits.largest_jump) return { caption, problem: say("problem") };

  const axes = [row, column].map((pixel, axis) => follow(levels, axis, side, pixel, largest <= limits.counted));
  const [down, along] = axes;
  const sum = (count) => levels.reduce((total, level) => total + count(level), 0);
  const taps = sum((level) => level.taps);
  const work = sum((level) => level.taps * (jump / level.jump) ** 2);
  const share = (part) => (part ? percent(part, whole) : "0 %");
  const inside = axes.map(({ seen }) => seen[1] - seen[0]);
  const outside = whole - inside[0] * inside[1];
  const [least, most] = [Math.min, Math.max].map((pick) => pick(...down.counts) * pick(...along.counts));
  const poolings = sum((level) => !level.taps) - 1;
  Object.assign(scope, {
    label: many < 5 ? levels.slice(1).map((level) => level.label).join(" + ") : `${many} layers`,
    strided: jump > 1 ? `, stride ${jump}` : "",
    taps, whole, outside, least, most, down, along,
    weights: square * taps, ratio: share(taps), macs: square * work, share: share(work), all: square * whole,
    fewer: taps < whole ? texts.fewer : "",
  });
  const margin = Math.max(0, ...axes.flatMap(({ start }, at) => [-start, start + size[at] + (grid - 1) * jump - side]));
  return {
    caption, problem: "", levels, axes, margin, taps: [taps, whole],
    summary: say(many < 2 ? "alone" : "several"),
    compared: [say("stack"), say("kernel")],
    position: say("position", outside ? "outside" : "", "jump", largest > side ? "larger" : ""),
    paths: largest > limits.counted ? say("uncounted") : least === most ? say("equal")
      : say("range", Math.max(...inside) <= limits.listed ? "product" : ""),
    equality: say(poolings === many ? "pooling" : many < 2 ? "lonely" : poolings ? "mixed" : "linear"),
    note: side + 2 * margin > limits.cells ? texts.outlines : "",
  };
};

const STYLE = `
section > button { margin: 1rem 1rem 0 0; }
.views { display: grid; grid-template: auto 1fr / 1fr 24rem; gap: 0 2rem; margin-top: 1rem; }
.cut { display: flex; line-height: 1; }
.cut + div { grid-area: 1 / 2 / 3; max-width: 24rem; }
table { border-collapse: collapse; }
tr { height: 2.25rem; vertical-align: top; }
th, td { padding-right: .9rem; }
th:first-child { border-left: 4px solid; padding-left: .4rem; }
.cut svg { flex: 1 0 3rem; margin-top: 2.25rem; }
[role] svg { background: color-mix(in srgb, var(--w-rule) 30%, #0000); }
path { vector-effect: non-scaling-stroke; fill: none; stroke: var(--w-activations); }
text { font-size: 13.2px; transform: scale(.05); text-anchor: middle; }
.bar { display: flex; gap: 1px; height: 10px; margin-top: 3px; }
.bar :first-child { min-width: 3px; }
@container (max-width: 58rem) { .views { display: block; } }
@container (max-width: 27rem) { .cut { font-size: .8rem; } tr > :nth-child(n + 3), text { display: none; } }
@media print { section > button { display: none; } }
`;

const path = (d, style) => svg("path", { d, style });
const box = (x, y, width, height = width) => `M${x} ${y}h${width}v${height}h${-width}z`;

// The cut: a dashed line per level; between, what a layer joins.
const cutOf = ({ levels, axes, margin }, axis, side) => {
  const { first: left, spans } = axes[axis];
  const edge = (y, at) => left + (levels[y].size[axis] - levels[y].jump) / 2 + (at - spans[y][0]) * levels[y].jump;
  const nodes = levels.flatMap(({ operation, jump, grid }, y) => {
    const [first, last] = spans[y];
    const strip = (from, to, color) => path(`M${edge(y, from + 0.06)} ${y + 0.2}H${edge(y, to)}`,
      `vector-effect: none; stroke: var(--w-${color}); stroke-width: .4; stroke-dasharray: ${0.88 * jump} ${0.12 * jump}`);
    const above = y && y - 1;
    const [from, to] = spans[above];
    return [
      path(`M${edge(above, from)} ${y - 0.6}H${edge(above, to + 1)}L${edge(y, last + 1)} ${y}H${edge(y, first)}z`,
        `fill: var(--w-${operation}); fill-opacity: .3; stroke: var(--w-${operation})`),
      strip(first, last + 1, "muted"), strip(0, grid, "rule"),
      strip(Math.max(first, 0), Math.min(last + 1, grid), "activations"),
    ];
  });
  return svg("svg", { viewBox: `${-margin} 0 ${side + 2 * margin} ${levels.length}`, preserveAspectRatio: "none",
    style: `height: ${2.25 * levels.length}rem`, "aria-hidden": true }, ...nodes);
};

const mapOf = ({ levels, axes, note, margin }, side) => {
  const { jump, grid, size } = levels.at(-1);
  const [down, along] = axes;
  const span = side + 2 * margin;
  const [[top, bottom], [left, right]] = axes.map((axis) => axis.seen);
  const seen = box(left, top, right - left, bottom - top);
  const most = Math.max(...down.counts) * Math.max(...along.counts);
  const cells = down.counts.flatMap((n, y) => along.counts.map((m, x) => [left + x, top + y, n * m]));
  const shade = (d, strength) => path(d, `fill: var(--w-activations); fill-opacity: ${strength}; stroke: none`);
  const [y, x] = axes.map(({ start }, axis) => start + size[axis] / 2);
  const dots = range(0, jump > 1 && grid < 65 ? grid : 0).map((at) => `M${x} ${y + at * jump}h${jump * (grid - 0.5)}`);
  const half = Math.max(0.5, span / 60);
  return svg("svg", { viewBox: `${-margin} ${-margin} ${span} ${span}` },
    path(box(0, 0, side), "fill: var(--w-paper); stroke: var(--w-muted)"),
    path(range(1, note ? 0 : side).map((at) => `M${at} 0V${side}M0 ${at}H${side}`).join(""), "stroke: var(--w-rule)"),
    shade(seen, cells.length ? 0 : 0.3),
    ...cells.map(([x, y, count]) => shade(box(x, y, 1), 0.45 * count / most)),
    path(box(along.first, down.first, size[1], size[0]) + seen,
      "fill: var(--w-muted); fill-opacity: .4; fill-rule: evenodd; stroke-width: 2"),
    path(dots.join(""), `vector-effect: none; stroke: var(--w-muted); stroke-width: ${span / 99};
      stroke-linecap: round; stroke-dasharray: 0 ${jump}`),
    path(box(x + along.position * jump - half, y + down.position * jump - half, 2 * half),
      "stroke: var(--w-ink); stroke-width: 2"),
    ...(span < 22 && most < 100 ? cells : []).map(([x, y, n]) => svg("text", { x: 20 * x + 10, y: 20 * y + 14 }, n)));
};

const render = panel("Receptive field", STYLE, ({ spec, listen, write, read }) => {
  const edit = (label, change) => listen(h("button", {}, label), "click", () => write({ stack: change(read()) }));
  const add = edit("Add layer", ({ stack, next }) => `${stack},${next}`.split(",", 18).join());
  const remove = edit("Remove last", ({ stack }) => stack.replace(/,[^,]*$/, ""));
  const map = h("div", { role: "slider", tabindex: 0, "aria-label": "Output" });
  const [cut, summary, texts] = [h("div", { class: "cut" }), h("b"), h("div")];
  const views = h("div", { class: "views" }, cut, h("div", {}, map, h("small", {}, spec.hint)), texts);
  let shown;
  const pick = (pixels) => {
    const [row, column] = pixels.map((at) => Math.max(0, Math.min(Math.floor(at), 298)));
    write({ row, column });
  };
  listen(map, "keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const { size, jump } = shown.levels.at(-1);
    pick(shown.axes.map(({ first }, axis) => first + (size[axis] - 1) / 2 + step[axis] * jump));
  });
  listen(map, "click", ({ clientX, clientY }) => {
    const { left, top, width } = map.firstChild.getBoundingClientRect();
    pick([clientY - top, clientX - left].map((at) => (at / width) * (read().side + 2 * shown.margin) - shown.margin));
  });

  const draw = (settings) => {
    shown = evaluate(spec, settings);
    const { problem, levels, axes, taps } = shown;
    summary.textContent = problem || shown.summary;
    views.style.display = problem && "none";
    if (problem) return problem;
    const rows = [["Layer", "Sees", "Jump", "Grid"],
      ...levels.map(({ label, size, jump, grid }) => [label, size.join("×"), jump, `${grid}×${grid}`])];
    const table = h("table", {}, ...rows.map(([name, ...cells], y) => h("tr", {},
      h("th", { style: `border-color: var(--w-${levels[y - 1]?.operation ?? "paper"})` }, name),
      ...cells.map((text) => h(y ? "td" : "th", {}, text)))));
    cut.replaceChildren(table, cutOf(shown, +(settings.cut === "width"), settings.side));
    map.replaceChildren();
    fill(map, { "aria-valuemax": levels.at(-1).grid - 1, "aria-valuenow": axes[0].position,
      "aria-valuetext": shown.position }, [mapOf(shown, settings.side)]);
    const bar = (parts) => h("div", { class: "bar" }, ...parts.filter((part) => part.taps).map((part) =>
      h("i", { style: `background: var(--w-${part.operation}); width: ${(100 * part.taps) / Math.max(...taps)}%` })));
    const bars = [bar(levels), bar([{ operation: "other", taps: taps[1] }])];
    texts.replaceChildren(...shown.compared.map((text, at) => h("p", {}, text, bars[at])),
      ...["position", "paths", "equality"].map((name) => h("p", {}, shown[name])),
      h("p", { class: "caption" }, `${shown.caption} ${shown.note}`));
    return shown.summary;
  };
  return { nodes: [add, remove, h("p", {}, summary), views], draw };
});

export default { render, evaluate };
