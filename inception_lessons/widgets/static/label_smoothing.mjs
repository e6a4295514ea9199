// parts: frame, axes
// Label smoothing: target, softmax and loss against the gap, as label_smoothing.py defines and words them.

const integers = ({ epsilon, gap, classes: count, convention }) => {
  const [hundredths, tenths, classes] = [Math.round(100 * epsilon), Math.round(10 * gap), Number(count)];
  const whole = 100 * (convention === "all" ? classes : classes - 1);
  return { hundredths, tenths, classes, whole, right: whole - (classes - 1) * hundredths };
};

const smoothed = (settings) => {
  const { hundredths: other, tenths, classes, right, whole } = integers(settings);
  const [gap, others] = [tenths / 10, ((classes - 1) * other) / whole];
  const odds = (classes - 1) * Math.exp(-gap);
  const [oneHot, line, pOthers] = [Math.log1p(odds), others * gap, odds / (1 + odds)];
  return {
    others, oneHot, line, pOthers,
    q: [right / whole, other / whole, others],
    p: [1 / (1 + odds), pOthers / (classes - 1), pOthers],
    uniform: oneHot + (settings.convention === "all" ? (classes - 1) / classes : 1) * gap,
    loss: oneHot + line,
    slope: others - pOthers,
    bestGap: other ? Math.log(right / other) : undefined,
    floor: other ? (-right / whole) * Math.log(right / whole) - others * Math.log(other / whole) : 0,
  };
};

const real = (value) => {
  if (value === 0) return "0";
  if (value >= 0.001) return value.toFixed(4);
  const [digits, power] = value.toExponential(1).split("e-");
  return `${digits}×10⁻${[...power].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("")}`;
};
const share = (part, whole) =>
  (100000 * part) % whole ? real(part / whole) : (part / whole).toFixed(5).replace(/\.?0+$/, "");

const belowOne = (value, rest) => (rest < 0.00005 ? `1 − ${real(rest)}` : real(value));

const barsOf = (settings, { p, pOthers }) => {
  const { hundredths: other, classes, right, whole } = integers(settings);
  const wrong = classes - 1;
  const rows = [
    ["right class", share(right, whole), belowOne(p[0], pOthers)],
    [wrong === 1 ? "the other class" : `each of ${wrong} others`, share(other, whole), real(p[1])],
    [`all ${wrong} others`, share(wrong * other, whole), belowOne(pOthers, p[0])],
  ];
  return rows.slice(0, classes).map(([label, target, softmax]) => ({ label, target, softmax }));
};

const minus = (value, text) => (value < 0 ? `−${text}` : text);

const evaluate = (spec, settings) => {
  const [convention, found] = [spec.conventions[settings.convention], smoothed(settings)];
  const { hundredths, tenths, classes, right } = integers(settings);
  const above = Math.round(10000 * found.loss) - Math.round(10000 * found.floor);
  const words = {
    classes: grouped(classes),
    epsilon: hundredths / 100,
    kept: (100 - hundredths) / 100,
    spread: convention.caption,
    gap: minus(tenths, (Math.abs(tenths) / 10).toFixed(1)),
    loss: real(found.loss),
    one_hot: real(found.oneHot),
    uniform: real(found.uniform),
    floor: real(found.floor),
    best: found.bestGap?.toFixed(3),
    above: (above / 10000).toFixed(4),
    line: `${found.line < 0 ? "−" : "+"} ${real(Math.abs(found.line))}`,
    slope: `${found.slope > 0 ? "+" : "−"}${real(Math.abs(found.slope))}`,
    wish: found.slope > 0 ? "narrower" : "wider",
  };
  const say = (key) => spec.templates[key].replace(/\{(\w+)\}/g, (_, name) => words[name]);
  const end = hundredths ? "" : "_none";
  const values = [`best${end}`, `floor${end}`, "loss", "mixture", found.slope ? "slope" : "level"].map(say);
  const summary = say(end ? `summary${end}` : above ? "summary_above" : "summary_least");
  return {
    caption: say("caption"),
    bars: barsOf(settings, found),
    facts: spec.facts.map((name, at) => ({ name, formula: convention.formulas[at], value: values[at] })),
    chart: say(`chart${end}`),
    summary: summary + (right === hundredths ? say("nothing") : ""),
  };
};

