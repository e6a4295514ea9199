// parts: frame, percent
// Three ways to halve a grid: what grid_reduction.py defines (`spec`), counted again and drawn as blocks.

const sum = (list, of) => list.reduce((total, item) => total + of(item), 0);
const shape = ({ grid, channels }) => `${grid}×${grid}×${channels}`;

const scopeOf = ({ n }, { in_channels, doubled, out_channels, pooled: share, kernel, branches, ...settings }) => {
  const out = doubled ? 2 * in_channels : out_channels;
  const pooled = Math.floor((in_channels * share) / 100);
  const double = branches === "one" ? 0 : settings.double;
  const project = pooled < in_channels ? pooled : 0;
  const passed = pooled && in_channels;
  return { ...settings, in: in_channels, out, k: Number(kernel), n, pooled, passed, project, double, single: out - pooled - double };
};

// The maps behind the layers of one branch, and their cost with batch norm.
const branchOf = (layers, scope, { grid: start, in_channels, padding }) => {
  let [grid, inputs, parameters, macs] = [start, in_channels, 0, 0];
  const maps = [];
  for (const { operation, stride, ...names } of layers) {
    const [channels, height, width] = ["channels", "height", "width"].map((name) => scope[names[name]] ?? names[name]);
    if (!channels) continue;
    if (stride === 2) grid = Math.floor((grid - (padding === "one" ? 1 : height)) / 2) + 1;
    const pools = operation === "pool";
    if (!pools) {
      const weights = channels * inputs * height * width;
      parameters += weights + 2 * channels;
      macs += weights * grid * grid;
    }
    maps.push({
      label: `${pools ? "max pooling " : ""}${height}×${width}${stride === 2 ? " stride 2" : ""}`,
      operation: pools ? "pool" : { 1: "conv1", 3: "conv3" }[Math.max(height, width)] ?? "conv5",
      channels, grid, numbers: channels * grid * grid, narrow: false,
    });
    inputs = channels;
  }
  return { maps, parameters, macs };
};

const wayOf = (say, key, label, branches, entry) => {
  const channels = sum(branches, ({ maps }) => maps.at(-1).channels);
  const { grid } = branches[0].maps.at(-1);
  const output = channels * grid * grid;
  const least = branches.map(({ maps }) => maps.reduce((best, map) => (map.numbers <= best.numbers ? map : best)));
  const narrowest = sum(least, ({ numbers }) => numbers);
  const within = narrowest < output;
  const parallel = key === "parallel";
  if (within || !parallel) for (const map of least) map.narrow = true;
  const bottleneck = narrowest < Math.min(entry, output);
  const [of_input, of_output] = [entry, output].map((whole) => percent(narrowest, whole));
  return {
    key, label, refusal: "", narrowest, bottleneck,
    branches: branches.map(({ maps }) => maps),
    joined: parallel ? [{ operation: "other", channels, grid, numbers: output, narrow: !within }] : [],
    parameters: sum(branches, ({ parameters }) => parameters),
    macs: sum(branches, ({ macs }) => macs),
    verdict: say(bottleneck ? "bottleneck" : within ? "within" : "output", { narrowest, of_input, of_output }),
  };
};

const has = ({ bottleneck }) => `${bottleneck ? "a" : "no"} bottleneck`;

