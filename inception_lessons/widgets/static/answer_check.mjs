// The answer check. Python's answer_check.py defines the questions and the judgement; this module repeats the judgement
// where no kernel runs. Nothing is sent and nothing is stored.

const NUMBER =
  /^([+-]?(?:(?:\d{1,3}(?:[ ,_]\d{3})+(?!\d)|\d+)(?:\.\d*)?|\.\d+))(?:e([+-]?\d{1,3})(?!\d)| *[x*] *10 *\^ *([+-]?\d{1,3})(?!\d))? */i;
const POWERS = { thousand: 3, million: 6, billion: 9, bn: 9, k: 3, m: 6, g: 9, b: 9 };
const SAME_UNIT = { "%": "percent", times: "x" };
const ROUNDING = 1e-9;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

const unclear = (message) => ({ verdict: "unclear", message });

const judgeChoice = ({ options }, response) => {
  if (!response) return unclear("Choose an answer first.");
  const option = response.length === 1 ? options[LETTERS.indexOf(response)] : undefined;
  if (!option) return unclear(`There is no option “${response}”; choose A to ${LETTERS[options.length - 1]}.`);
  return { verdict: option.correct ? "correct" : "wrong", message: option.feedback };
};

const powerOf = (tail, unit) => {
  const units = unit ? ["", unit, `${unit}s`, unit.replace(/s$/, ""), SAME_UNIT[unit] ?? unit] : [""];
  if (units.includes(tail)) return 0;
  const name = Object.keys(POWERS).find(
    (power) => tail.startsWith(power) && units.includes(tail.slice(power.length).replace(/^ +/, "")),
  );
  return POWERS[name];
};

// A number, or a sentence that says why the text is none.
const parseNumber = (typed, unit) => {
  const spaced = typed.replace(/[\t\n\r\u00a0\u2009\u202f]/g, " ").replaceAll("−", "-").replaceAll("×", "x");
  const text = spaced.replace(/^ +| +$/g, "");
  if (!text) return "Type a number first.";
  const found = NUMBER.exec(text);
  if (!found) return `“${text}” does not start with a number; write it like 1500, 1.5e3 or 1.5 K.`;
  const tail = text.slice(found[0].length);
  if (/^,\d/.test(tail)) return "Write decimals with a point, as in 1.5; commas only group thousands, as in 1,500.";
  const power = powerOf(tail.toLowerCase(), unit.toLowerCase());
  if (power === undefined) {
    const wanted = unit ? `the answer in ${unit}` : "a plain number";
    return `The number is clear, but not “${tail}” after it; give ${wanted}.`;
  }
  const number = Number(`${found[1].replace(/[ ,_]/g, "")}e${Number(found[2] ?? found[3] ?? 0) + power}`);
  return Number.isFinite(number) ? number : "That number is too large to be read.";
};

const judgeNumber = (spec, response) => {
  const number = parseNumber(response, spec.unit);
  if (typeof number === "string") return unclear(number);
  const near = (target) => {
    const room = Math.max(spec.tolerance, spec.relative_tolerance * Math.abs(target));
    return Math.abs(number - target) <= room * (1 + ROUNDING);
  };
  if (near(spec.answer)) return { verdict: "correct", message: spec.explanation };
  const mistake = spec.mistakes.find(({ value }) => near(value));
  return { verdict: "wrong", message: mistake ? mistake.feedback : spec.hint };
};

const judge = (spec, response) => (spec.kind === "choice" ? judgeChoice : judgeNumber)(spec, response);

