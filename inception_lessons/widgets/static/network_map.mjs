// parts: frame, percent
// The network map: blocks of up to three networks, sized by what network_map.py counts.

const PLACES = ["first", "second", "third"];
const share = (part, whole) => (part ? percent(part, whole) : "0 %");
const sum = (list, count) => list.reduce((total, item) => total + count(item), 0);

// In the spec a block is [name, shape, parts], a part its kind and three counts.
const countOf = ([, , parts], at) => sum(parts, ([, ...counts]) => counts[at]);
const totalOf = ({ blocks }, at) => sum(blocks, (block) => countOf(block, at));

const timesOf = (total, beside, label) =>
  total < 10 * beside
    ? `${share(total, beside)} of ${label}`
    : `${grouped((2n * BigInt(total) + BigInt(beside)) / (2n * BigInt(beside)))} times ${label}`;

const noteOf = (network, first, at, unit) => {
  const [total, beside] = [totalOf(network, at), totalOf(first, at)];
  if (!total) return `It has no ${unit}.`;
  const largest = network.blocks.reduce((best, block) => (countOf(block, at) > countOf(best, at) ? block : best));
  const dense = sum(network.blocks.flatMap(([, , parts]) => parts), ([kind, ...counts]) => kind === "dense" && counts[at]);
  return `Largest block: ${largest[0]}, ${share(countOf(largest, at), total)}.` +
    (dense ? ` Dense layers: ${share(dense, total)}.` : "") +
    (network !== first && beside ? ` All together: ${timesOf(total, beside, first.label)}.` : "");
};

const detailOf = (spec, network, block, at) => {
  const amounts = spec.measures.map(({ unit }, number) => {
    const count = countOf(block, number);
    const part = share(count, totalOf(network, number)) + (number ? "" : " of the network");
    return count ? `${grouped(count)} ${unit} (${part})` : `no ${unit}`;
  });
  const names = Object.fromEntries(spec.kinds);
  const shares = block[2].filter((part) => part[at + 1])
    .map((part) => `${names[part[0]]} ${share(part[at + 1], countOf(block, at))}`);
  return `${network.label}, ${block[0]}: output ${block[1]}; ${amounts.join(", ")}.` +
    (shares.length ? ` ${spec.measures[at].title} by kind: ${shares.join(", ")}.` : "");
};

const evaluate = (spec, settings) => {
  const at = spec.measures.findIndex(({ name }) => name === settings.measure);
  const { unit, note } = spec.measures[at];
  const networks = PLACES.map((place) => spec.networks[settings[place]]).filter(Boolean);
  const longest = Math.max(...networks.map((network) => totalOf(network, at)));
  const own = networks.filter((network) => network.own).map(({ label }) => label);
  const shown = Math.min(settings.shown, networks.length - 1);
  const focus = Math.min(settings.block, networks[shown].blocks.length - 1);
  const rows = networks.map((network) => {
    const total = totalOf(network, at);
    return {
      label: network.label,
      input: network.input,
      total,
      total_text: `${grouped(total)} ${unit}`,
      note: noteOf(network, networks[0], at, unit),
      blocks: network.blocks.map((block) => ({
        name: block[0],
        shape: block[1],
        count: countOf(block, at),
        share: share(countOf(block, at), total),
        parts: block[2].map((part) => [part[0], part[at + 1]]).filter(([, count]) => count),
      })),
    };
  });
  const kinds = new Set(rows.flatMap(({ blocks }) => blocks.flatMap(({ parts }) => parts.map(([kind]) => kind))));
  return {
    caption: "Image left, logits right. " +
      (settings.same_scale
        ? `The full length is ${grouped(longest)} ${unit} in every bar. ${note}`
        : `Every bar fills the length, whatever its total. ${note}`) +
      (own.length ? ` As its own rows count: ${own.join(", ")}.` : ""),
    unit,
    length: settings.same_scale ? longest : 0,
    networks: rows,
    kinds: spec.kinds.filter(([kind]) => kinds.has(kind)),
    focus: [shown, focus],
    detail: detailOf(spec, networks[shown], networks[shown].blocks[focus], at),
    summary: rows.map((row) => `${row.label}: ${row.total_text}. ${row.note}`).join(" "),
  };
};

