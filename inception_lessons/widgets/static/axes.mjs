// Axes of the charts: places and ticks on a linear or logarithmic scale, the lines that show them, and names of marks.

const short = (value) => {
  const [name, size] = [["G", 1e9], ["M", 1e6], ["K", 1e3]].find(([, unit]) => Math.abs(value) >= unit) ?? ["", 1];
  return `${Number((value / size).toPrecision(3))}${name && ` ${name}`}`;
};

// Returns place(value) in the drawing's units, and ticks: round values from low to high, at most `most` of them.
const scale = ({ low, high, from, to, log = false, most = 6 }) => {
  const on = log ? Math.log10 : (value) => value;
  const place = (value) => from + ((to - from) * (on(value) - on(low))) / (on(high) - on(low));
  const ticks = [];
  if (log) {
    for (const factors of [[1, 2, 5], [1, 3], [1]]) {
      ticks.length = 0;
      for (let power = Math.floor(on(low)); power <= on(high); power += 1)
        for (const factor of factors) ticks.push(Number(`${factor}e${power}`));
      if (ticks.filter((tick) => tick >= low && tick <= high).length <= most) break;
    }
  } else {
    const rough = (high - low) / most;
    const unit = 10 ** Math.floor(Math.log10(rough));
    const step = unit * [1, 2, 2.5, 5, 10].find((factor) => factor * unit >= rough * (1 - 1e-9));
    for (let at = Math.ceil(low / step - 1e-9); at * step <= high * (1 + 1e-9); at += 1)
      ticks.push(Number((at * step).toPrecision(12)));
  }
  let shown = ticks.filter((tick) => tick >= low - 1e-9 * Math.abs(low) && tick <= high + 1e-9 * Math.abs(high));
  if (log && shown.length > most) shown = shown.filter((_, at) => at % Math.ceil(shown.length / most) === 0);
  return { place, ticks: shown };
};

// The two axes as an SVG group, decorative for a screen reader: the numbers stand in the widget's table.
const frameOf = (x, y, { left, right, top, bottom }, [under, beside], text = short) =>
  svg("g", { "aria-hidden": true, class: "axes" },
    ...x.ticks.flatMap((tick) => [
      svg("line", { x1: x.place(tick), x2: x.place(tick), y1: top, y2: bottom }),
      svg("text", { x: x.place(tick), y: bottom + 16, "text-anchor": "middle" }, text(tick)),
    ]),
    ...y.ticks.flatMap((tick) => [
      svg("line", { x1: left, x2: right, y1: y.place(tick), y2: y.place(tick) }),
      svg("text", { x: left - 6, y: y.place(tick) + 4, "text-anchor": "end" }, text(tick)),
    ]),
    svg("text", { x: (left + right) / 2, y: bottom + 34, "text-anchor": "middle" }, under),
    svg("text", { x: left, y: top - 10, "text-anchor": "start" }, beside));

// Where names stand beside round marks: pairs of name and style, for those that cover no mark and no other name in a
// drawing `high` pixels high and as wide as each of `widths`. A mark has a name, `left` and `top` in percent, `shift` in px.
const namesBeside = (marks, widths, high) => {
  const boxes = ({ left, top, shift }, dx, dy, long, tall) => widths.map((wide) => {
    const [x, y] = [(left * wide) / 100 + shift + dx, (top * high) / 100 + dy];
    return [x, y, x + long, y + tall];
  });
  const apart = (a, b) => a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1];
  const taken = marks.map((mark) => boxes(mark, -13, -13, 26, 26));
  return marks.flatMap((mark) => {
    const { name, left, top, shift } = mark;
    const long = name.length * 8.2; // of 13 px in a wide face
    const spots = [[9, 13], [-9 - long, 13], [9, -27], [-9 - long, -27], [16, -7], [-16 - long, -7]];
    const spot = spots.find(([dx, dy]) => boxes(mark, dx, dy, long, 14).every(([x1, y1, x2, y2], at) =>
      x1 > 1 && y1 > 1 && x2 < widths[at] && y2 < high && taken.every((other) => apart([x1, y1, x2, y2], other[at]))));
    if (!spot) return [];
    taken.push(boxes(mark, ...spot, long, 14));
    return [[name, `left: calc(${left}% + ${spot[0] + shift}px); top: calc(${top}% + ${spot[1]}px)`]];
  });
};

const AXES = `
.axes line { stroke: var(--w-rule); stroke-width: 1; }
.axes text { fill: var(--w-muted); font-size: 12px; }
`;
