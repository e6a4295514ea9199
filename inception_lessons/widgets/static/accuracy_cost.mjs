// parts: frame, axes, percent
// The frontier of accuracy_cost.py's rows.

const COSTS = ["parameters", "macs"];
const names = (found) => found.map(({ name }) => name).join(", ").replace(/, ([^,]*)$/, " and $1");
const some = (found) => (found.length <= 6 ? names(found) : `${found.length} others`);

const evaluate = ({ rows, measures, columns, shown, absent }, { x: across, y: up, show, whole_test: whole, point }) => {
  const word = (axis) => measures[axis].word;
  const value = (row, axis) => !whole || !COSTS.includes(axis) ? row[axis]
    : row.networks * (axis === "macs" ? row.crops * row.macs : row.parameters) || undefined;
  const text = (row, axis) => (COSTS.includes(axis) ? grouped(value(row, axis) ?? "–") : row.texts[axis]);
  if (across === up) {
    const summary = `Both axes show ${word(up)}: choose two different measures.`;
    return { caption: "", summary, points: [], frontier: [], left_out: [], detail: {} };
  }
  const candidates = rows.filter(({ group }) => shown[show].groups.includes(group));
  const gap = (row) => [across, up].find((axis) => !value(row, axis));
  const drawn = candidates.filter((row) => !gap(row));
  const [x, y] = [across, up].map((axis) => (row) => value(row, axis));
  const rivals = (row) => drawn.filter((one) => x(one) <= x(row) && y(one) <= y(row) && (x(one) < x(row) || y(one) < y(row)));
  const front = drawn.filter((row) => !rivals(row).length).sort((a, b) => x(a) - x(b) || a.number - b.number);
  const beaten = drawn.filter((row) => !front.includes(row));
  let summary = `On the frontier, by rising ${word(across)}: ${names(front)}.`;
  if (beaten.length)
    summary += ` Beaten by one of these, that is nowhere worse: ${some(beaten)}.`;
  if (COSTS.includes(across)) {
    const [least, most] = [Math.min, Math.max].map((end) => drawn.find((row) => x(row) === end(...drawn.map(x))));
    summary += ` Fewest ${word(across)}: ${least.name} with ${text(least, across)}, which is ` +
      `${percent(x(least), x(most))} of the ${text(most, across)} of ${most.name}.`;
  }
  const on = (axis) => across === axis || up === axis;
  const unlike = front.filter((row) => (on("macs") ? !row.single : on("parameters") && row.networks > 1));
  if (unlike.length && !whole)
    summary += ` The axis counts one network and one crop; of the frontier, tested otherwise, or not said: ${names(unlike)}.`;

  const reasons = {};
  for (const row of candidates.filter(gap))
    (reasons[gap(row) === "macs" ? row.uncounted : `no ${word(gap(row))} is published`] ??= []).push(row);
  const chosen = drawn.find(({ key }) => key === point) ?? drawn[0];
  const place = front.includes(chosen) ? "On the frontier." : `Beaten by ${some(rivals(chosen))}.`;
  return {
    caption: `${shown[show].label}: ${word(across)} against ${word(up)}, ${drawn.length} marks, costs of ` +
      (whole ? "the whole test." : "one network and one crop."),
    summary,
    points: drawn.map((row) => ({
      key: row.key, x: x(row), y: y(row), frontier: front.includes(row), cells: columns.map(([axis]) => text(row, axis)),
      label: `${row.title}: ${[across, up].map((axis) => `${word(axis)} ${text(row, axis)}`).join(", ")}, ` +
        `${front.includes(row) ? "on" : "off"} the frontier`,
    })),
    frontier: front.map(({ key }) => key),
    left_out: [...Object.entries(reasons).map(([reason, found]) => `${names(found)}: ${reason}.`), absent],
    detail: { key: chosen.key, title: chosen.title, text: `${place} ${chosen.tested}` },
  };
};