// A line over a block shows if the panel is so wide, 18 + 4k rem, that the block holds its letters.
const FITS = Array.from({ length: 20 }, (_, k) =>
  `@container (min-width: ${18 + 4 * k}rem) { .lines .w${k} { display: block; } }`).join("\n");
const fits = (letters, part) => Math.max(0, Math.ceil(((0.25 + 0.55 * letters) / part - 15.8) / 4));

const STYLE = `
.field { grid-template-columns: auto minmax(0, 1fr); white-space: nowrap; }
.field select { justify-self: end; }
.head { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; margin-top: 1.25rem; align-items: baseline; }
.input, .block, .note { color: var(--w-muted); font-size: .875rem; }
section { isolation: isolate; }
.map { position: relative; display: flex; cursor: pointer; }
.map::after { content: ""; position: absolute; z-index: -1; inset: 2.6rem 0 9px;
  background: color-mix(in srgb, var(--w-rule) 35%, transparent); }
.block { flex: none; font-size: .8125rem; line-height: 1.2rem; }
.lines { height: 2.6rem; padding-bottom: .15rem; display: flex; flex-direction: column-reverse; white-space: nowrap; }
.lines span { display: none; }
.lines span:first-child { color: var(--w-ink); }
.bar { position: relative; height: calc(4rem + 9px); padding-bottom: 9px; }
.bar i { display: block; }
.cut .bar { border-right: 1px solid var(--w-paper); }
.cut i + i { box-shadow: inset 0 1px var(--w-paper); }
[aria-selected="true"] .bar::after { content: ""; position: absolute; inset: auto 0 3px; outline: 2.5px solid var(--w-ink); }
.note { margin-top: .25rem; }
.detail { border-top: 1px solid var(--w-rule); padding-top: .75rem; margin-top: 1rem; min-height: 3.6em; }
summary { cursor: pointer; line-height: 1.75rem; }
details { margin-top: .75rem; }
.tables { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); gap: 1rem 2rem; align-items: start; }
table { width: 100%; border-collapse: collapse; }
caption { text-align: left; font-weight: 600; }
th { font-weight: 400; overflow-wrap: anywhere; }
td { text-align: right; padding-left: .75rem; white-space: nowrap; }
tbody tr { cursor: pointer; border-top: 1px solid var(--w-rule); line-height: 1.6rem; }
@container (max-width: 22rem) {
  tr { display: grid; grid-template-columns: 1fr auto; }
  th { grid-row: span 2; }
}
@media print { summary, .hint { display: none; } }
${FITS}
`;

const blockOf = (place, at, { name, shape, count, share: part, parts }, unit, length) => {
  const width = length && count / length;
  const lines = [[name, name.length], [part, Math.max(name.length, part.length)]]
    .map(([text, letters]) => [text, fits(letters, width)]).filter(([, k]) => k < 20)
    .map(([text, k]) => h("span", { class: `w${k}` }, text));
  const pieces = parts.map(([kind, piece]) =>
    h("i", { style: `background: var(--w-${kind}); height: ${(100 * piece) / count}%` }));
  const label = `${name}, output ${shape}: ${grouped(count)} ${unit}, ${part}`;
  const box = { class: width > 0.01 ? "block cut" : "block", style: `width: ${100 * width}%` };
  return h("div", { role: "option", id: `block-${place}-${at}`, "aria-label": label, ...box },
    h("div", { class: "lines" }, ...lines), h("div", { class: "bar" }, ...pieces));
};

const tableOf = ({ label, total_text: total, blocks }, unit) =>
  h("table", {},
    h("caption", {}, `${label}: ${total}`),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "block, output"), h("td", {}, unit), h("td", {}, "share"))),
    h("tbody", {}, ...blocks.map(({ name, shape, count, share: part }) =>
      h("tr", {}, h("th", { scope: "row" }, name, " ", h("small", {}, shape)),
        h("td", {}, grouped(count)), h("td", {}, part)))));

