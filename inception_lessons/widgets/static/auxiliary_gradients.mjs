// parts: frame, axes, percent
// What the extra heads feed: recorded gradients of each stage at one moment, and of one stage over the updates.

const times = (part, whole) => percent(part, 100 * whole).slice(0, -2);

const ends = (ordered) => [ordered[0], ordered[ordered.length >> 1], ordered.at(-1)];

const spanOf = (seeds) => {
  const [low, middle, high] = ends([...seeds].sort((a, b) => a - b));
  const [lowText, text, highText] = [low, middle, high].map((value) => times(value, 1e6));
  return { low, middle, high, text, spread: `${lowText} to ${highText}` };
};

const compared = (name, first, second) => {
  const pairs = first.map((value, seed) => [value, second[seed]]).sort(([a, b], [c, d]) => a / b - c / d);
  const [low, ratio, high] = ends(pairs).map(([a, b]) => times(a, b));
  return {
    name,
    first: spanOf(first),
    second: spanOf(second),
    ratio,
    ratio_spread: `${low} to ${high}`,
    above: pairs.every(([a, b]) => a > b),
    below: pairs.every(([a, b]) => a < b),
  };
};

const when = (updates) =>
  updates === 0 ? "Before the first update" : `After ${updates} update${updates === 1 ? "" : "s"}`;

const top1 = ({ top1: shares, label }) => {
  const [low, middle, high] = ends(shares).map((share) => percent(share, 10000));
  return `${middle} (${low} to ${high}), ${label}`;
};

const evaluate = (spec, settings) => {
  const { stage } = settings;
  const [first, second] = ["first", "second"].map((name) => spec.settings[settings[name]]);
  const updates = Number(settings.updates);
  const at = spec.updates.indexOf(updates);
  const stages = spec.stages.map((key) =>
    compared(key, first.gradients[key][at], second.gradients[key][at]));
  const over_time = spec.updates.map((number, place) =>
    compared(String(number), first.gradients[stage][place], second.gradients[stage][place]));
  const now = over_time[at];
  const [above, below] = ["above", "below"].map((name) => stages.filter((row) => row[name]).length);
  const same = first === second;
  return {
    summary: same
      ? `${when(updates)}: both are the same setting. Choose another one to compare.`
      : `${when(updates)}, the gradient of ${stage} is ${now.first.text} thousandths (${first.label}) and ` +
        `${now.second.text} (${second.label}). Ratio, seed by seed: ${now.ratio} (${now.ratio_spread}).`,
    count: same
      ? ""
      : `In all ${first.top1.length} seeds the ratio is above 1 in ${above} of the ${stages.length} stages, ` +
        `and below 1 in ${below}.`,
    learnt: `Test top-1 after ${spec.last} updates: ${same ? top1(first) : `${top1(first)}; ${top1(second)}`}.`,
    stages,
    over_time,
  };
};