const HIGH = 384; // px
const STYLE = `
.chart { display: grid; grid-template-columns: 3.2rem 1fr; gap: .3rem; margin-top: 1rem; padding-right: .8rem; }
.chart p { margin: 0; grid-column: 2; }
.across { text-align: right; }
.chart p, .ticks, thead th, td::before, li { color: var(--w-muted); font-size: .8125rem; font-weight: 400; }
.ticks, .plot { position: relative; min-height: 1rem; grid-column: 2; }
.plot span, .ticks span { position: absolute; white-space: nowrap; line-height: 1; translate: -50%; }
.ticks.rows { grid-column: 1; }
.rows span { right: 0; translate: 0 -50%; }
.plot { height: ${HIGH}px; border: solid var(--w-rule); border-width: 0 0 1px 1px; }
.plot svg { position: absolute; height: 100%; }
.plot svg * { vector-effect: non-scaling-stroke; fill: none; stroke: var(--w-rule); }
.chosen { background: color-mix(in srgb, var(--w-rule) 32%, transparent); }
.plot .shade { fill: var(--w-rule); opacity: .32; stroke: none; }
.plot .line { stroke: var(--w-conv1); stroke-width: 1.5; }
.plot .front { stroke: var(--w-ink); stroke-width: 2; stroke-dasharray: 6 3; }
.plot .mark, .legend .mark { width: 26px; height: 26px; border-radius: 50%; background: none; vertical-align: middle; }
.plot .mark { translate: -50% -50%; cursor: pointer; }
.mark::before { content: attr(data-number); display: grid; place-content: center; box-sizing: border-box; height: 20px;
  margin: 3px; border-radius: 50%; border: 2px solid var(--fill); font-size: 12px; font-weight: 700; background: var(--fill);
  color: var(--w-paper); --fill: var(--w-conv1); }
:is(.other, .torchvision)::before { --fill: var(--w-other); }
.torchvision::before { border-radius: 3px; }
.hollow::before { background: var(--w-paper); color: var(--fill); }
.plot [aria-checked="true"] { outline: 2px solid var(--w-ink); z-index: 1; }
.plot .mark:focus-visible { outline: 3px solid var(--w-conv3); }
.plot .names span { translate: none; font-size: 13px; background: color-mix(in srgb, var(--w-paper) 70%, transparent); }
.legend .dashes { width: 1.6rem; height: 0; border-top: 2px dashed; vertical-align: middle; }
.legend .solid { border-top: 2px solid var(--w-conv1); }
table, thead, tbody, strong { display: block; margin-top: .5rem; }
tr:not([hidden]) { display: grid; grid-template-columns: 1fr 6.5rem 9.25rem 5rem 5rem; gap: 0 .75rem; padding: .3rem 0;
  border-top: 1px solid var(--w-rule); text-align: right; }
tr > * + * { text-align: inherit; }
@container (max-width: 41rem) {
  thead, .names { display: none; }
  tr:not([hidden]) { grid-template-columns: 1fr 1fr; text-align: left; }
  th { grid-column: 1 / -1; }
  td::before { content: attr(data-name); display: block; }
}
`;