const render = panel("Network map", STYLE, ({ spec, listen, write, read }) => {
  let result, last;
  const [caption, detail, colors] = [h("p", { class: "caption" }), h("p", { class: "detail" }), h("div")];
  const tables = h("div", { class: "tables" });

  const blockAt = (place, { clientX }) => {
    const { left, width } = maps[place].map.getBoundingClientRect();
    const { blocks, total } = result.networks[place];
    let value = ((clientX - left) / width) * (result.length || total);
    const found = blocks.findIndex(({ count }) => (value -= count) < 0);
    return { shown: place, block: found < 0 ? blocks.length - 1 : found };
  };
  const move = (place, event) => {
    const at = result.focus[1];
    const end = result.networks[place].blocks.length - 1;
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: end }[event.key];
    const other = { ArrowUp: place - 1, ArrowDown: place + 1 }[event.key];
    if (to === undefined && other === undefined) return;
    event.preventDefault();
    if (other === undefined) write({ shown: place, block: Math.min(end, Math.max(0, to)) });
    else if (result.networks[other]) maps[other].map.focus();
  };
  const tell = (text = result.detail) => (detail.textContent = text);
  const maps = PLACES.map((_, place) => {
    const [name, input, total, note] = [h("strong"), h("span", { class: "input" }), h("span"), h("p", { class: "note" })];
    const map = h("div", { class: "map", role: "listbox", tabindex: 0, "aria-orientation": "horizontal" });
    listen(map, "keydown", (event) => move(place, event));
    listen(map, "focus", () => result.focus[0] !== place && write({ shown: place }));
    listen(map, "click", (event) => write(blockAt(place, event)));
    listen(map, "pointermove", (event) =>
      event.pointerType === "mouse" && tell(evaluate(spec, { ...read(), ...blockAt(place, event) }).detail));
    listen(map, "pointerleave", () => tell());
    const node = h("div", {}, h("div", { class: "head" }, h("div", {}, name, " ", input), total), map, note);
    return { node, name, input, total, map, note };
  });
  listen(tables, "click", ({ target }) => {
    const row = target.closest("tbody tr");
    if (row) write({ shown: [...tables.children].indexOf(row.closest("table")), block: row.sectionRowIndex });
  });

  const more = h("details", {}, h("summary", {}, "All blocks in a table"), tables);
  const list = () => tables.replaceChildren(
    ...(more.open ? result.networks : []).map((network) => tableOf(network, result.unit)));
  listen(more, "toggle", list);
  listen(window, "beforeprint", () => {
    more.open = true;
    list();
  });

  const rebuild = () => {
    caption.textContent = result.caption;
    colors.replaceChildren(legend(result.kinds));
    list();
    for (const [place, { node, name, input, total, map, note }] of maps.entries()) {
      const network = result.networks[place];
      node.hidden = !network;
      map.replaceChildren();
      if (!network) continue;
      name.textContent = network.label;
      input.textContent = network.input && `input ${network.input}`;
      total.textContent = network.total_text;
      note.textContent = network.note;
      map.setAttribute("aria-label", `${network.label}, ${network.total_text}, blocks from image to logits`);
      const length = result.length || network.total;
      map.append(...network.blocks.map((block, at) => blockOf(place, at, block, result.unit, length)));
    }
  };
  const draw = ({ shown, block, ...rest }) => {
    result = evaluate(spec, { shown, block, ...rest });
    const moved = last === (last = JSON.stringify(rest));
    if (!moved) rebuild();
    for (const [place, { map }] of maps.entries()) {
      const at = place === result.focus[0] ? result.focus[1] : -1;
      for (const [index, node] of [...map.children].entries()) node.setAttribute("aria-selected", index === at);
      map.setAttribute("aria-activedescendant", at < 0 ? "" : `block-${place}-${at}`);
    }
    tell();
    return moved ? result.detail : result.summary;
  };
  const hint = h("p", { class: "caption hint" },
    "Tap a block, or step with the arrow keys; the table also lists those too thin to see.");
  return { nodes: [caption, ...maps.map(({ node }) => node), colors, detail, hint, more], draw };
});

export default { render, evaluate };
