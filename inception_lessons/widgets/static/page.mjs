// anywidget's contract without a kernel: a model over the state in the page, and the mount that calls a widget's render.

class Model {
  #state;
  #listeners = new Map();

  constructor(state) {
    this.#state = { ...state };
  }

  get(name) {
    return this.#state[name];
  }

  set(name, value) {
    if (Object.is(this.#state[name], value)) return;
    this.#state[name] = value;
    for (const event of [`change:${name}`, "change"]) {
      for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(this, value);
    }
  }

  on(events, listener) {
    for (const event of events.split(/\s+/)) {
      this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
    }
  }

  off(events, listener) {
    for (const event of events?.split(/\s+/) ?? [...this.#listeners.keys()]) {
      const left = (this.#listeners.get(event) ?? []).filter((other) => listener && other !== listener);
      this.#listeners.set(event, left);
    }
  }

  save_changes() {}
}

// The script stands inside its host; a notebook that inserts it again may leave no currentScript, hence the id.
const mount = (id, load) => {
  const host = document.currentScript?.closest(".il-widget") ?? document.getElementById(id);
  try {
    const state = JSON.parse(host.querySelector('script[type="application/json"]').textContent);
    load().render({ model: new Model(state), el: host });
  } catch (error) {
    if (host?.shadowRoot) host.shadowRoot.innerHTML = "<slot></slot>";
    console.error("This widget could not start; its static content stays.", error);
  }
};

export default { Model, mount };
