// Axes of the charts: places and ticks on a linear or logarithmic scale, and the lines that show them.

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
  let shown = ticks.filter((tick) => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9));
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

const AXES = `
.axes line { stroke: var(--w-rule); stroke-width: 1; }
.axes text { fill: var(--w-muted); font-size: 12px; }
`;