const STYLE = `
* { box-sizing: border-box; }
form { border: 1px solid var(--w-rule); border-left: 4px solid var(--w-conv1); border-radius: 6px; padding: .9rem 1rem;
  background: var(--w-paper); color: var(--w-ink); line-height: 1.5; overflow-wrap: anywhere; }
fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
legend, .question { padding: 0; margin-bottom: .6rem; font-weight: 600; display: block; }
.option { display: grid; grid-template-columns: auto 1.2em 1fr; gap: .5rem; padding: .35rem 0; cursor: pointer; }
[type="radio"] { width: 1.1rem; height: 1.1rem; margin: .2rem 0 0; accent-color: var(--w-conv1); }
.row { display: flex; flex-wrap: wrap; gap: .6rem; align-items: center; }
fieldset + .row { margin-top: .5rem; }
[type="text"], button { font: inherit; color: inherit; background: var(--w-paper); border: 1px solid var(--w-muted);
  border-radius: 5px; padding: .3rem .6rem; min-height: 2.25rem; }
[type="text"] { flex: 0 1 12rem; min-width: 6rem; font-variant-numeric: tabular-nums; }
button { cursor: pointer; padding-inline: 1.1rem; }
:focus-visible { outline: 2px solid var(--w-conv1); outline-offset: 2px; }
code { font-size: .9em; padding: .1em .3em; border-radius: 3px; background: color-mix(in srgb, var(--w-rule) 45%, transparent); }
[role="status"] { margin: 0; }
[role="status"]:not(:empty) { margin-top: .75rem; padding-left: .75rem; border-left: 3px solid var(--w-muted); }
.correct:not(:empty) { border-color: var(--w-pool); }
.wrong:not(:empty) { border-color: var(--w-conv3); }
.correct strong { color: color-mix(in srgb, var(--w-pool) 85%, var(--w-ink)); }
.wrong strong { color: color-mix(in srgb, var(--w-conv3) 85%, var(--w-ink)); }
@media print { .row { display: none; } form { break-inside: avoid; } }
`;
const TITLES = { correct: "✓ Correct.", wrong: "✗ Not yet.", unclear: "? Not checked." };

const h = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
};

// Spans between backticks become code; every other character stays text.
const inline = (text) => text.split(/`([^`]+)`/).map((part, at) => (at % 2 ? h("code", {}, part) : part));

const render = ({ model, el }) => {
  const spec = Object.fromEntries(
    ["kind", "question", "options", "answer", "unit", "tolerance", "relative_tolerance", "mistakes", "hint", "explanation"]
      .map((name) => [name, model.get(name)]),
  );
  const stop = new AbortController();
  const listen = (node, event, act) => node.addEventListener(event, act, { signal: stop.signal });
  const status = h("p", { role: "status", "aria-live": "polite" });
  const button = h("button", { type: "submit" }, "Check");
  const isChoice = spec.kind === "choice";
  const field = h("input", { type: "text", id: "answer", autocomplete: "off", spellcheck: "false" });
  const radios = (spec.options ?? []).map((_, at) => h("input", { type: "radio", name: "answer", value: LETTERS[at] }));
  const question = inline(spec.question);
  const form = h("form", { novalidate: "" });
  if (isChoice) {
    const options = radios.map((radio, at) =>
      h("label", { class: "option" }, radio, `${LETTERS[at]}.`, h("span", {}, ...inline(spec.options[at].text))),
    );
    form.append(h("fieldset", {}, h("legend", {}, ...question), ...options), h("div", { class: "row" }, button));
  } else {
    form.append(
      h("label", { class: "question", for: "answer" }, ...question),
      h("div", { class: "row" }, field, spec.unit, button),
    );
  }
  form.append(status);

  const typed = () => (isChoice ? (radios.find((radio) => radio.checked)?.value ?? "") : field.value);
  const say = () => {
    const { verdict, message } = judge(spec, typed());
    status.className = verdict;
    status.replaceChildren(h("strong", {}, TITLES[verdict]), " ", ...inline(message));
  };
  const draw = () => {
    const response = model.get("response");
    for (const radio of radios) radio.checked = radio.value === response;
    if (field.value !== response) field.value = response;
    status.replaceChildren(); // the judgement was on another answer
  };
  listen(form, "input", () => {
    model.set("response", typed());
    model.save_changes();
  });
  listen(form, "submit", (event) => {
    event.preventDefault();
    say();
  });
  listen(form, "keydown", (event) => {
    if (event.key !== "Enter" || event.target === button || event.isComposing) return;
    event.preventDefault(); // JupyterLab keeps Enter from submitting a form
    say();
  });

  el.classList.add("il-widget");
  el.dataset.lmSuppressShortcuts = "true"; // JupyterLab takes arrows and Enter for itself otherwise
  const root = el.shadowRoot ?? el.attachShadow({ mode: "open" });
  root.replaceChildren(h("style", {}, STYLE), form);
  model.on("change:response", draw);
  draw();
  return () => {
    stop.abort();
    model.off("change:response", draw);
    root.replaceChildren();
  };
};

export default { render, judge };