const render = panel("Accuracy against cost", STYLE, ({ spec, listen, write }) => {
  const box = (tag, name, ...children) => h(tag, { class: name }, ...children);
  const [caption, across, detail, summary, up] = ["caption", "across", "", "", ""].map((name) => box("p", name));
  const [side, under, labels] = ["ticks rows", "ticks", "names"].map((name) => h("div", { class: name, "aria-hidden": true }));
  const marks = spec.rows.map(({ number, single, group }) =>
    h("span", { role: "radio", class: `mark ${group} ${single ? "" : "hollow"}`, "data-number": number }));
  const lines = svg("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": true });
  const plot = h("div", { class: "plot", role: "radiogroup" }, lines, labels, ...marks);
  const choose = (mark) => {
    write({ point: spec.rows[marks.indexOf(mark)].key });
    mark.focus();
  };
  for (const mark of marks) listen(mark, "click", () => choose(mark));
  let order = []; // left to right
  listen(plot, "keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    choose(order.at((order.indexOf(event.target) + step) % order.length));
  });
  const legend = spec.legend.map(([name, text]) => h("span", {}, name && box("i", name), text));
  const heads = spec.columns.map(([, label]) => label);
  const lists = spec.rows.map(({ number, name }) =>
    h("tr", {}, h("th", {}, `${number} ${name}`, h("small")), ...heads.map((head) => h("td", { "data-name": head }))));
  const top = h("tr", {}, ...["Network", ...heads].map((text) => h("th", {}, text)));
  const table = h("table", {}, h("thead", {}, top), h("tbody", {}, ...lists));
  const out = h("ul");
  const whole = box("div", "", caption, box("div", "chart", up, side, plot, under, across), box("p", "legend", ...legend), detail, table, out);

  const sketch = ({ points, frontier, detail: { key: chosen } }, settings) => {
    const axis = (name, from, to) => {
      const [low, high] = [Math.min, Math.max].map((end) => end(...points.map((point) => point[name])));
      const log = COSTS.includes(settings[name]);
      const pad = log ? (high / low) ** 0.1 : (high - low) * 0.1;
      const ends = log ? { low: low / pad, high: high * pad } : { low: low - pad, high: high + pad };
      const { place, ticks } = scale({ ...ends, from, to, log, most: log && !from ? 3 : 6 });
      const unit = log ? short : (value) => value + (settings[name] === "year" ? "" : " %");
      return [place, ticks.map((tick) => [place(tick), unit(tick)])];
    };
    const [[right, columns], [down, levels]] = [axis("x", 0, 100), axis("y", 100, 0)];
    const placed = [];
    for (const point of points) {
      const [left, top] = [right(point.x), down(point.y)];
      const near = placed.filter((mark) => Math.abs(mark.left - left) < 2 && Math.abs(mark.top - top) < 4);
      const row = spec.rows.find(({ key }) => key === point.key);
      placed.push({ ...row, ...point, left, top, shift: near.length * (left > 50 || near[0]?.left > left ? -22 : 22) });
    }
    let [steps, level] = ["", 0];
    for (const found of frontier) {
      const { left, top } = placed.find(({ key }) => key === found);
      steps += `${left},${level} ${left},${top} `;
      level = top;
    }
    steps += `100,${level}`;
    const line = (name, points) => svg("polyline", { class: name, points });
    lines.replaceChildren(
      line("shade", `${steps} 100,0`),
      svg("path", { d: columns.map(([at]) => `M${at} 0V100`).join("") + levels.map(([at]) => `M0 ${at}H100`).join("") }),
      line("line", placed.flatMap(({ group, left, top }) => (group === "lineage" ? [left, top] : [])).join(" ")),
      line("front", steps));
    side.replaceChildren(...levels.map(([at, text]) => h("span", { style: `top: ${at}%` }, text)));
    under.replaceChildren(...columns.map(([at, text]) => h("span", { style: `left: ${at}%` }, text)));
    for (const { number, key, left, top, shift, label, cells, frontier: on } of placed) {
      const [mark, list] = [marks[number - 1], lists[number - 1]];
      [...list.querySelectorAll("small, td")].forEach((cell, at) => {
        const text = at ? cells[at - 1] : on ? " · frontier" : "";
        if (cell.textContent !== text) cell.textContent = text;
      });
      list.className = key === chosen ? "chosen" : "";
      const style = `left: calc(${left}% + ${shift}px); top: ${top}%`;
      fill(mark, { style, "aria-label": label, "aria-checked": key === chosen, tabindex: key === chosen ? 0 : -1 }, []);
      list.hidden = mark.hidden = false;
    }
    labels.replaceChildren(...namesBeside(placed, [560, 1200], HIGH).map(([name, style]) => h("span", { style }, name)));
    order = [...placed].sort((a, b) => a.x - b.x || a.y - b.y).map(({ number }) => marks[number - 1]);
  };

  const draw = (settings) => {
    const shown = evaluate(spec, settings);
    const seen = summary.textContent === shown.summary;
    summary.textContent = shown.summary;
    const { title, text } = shown.detail;
    for (const node of [...marks, ...lists]) node.hidden = true;
    whole.hidden = !title;
    if (!title) return shown.summary;
    caption.textContent = shown.caption;
    plot.setAttribute("aria-label", shown.caption);
    [up.textContent, across.textContent] = [settings.y, settings.x].map((axis) => spec.measures[axis].axis);
    spec.legend.forEach(([, , group], at) => (legend[at].hidden = !spec.shown[settings.show].groups.includes(group)));
    detail.replaceChildren(h("strong", {}, title), text);
    out.replaceChildren(...shown.left_out.map((line) => h("li", {}, line)));
    sketch(shown, settings);
    return seen ? `${title}. ${text}` : shown.summary;
  };
  return { nodes: [summary, whole], draw };
});

export default { render, evaluate };