const STYLE = `
${AXES}
.views { display: grid; gap: 1rem 2rem; margin-top: 1rem; }
table, thead, tbody { display: block; }
tr { display: grid; grid-template-columns: 9.5rem 1fr 1fr; gap: .2rem 1rem; padding: .5rem 0;
  border-top: 1px solid var(--w-rule); align-items: center; }
thead tr { border: 0; padding-bottom: .25rem; }
th { font-weight: 400; }
thead th, dt { color: var(--w-muted); font-size: .875rem; }
.bar { height: 9px; margin-top: .15rem; background: color-mix(in srgb, var(--w-rule) 35%, transparent); }
.bar i { display: block; height: 100%; }
.chart svg { display: none; max-width: 36rem; margin: auto; cursor: ew-resize; touch-action: pan-y; user-select: none; }
.line { fill: none; stroke-width: 2; }
.line[stroke-dasharray="none"] { stroke-width: 3.5; }
.mark { fill: var(--w-conv1); font-size: 13px; font-weight: 600; paint-order: stroke;
  stroke: var(--w-paper); stroke-width: 4px; }
.legend i { width: 1.6em; height: 0; vertical-align: middle; }
.legend .dot { width: .8em; height: .8em; border-radius: 50%; }
dl { margin: 1rem 0 0; }
dl div { padding: .5rem 0; border-top: 1px solid var(--w-rule); }
dd { margin: 0; }
.formula { font: 1.0625rem/1.4 Cambria, "STIX Two Text", Georgia, serif; }
sub { font-size: .75em; line-height: 0; }
.value { font-weight: 600; }
@container (width < 25rem) {
  tr { grid-template-columns: 1fr 1fr; }
  tr > :first-child { grid-column: 1 / -1; }
}
@container (width < 28rem) { .chart .s0 { display: block; } }
@container (min-width: 28rem) { .chart .s1 { display: block; } }
@container (min-width: 46rem) {
  dl div { display: grid; grid-template-columns: 9rem 1.6fr 1fr; gap: 1.25rem; align-items: baseline; }
}
@container (min-width: 58rem) {
  .views { grid-template-columns: 1fr 1.35fr; align-items: center; }
  dl div { grid-template-columns: 15rem 1.3fr 1fr; }
}
`;

const stroke = (color, dashes = "none") => ({ style: `stroke: var(--w-${color})`, "stroke-dasharray": dashes });
const put = (node, text) => node.textContent === text || (node.textContent = text);
const SIZES = [[252, 250], [400, 300]];