const evaluate = (spec, settings) => {
  const { grid, padding, branches: form } = settings;
  const say = (name, values) => spec.sentences[name].replace(/\{(\w+)\}/g, (_, word) =>
    typeof values[word] === "number" ? grouped(values[word]) : values[word]);
  const scope = scopeOf(spec, settings);
  const input = { operation: "other", channels: scope.in, grid, numbers: scope.in * grid * grid, narrow: false };
  const strided = Math.ceil(grid / 2);
  const halved = padding === "one" ? strided : Math.ceil(grid / 2 - 1);
  const unlike = form === "one" && scope.k === 1 && strided !== halved;
  const refusal = scope.single < 1 ? say(scope.double ? "none left, two" : "none left", scope)
    : unlike ? say("unlike", { strided, halved }) : "";
  const built = (key, branches) => {
    const label = spec.labels[key];
    if (!branches) return { key, label, refusal };
    const kept = branches.map((layers) => branchOf(layers, scope, settings)).filter(({ maps }) => maps.length);
    return wayOf(say, key, label, kept, input.numbers);
  };
  const ways = spec.sequences.map(({ key, layers }) => built(key, [layers]));
  ways.push(built("parallel", refusal ? null : spec.forms[form]));
  const possible = ways.filter((way) => !way.refusal);
  const all = possible.map(({ macs }) => macs);
  for (const way of possible) {
    const dearest = way.macs === Math.max(...all) && way.macs > Math.min(...all);
    way.loses = say(way.bottleneck ? (dearest ? "both" : "neck") : dearest ? "macs" : "neither");
    for (const name of ["parameters", "macs"]) way[`${name}_ratio`] = percent(way[name], ways[1][name]);
  }
  const rule = say(padding === "none" && grid % 2 === 0 ? "none, even" : padding, { grid, halved });
  const [{ macs: pool }, { macs: conv }, both] = ways;
  const formula = 2 * (grid * scope.in) ** 2;
  return {
    input, ways,
    caption: say("caption", { from: shape(input), to: shape({ grid: halved, channels: scope.out }), rule }),
    summary: say("orders", { ratio: percent(conv, pool), has: has(ways[0]) }) + (refusal ? say("no parallel")
      : say("parallel", { of_pool: percent(both.macs, pool), of_conv: percent(both.macs, conv), has: has(both) })),
    paper: scope.out !== 2 * scope.in ? "" : say("paper", {
      formula, area: formula === conv ? "" : say("area"), of_ours: percent(formula, conv),
      falls: percent(pool, conv), more: percent(conv - pool, pool),
    }),
  };
};

const STYLE = `
[hidden] { display: none !important; }
ol, ul { list-style: none; margin: 0; padding: 0; }
.ways { --w: calc((100cqi - 5.5rem - 2px) / 3); margin-top: 1rem; display: grid; gap: 0 1.75rem; grid-template-columns: repeat(3, minmax(0, 1fr)); }
.ways > li { display: grid; grid-row: span 8; grid-template-rows: subgrid;
  border-top: 3px solid var(--w-rule); padding-top: .5rem; break-inside: avoid; }
.ways p, dd { margin: 0; }
.stage { align-self: center; padding: .25rem 0 .5rem; font-size: .875rem; }
.blocks { display: flex; gap: 8px; align-items: end; margin-bottom: .4rem; }
.branch { display: grid; gap: 5px; justify-items: start; }
.block { --d: calc(18px * var(--g)); display: block; position: relative; background: color-mix(in srgb, var(--c) 60%, var(--w-ink));
  width: calc((var(--w) - var(--room)) * var(--part) + var(--d)); height: calc(82px * var(--g));
  clip-path: polygon(0 var(--d), var(--d) 0, 100% 0, 100% calc(100% - var(--d)), calc(100% - var(--d)) 100%, 0 100%); }
.block::before, .block::after { content: ""; position: absolute; inset: 0; }
.block::before { background: color-mix(in srgb, var(--c) 45%, var(--w-paper));
  clip-path: polygon(0 var(--d), var(--d) 0, 100% 0, calc(100% - var(--d)) var(--d)); }
.block::after { inset: var(--d) var(--d) 0 0; background: var(--face, var(--c)); }
.narrow { outline: 1px dashed var(--w-ink); outline-offset: 2px; }
.neck .narrow { outline: 3px solid var(--w-ink); }
.line { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 .75rem; }
.op, dt, small { color: var(--w-muted); font-size: .875rem; }
.bar { height: 7px; background: color-mix(in srgb, var(--w-rule) 35%, transparent); }
.bar i { display: block; height: 100%; min-width: 1px; }
dl { margin: .5rem 0 0; display: grid; gap: .5rem; align-content: start; }
@container (max-width: 44rem) {
  .ways { --w: calc(100cqi - 2rem - 2px); grid-template-columns: minmax(0, 1fr); gap: 1.5rem; }
  .ways > li { grid-row: auto; grid-template-rows: none; }
}
`;

const bar = (color, part) =>
  h("div", { class: "bar" }, h("i", { style: `background: var(--w-${color}); width: ${100 * part}%` }));

// `look`: what all blocks share.
const blockOf = ({ operation, channels, grid, narrow }, look, face = "") => {
  const style = `--c: var(--w-${operation}); --part: ${channels / look.widest}; --g: ${grid / look.grid}; ` +
    `--room: ${look.room}px; ${face}`;
  return h("span", { class: narrow ? "narrow" : "" }, h("i", { class: "block", style }));
};

