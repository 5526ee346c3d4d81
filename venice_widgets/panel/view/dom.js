/** Elements in few words: made once, then changed only where something differs, so that focus and caret stay. */

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * JupyterLab's one-key shortcuts act on the cell unless the focused element itself forbids it.
 * @type {ReadonlySet<string>}
 */
const FOCUSABLE = new Set(["button", "input", "select", "textarea", "summary", "a"]);

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [given] attributes; `on…` are listeners, `class` is the class name
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else setAttribute(made, name, value);
  }
  if (FOCUSABLE.has(tag) || "tabindex" in given) made.setAttribute("data-lm-suppress-shortcuts", "true");
  made.append(.../** @type {(Node | string)[]} */ (children.filter((child) => child || child === "")));
  return made;
}

/**
 * @param {string} label
 * @param {() => void} act
 * @param {Record<string, any>} [given]
 */
export function button(label, act, given = {}) {
  const made = h("button", { type: "button", class: "vw-button", ...given }, label);
  made.addEventListener("click", () => {
    if (made.getAttribute("aria-disabled") !== "true") act();
  });
  return made;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {any} value null and false take the attribute away
 */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value))
    element.setAttribute(name, value === true ? "" : String(value));
}

/**
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} input
 * @param {string} value
 */
export function setValue(input, value) {
  if (input.value !== value) input.value = value;
}

/**
 * @param {HTMLElement} element
 * @param {boolean} when
 */
export function show(element, when) {
  if (element.hidden === when) element.hidden = !when;
}

/**
 * Buttons with `aria-disabled` keep the focus, which a disabled one loses.
 * @param {HTMLElement} element
 * @param {boolean} when
 */
export function enable(element, when) {
  setAttribute(element, "aria-disabled", when ? null : "true");
}

/**
 * The children of a list by their keys: what stays is moved, not made anew.
 * @template Item
 * @param {HTMLElement} parent
 * @param {Item[]} items
 * @param {(item: Item) => string} keyOf
 * @param {(item: Item) => HTMLElement} make
 * @param {(element: HTMLElement, item: Item) => void} draw
 */
export function drawList(parent, items, keyOf, make, draw) {
  const old = new Map([...parent.children].map((child) => [/** @type {HTMLElement} */ (child).dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let child = /** @type {HTMLElement | undefined} */ (old.get(key));
    old.delete(key);
    if (!child) {
      child = make(item);
      child.dataset.key = key;
    }
    draw(child, item);
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const child of old.values()) child.remove();
}

let labels = 0;

/**
 * A visible label above a control.
 * @param {HTMLElement} control
 * @param {string} text
 * @param {string} [help]
 */
export function labelled(control, text, help = "") {
  labels += 1;
  control.id ||= `vw-${Math.random().toString(36).slice(2, 8)}-${labels}`;
  const label = h("label", { for: control.id, title: help || null }, text);
  if (help) control.setAttribute("title", help);
  return h("div", { class: "vw-field" }, label, control);
}

/**
 * Says below a control why its value cannot be sent; an empty text takes that away.
 * @param {HTMLElement} field what holds the control
 * @param {Element | null} control
 * @param {string} text
 */
export function explain(field, control, text) {
  const wrong = text !== "";
  let line = /** @type {HTMLElement | null} */ (field.querySelector(":scope > .vw-why"));
  if (!line && !wrong) return;
  if (!line) {
    labels += 1;
    line = h("p", { class: "vw-why", dir: "auto", id: `vw-why-${Math.random().toString(36).slice(2, 8)}-${labels}` });
    field.append(line);
  }
  show(line, wrong);
  setText(line, text);
  if (!control) return;
  setAttribute(control, "aria-invalid", wrong ? "true" : null);
  setAttribute(control, "aria-describedby", wrong ? line.id : null);
}

/**
 * @param {HTMLSelectElement} select
 * @param {readonly (readonly [any, string])[]} options values are kept as JSON, so that null and false are values too
 * @param {any} value
 */
export function drawOptions(select, options, value) {
  const known = options.some(([each]) => same(each, value));
  const all = known ? options : [...options, /** @type {[any, string]} */ ([value, `${value} · does not fit`])];
  const wanted = all.map(([each, label]) => `${JSON.stringify(each)} ${label}`).join("\n");
  if (select.dataset.options !== wanted) {
    select.replaceChildren(...all.map(([each, label]) => h("option", { value: JSON.stringify(each) }, label)));
    select.dataset.options = wanted;
  }
  setValue(select, JSON.stringify(value));
}

/**
 * @param {any} one
 * @param {any} other
 */
function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/**
 * @param {HTMLSelectElement} select
 * @returns {any}
 */
export function chosen(select) {
  return JSON.parse(select.value);
}

/**
 * Seconds as people read them.
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