const render = panel("Label smoothing", STYLE, ({ spec, listen, write }) => {
  const gaps = spec.controls.find(({ name }) => name === "gap");
  const cell = (color) =>
    h("td", {}, h("span"), h("div", { class: "bar" }, h("i", { style: `background: var(--w-${color})` })));
  const bars = [0, 1, 2].map(() => h("tr", {}, h("th", { scope: "row" }), cell("conv1"), cell("conv3")));
  const [caption, summary] = ["caption", "summary"].map((name) => h("p", { class: name }));
  const facts = spec.facts.map((name) =>
    h("div", {}, h("dt", {}, name), h("dd", { class: "formula" }), h("dd", { class: "value" })));

  // A drawing for narrow panels and one for wide, so that text keeps its size; STYLE shows one of them.
  const charts = SIZES.map(([width, height], at) => {
    const box = { left: 32, right: width - 10, top: 26, bottom: height - 42 };
    const x = scale({ low: gaps.low, high: gaps.high, from: box.left, to: box.right });
    const node = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: `s${at}` });
    const move = (event) => {
      if (event.type === "pointermove" && !event.buttons) return;
      const frame = node.getBoundingClientRect();
      const part = (((event.clientX - frame.left) * width) / frame.width - box.left) / (box.right - box.left);
      write({ gap: nearest(gaps, gaps.low + part * (gaps.high - gaps.low)) });
    };
    listen(node, "pointerdown pointermove", move);
    return { node, box, x, marks: svg("g") };
  });

  const picture = (chart, all, top, settings, found) => {
    const { node, box, x } = chart;
    const y = scale({ low: 0, high: top, from: box.bottom, to: box.top, most: 4 });
    const curve = (name, ...look) => {
      const first = all.findIndex((point) => point[name] <= top);
      const points = all.map((point, at) => [gaps.low + at / 5, point[name]]).slice(first);
      if (first > 0) {
        const [before, [gap, value]] = [all[first - 1][name], points[0]];
        points.unshift([gap - (0.2 * (top - value)) / (before - value), top]);
      }
      const d = points.map(([gap, value]) => `${x.place(gap).toFixed(1)} ${y.place(value).toFixed(1)}`).join("L");
      return svg("path", { class: "line", d: `M${d}`, ...stroke(...look) });
    };
    const [at, height] = [x.place(settings.gap), Math.max(box.top, y.place(found.loss))];
    const post = (place, from, ...look) =>
      svg("line", { x1: place, x2: place, y1: from, y2: box.bottom, ...stroke(...look) });
    const marks = [curve("loss", "conv1"), curve("oneHot", "ink", "7 5")];
    if (settings.epsilon) {
      const [across, up] = [x.place(found.bestGap), y.place(found.floor)];
      const end = `${box.right} ${y.place(all[125].line)}`;
      marks.unshift(svg("path", { class: "line", d: `M${x.place(0)} ${box.bottom}L${end}`, ...stroke("pool", "2 3") }));
      marks.push(
        post(across, up, "conv1", "3 3"),
        svg("circle", { cx: across, cy: up, r: 5, style: "fill: var(--w-paper); stroke: var(--w-conv1); stroke-width: 2.5" }),
        svg("text", { class: "mark", x: across, y: up - 12, "text-anchor": "middle" }, "least"));
    }
    const point = found.loss > top // above the chart: an arrow at its edge
      ? svg("path", { d: `M${at} ${box.top - 2}l8 13h-16z`, style: "fill: var(--w-conv3)" })
      : svg("circle", { cx: at, cy: height, r: 6, style: "fill: var(--w-conv3)" });
    if (chart.top !== top) {
      const text = (value) => minus(value, short(Math.abs(value)));
      node.replaceChildren(frameOf(x, y, box, ["gap d", "loss in nats"], text), chart.marks);
    }
    chart.top = top;
    chart.marks.replaceChildren(...marks, post(at, height, "conv3"), point);
  };

  const draw = (settings) => {
    const [shown, found] = [evaluate(spec, settings), smoothed(settings)];
    for (const node of [caption, summary]) put(node, shown[node.className].replace(/ = /g, "\u00a0=\u00a0"));
    for (const at of [2, 3]) key.children[at].hidden = !settings.epsilon;
    for (const [at, node] of bars.entries()) {
      const row = shown.bars[at];
      node.style.display = row ? "" : "none";
      if (!row) continue;
      const texts = Object.values(row);
      node.querySelectorAll("th, span").forEach((text, column) => put(text, texts[column]));
      node.querySelectorAll("i").forEach((fill, column) => (fill.style.width = `${100 * [found.q, found.p][column][at]}%`));
    }
    for (const [at, { formula, value }] of shown.facts.entries()) {
      const [, symbols, number] = facts[at].children;
      put(number, value);
      if (symbols.dataset.of === formula) continue;
      symbols.dataset.of = formula;
      symbols.replaceChildren(...formula.split(/_(\w)/).map((part, odd) => (odd % 2 ? h("sub", {}, part) : part)));
    }
    const all = Array.from({ length: 126 }, (_, at) => smoothed({ ...settings, gap: gaps.low + at / 5 }));
    const top = spec.tops.find((most) => most >= Math.max(all[125].loss, all[25].loss));
    for (const chart of charts) {
      picture(chart, all, top, settings, found);
      chart.node.setAttribute("aria-label", shown.chart);
    }
    return shown.summary;
  };
  const entry = (style, text, kind = "") => h("span", {}, h("i", { class: kind, style }), text);
  const key = h("p", { class: "legend" },
    entry("border-top: 3px solid var(--w-conv1)", "smoothed loss"),
    entry("border-top: 3px dashed var(--w-ink)", "one-hot loss, ε = 0"),
    entry("border-top: 3px dotted var(--w-pool)", "what smoothing adds"),
    entry("border: 2px solid var(--w-conv1)", "least", "dot"),
    entry("background: var(--w-conv3)", "your gap", "dot"));
  const table = h("table", {},
    h("thead", {}, h("tr", {}, ...["Class", "Target q′", "Softmax p"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, ...bars));
  const drawn = h("div", { class: "chart" }, ...charts.map(({ node }) => node), key);
  const views = h("div", { class: "views" }, h("div", {}, table, summary), drawn);
  return { nodes: [caption, views, h("dl", {}, ...facts)], draw };
});

export default { render, evaluate };