const stageOf = (map, look, word, face) =>
  h("div", { class: "stage" },
    h("div", { class: "blocks", "aria-hidden": true }, blockOf(map, look, face)),
    h("div", { class: "line" },
      h("span", {}, shape(map)),
      h("span", {}, h("b", {}, map.narrow ? `${word}: ` : ""), `${grouped(map.numbers)} numbers`)),
    bar("activations", map.numbers / look.most));

const branchesOf = (branches, look, word) => {
  const letter = (at) => h("b", {}, "abc"[at]);
  const line = (map) => `${map.label}: ${shape(map)}${map.narrow ? ` (${word})` : ""}`;
  return h("div", { class: "stage" },
    h("div", { class: "blocks", "aria-hidden": true }, ...branches.map((maps, at) =>
      h("div", { class: "branch" }, ...maps.map((map) => blockOf(map, look)), letter(at)))),
    h("ul", {}, ...branches.map((maps, at) => h("li", {}, letter(at), ` ${maps.map(line).join("; ")}`))));
};

// The front of what is concatenated: each branch in its colour.
const faceOf = (ends, whole) => {
  let to = 0;
  const parts = ends.map(({ operation, channels }) => {
    const from = to;
    to += (100 * channels) / whole;
    const edge = `calc(${to}% - 1px)`;
    return `var(--w-${operation}) ${from}% ${edge}, var(--w-paper) ${edge} ${to}%`;
  });
  return `--face: linear-gradient(90deg, ${parts.join(", ")})`;
};

const render = panel("Grid reduction", STYLE, ({ spec }) => {
  const note = (...text) => h("p", { class: "caption" }, ...text);
  const texts = { caption: note(), summary: h("p"), paper: note() };
  const ways = h("ol", { class: "ways" });
  const hide = (name, hidden) => {
    const { label } = spec.controls.find((control) => control.name === name);
    ways.getRootNode().querySelector(`[aria-label="${label}"]`).parentNode.hidden = hidden;
  };
  const draw = (settings) => {
    const shown = evaluate(spec, settings);
    const possible = shown.ways.filter((way) => !way.refusal);
    const most = (list, of) => Math.max(...list.map(of));
    const { channels, grid } = shown.input;
    const maps = [shown.input, ...possible.flatMap((way) => way.branches.flat())];
    const look = {
      grid, most: most(maps, ({ numbers }) => numbers), room: 28 * most(possible, ({ branches }) => branches.length) - 8,
      widest: Math.max(channels, most(possible, ({ branches }) => sum(branches, (list) => most(list, (map) => map.channels)))),
    };
    const op = (text) => h("p", { class: "op" }, `↓ ${text}`);
    const count = (way, name, label) =>
      h("div", {}, h("dt", {}, label), h("dd", {},
        h("div", { class: "line" }, grouped(way[name]), h("small", {}, `${way[`${name}_ratio`]} of convolve first`)),
        bar(name, way[name] / most(possible, (other) => other[name]))));
    ways.replaceChildren(...shown.ways.map((way) => {
      const name = h("p", {}, h("b", {}, way.label), h("br"), way.loses ?? "");
      if (way.refusal) return h("li", {}, name, h("p", {}, way.refusal));
      const { branches, joined: [end], bottleneck } = way;
      const word = bottleneck ? "bottleneck" : "narrowest";
      const face = end && faceOf(branches.map((list) => list.at(-1)), end.channels);
      const steps = end
        ? [op("side by side"), branchesOf(branches, look, word), op("concatenated"), stageOf(end, look, word, face)]
        : branches[0].flatMap((map) => [op(map.label), stageOf(map, look, word)]);
      return h("li", { class: bottleneck ? "neck" : "" }, name, stageOf(shown.input, look), ...steps,
        h("p", {}, way.verdict), h("dl", {}, count(way, "parameters", "Parameters"), count(way, "macs", "MACs")));
    }));
    for (const [name, node] of Object.entries(texts)) node.textContent = shown[name];
    hide("out_channels", settings.doubled);
    for (const name of ["reduce_double", "double"]) hide(name, settings.branches === "one");
    return shown.summary;
  };
  return { nodes: [texts.caption, texts.summary, ways, note(spec.key), legend(spec.legend), texts.paper], draw };
});

export default { render, evaluate };