const STYLE = `
.first { --own: var(--w-macs); }
.second { --own: var(--w-other); }
.key > span { display: inline-block; margin-right: 1.5rem; }
i { display: inline-block; width: .6rem; height: .6rem; margin-right: .5em; background: var(--own); }
.first i { border-radius: 50%; }
b { display: block; margin: 1.1rem 0 .4rem; }
.time { display: grid; grid-template-columns: 2.1rem 1fr; }
.plot, .lane, .side, .marks { position: relative; }
.plot { height: 9.5rem; cursor: pointer; }
svg { position: absolute; inset: 0; height: 100%; }
.side span, .marks span, li { font-size: .75rem; color: var(--w-muted); }
.side span, .marks span { position: absolute; line-height: 1; }
.side span { right: .35rem; translate: 0 -50%; }
.marks { height: 1rem; }
.marks span { translate: -50% 0; }
svg * { fill: none; vector-effect: non-scaling-stroke; }
line { stroke: var(--w-rule); }
.now { stroke: var(--w-muted); stroke-dasharray: 3 3; }
path { stroke: var(--own); stroke-width: 2; }
.second .line { stroke-dasharray: 6 3; }
.dot { stroke-width: 9; stroke-linecap: round; }
.second .dot { stroke-width: 7; stroke-linecap: square; }
.steps { grid-column: 2; text-align: center; }
ol { display: grid; grid: auto / auto-flow 1fr; list-style: none; margin: 0; padding: 0; }
li[data-now] { color: var(--w-ink); font-weight: 700; }
.steps input { display: block; width: calc(100% - 100% / var(--n) + 16px); margin: 0 calc(50% / var(--n) - 8px); }
table, thead, tbody { display: block; }
tr { display: grid; grid-template-columns: 4rem repeat(3, 1fr); column-gap: 1rem; align-items: center;
  border-top: 1px solid var(--w-rule); padding: .15rem 0; }
.stages tr { grid-template-columns: 4rem minmax(8rem, 1fr) repeat(3, 7rem); }
thead tr { border: 0; align-items: end; }
thead th { font-weight: 400; font-size: .875rem; color: var(--w-muted); }
td, th:not(:first-child) { text-align: right; }
small { display: block; font-weight: 400; line-height: 1.15; font-size: .8125rem; }
.lane { height: 2.1rem; }
summary { cursor: pointer; min-height: 1.75rem; }
tr[data-now] { background: color-mix(in srgb, var(--w-rule) 30%, transparent); }
@container (max-width: 41rem) {
  tr, .stages tr { grid-template-columns: 3.5rem repeat(3, 1fr); column-gap: .4rem; }
  .track { grid-column: 1 / -1; grid-row: 2; }
  .lane { height: 1.4rem; }
  small { font-size: .75rem; }
}
@media print {
  .steps input { display: none; }
  tr { break-inside: avoid; }
}
`;

const render = panel("What the extra heads feed", STYLE, ({ spec, listen, write, read }) => {
  const every = Object.values(spec.settings).flatMap(({ gradients }) => Object.values(gradients).flat(2));
  const [low, high] = [Math.min(...every) / 1.3, Math.max(...every) * 1.3];
  const upward = scale({ low, high, from: 100, to: 0, log: true, most: 4 });
  const across = scale({ low, high, from: 3, to: 97, log: true, most: 4 });
  const column = (place) => ((place + 0.5) / spec.updates.length) * 100;
  const thousandths = (value) => short(value / 1e6);
  const drawing = (...children) =>
    svg("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": true }, ...children);
  const grid = (x1, x2, y1, y2) => svg("line", { class: "grid", x1, x2, y1, y2 });
  const path = (kind, d) => svg("path", { class: kind, d });
  // A dot is a line of no length: it stays round or square however the drawing is stretched.
  const dots = (places) => path("dot", places.map(([x, y]) => `M${x} ${y}h0`).join(""));

  const names = ["first", "second"];
  const key = names.map(() => h("span"));
  const keys = names.map((name, at) => h("span", { class: name }, h("i"), key[at]));
  const summary = h("p", { class: "summary" });
  const [count, learnt, title, moment, timeTitle] = ["p", "p", "b", "b", "summary"].map((tag) => h(tag));
  const lines = svg("g");
  const now = svg("line", { class: "now", y1: 0, y2: 100 });
  const plot = h("div", { class: "plot" },
    drawing(...upward.ticks.map((tick) => grid(0, 100, upward.place(tick), upward.place(tick))), now, lines));
  listen(plot, "click", (event) => {
    const { left, width } = plot.getBoundingClientRect();
    const place = Math.floor(((event.clientX - left) / width) * spec.updates.length);
    write({ updates: String(spec.updates[Math.min(spec.updates.length - 1, Math.max(0, place))]) });
  });
  const side = h("div", { class: "side", "aria-hidden": true },
    ...upward.ticks.map((tick) => h("span", { style: `top: ${upward.place(tick)}%` }, thousandths(tick))));
  const range = h("input", { type: "range", min: 0, max: spec.updates.length - 1, step: 1, "aria-label": "Updates of the weights" });
  listen(range, "input", () => write({ updates: String(spec.updates[range.valueAsNumber]) }));
  const steps = spec.updates.map((number) => h("li", {}, number));
  const scrubber = h("div", { class: "steps", style: `--n: ${spec.updates.length}` },
    h("ol", { "aria-hidden": true }, ...steps), range);

  const cell = () => {
    const [text, spread] = [h("span"), h("small")];
    return { text, spread, node: h("td", {}, text, spread) };
  };
  const table = (kind, first, rowNames, lane) => {
    const top = (...inside) => h("th", { scope: "col" }, ...inside);
    const heads = [top(), top(), top("ratio")];
    const rows = rowNames.map((name) => {
      const cells = [cell(), cell(), cell()];
      const marks = svg("g");
      const chart = h("td", { class: "track" }, h("div", { class: "lane" },
        drawing(...across.ticks.map((tick) => grid(across.place(tick), across.place(tick), 0, 100)), marks)));
      const note = lane && spec.heads.includes(name) ? [h("small", {}, "head")] : [];
      const node = h("tr", {},
        h("th", { scope: "row" }, name, ...note), ...(lane ? [chart] : []), ...cells.map((one) => one.node));
      return { cells, marks, node };
    });
    const axis = h("td", { class: "track", "aria-hidden": true }, h("div", { class: "marks" },
      ...across.ticks.map((tick) => h("span", { style: `left: ${across.place(tick)}%` }, thousandths(tick)))));
    const node = h("table", { class: kind },
      h("thead", {}, h("tr", {}, top(first), ...(lane ? [axis] : []), ...heads)),
      h("tbody", {}, ...rows.map((row) => row.node)));
    return { heads, rows, node };
  };
  const fillRow = ({ cells }, row) => {
    for (const [at, name] of names.entries()) {
      cells[at].text.textContent = row[name].text;
      cells[at].spread.textContent = row[name].spread;
    }
    cells[2].text.textContent = row.ratio;
    cells[2].spread.textContent = row.ratio_spread;
  };
  const stages = table("stages", "Stage", spec.stages, true);
  const time = table("overtime", "After", spec.updates);

  const draw = (settings) => {
    const shown = evaluate(spec, settings);
    const at = spec.updates.indexOf(Number(settings.updates));
    for (const [place, name] of names.entries()) {
      const { label } = spec.settings[settings[name]];
      key[place].textContent = label;
      for (const { heads } of [stages, time]) heads[place].textContent = label;
    }
    title.textContent = `Gradient of ${settings.stage} in thousandths, by number of updates`;
    moment.textContent = `${when(Number(settings.updates))}: gradient of each stage, in thousandths`;
    summary.textContent = shown.summary;
    count.textContent = shown.count;
    learnt.textContent = shown.learnt;
    range.value = at;
    range.setAttribute("aria-valuetext", when(Number(settings.updates)));
    for (const attribute of ["x1", "x2"]) now.setAttribute(attribute, column(at));
    lines.replaceChildren(...[...names].reverse().map((name) => {
      const spots = shown.over_time.map((row, place) => [column(place), upward.place(row[name].middle)]);
      const spread = shown.over_time.map((row, place) =>
        `M${column(place)} ${upward.place(row[name].low)}V${upward.place(row[name].high)}`).join("");
      return svg("g", { class: name }, path("line", `M${spots.join("L")}`), path("spread", spread), dots(spots));
    }));
    for (const [place, row] of shown.stages.entries()) {
      fillRow(stages.rows[place], row);
      stages.rows[place].marks.replaceChildren(...names.map((name, side) => {
        const y = side ? 70 : 30;
        const spread = `M${across.place(row[name].low)} ${y}H${across.place(row[name].high)}`;
        return svg("g", { class: name }, path("spread", spread), dots([[across.place(row[name].middle), y]]));
      }));
    }
    for (const [place, row] of shown.over_time.entries()) {
      fillRow(time.rows[place], row);
      for (const node of [time.rows[place].node, steps[place]]) node.toggleAttribute("data-now", place === at);
    }
    return `${shown.summary} ${shown.count}`;
  };
  timeTitle.textContent = "The same as numbers";
  const reach = "Median of the seeds; below it, and as a bar, lowest to highest. The heads stand on " +
    `${spec.heads.join(" and ")}: what they send back reaches the stages up to there.`;
  return {
    nodes: [
      h("p", { class: "key" }, ...keys), summary, title,
      h("div", { class: "time" }, side, plot, scrubber),
      h("details", {}, timeTitle, time.node),
      moment, stages.node, count, learnt,
      h("p", { class: "caption" }, reach),
      h("p", { class: "caption" }, spec.conditions),
    ],
    draw,
  };
});

export default { render, evaluate };
