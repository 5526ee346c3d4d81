import "./channel.js";
import {
  button,
  chosen,
  drawList,
  drawOptions,
  explain,
  h,
  labelled,
  setAttribute,
  setText,
  setValue,
  show,
} from "./dom.js";
import { Vary } from "./vary.js";

/**
 * @typedef {import("./channel.js").Channel} Channel
 * @typedef {import("./types.js").Control} Control
 */

/** The controls of one place of the form, as Python describes them for the model. */
export class Controls {
  /**
   * @param {Channel} channel
   * @param {string} place
   */
  constructor(channel, place) {
    this.channel = channel;
    this.place = place;
    this.element = h("div", { class: `vw-controls vw-at-${place}` });
    /** @type {WeakMap<HTMLElement, Vary>} */
    this.varies = new WeakMap();
  }

  /** @returns {Control[]} */
  get controls() {
    return (this.channel.slices.controls?.controls ?? []).filter((control) => control.place === this.place);
  }

  /** Whether one of them has a value that cannot be sent. */
  get isWrong() {
    return this.controls.some((control) => this.channel.problemOf(control.name) !== "");
  }

  /** How many of them were chosen. */
  get count() {
    const values = this.channel.form?.values ?? {};
    return this.controls.filter((control) => control.name in values).length;
  }

  draw() {
    const controls = this.controls;
    drawList(
      this.element,
      controls,
      (control) => `${control.name} ${control.kind}`,
      (control) => this.make(control),
      (element, control) => this.drawControl(element, control),
    );
    show(this.element, controls.length > 0);
  }

  /**
   * @param {string} name
   * @param {string | boolean | null} value
   */
  put(name, value) {
    this.channel.edit({ values: { [name]: value === "" ? null : value } });
  }

  /** @param {Control} control */
  make(control) {
    if (control.kind === "segments") return this.segments(control);
    const input = this.input(control);
    const field = labelled(input, control.label, control.help);
    input.classList.add("vw-input");
    if (control.kind === "area") field.classList.add("vw-wide");
    if (control.folded === undefined) return this.varying(field, control, input);
    const suffix = h("span", { class: "vw-muted" });
    const label = /** @type {HTMLLabelElement} */ (field.firstElementChild);
    label.append(suffix);
    const unfold = button("Negative prompt …", () => this.unfold(field), { class: "vw-link vw-unfold" });
    field.append(unfold);
    return field;
  }

  /** @param {Control} control */
  input(control) {
    const { name } = control;
    if (control.kind === "select") {
      const select = h("select", { onchange: () => this.put(name, chosen(select)) });
      return select;
    }
    if (control.kind === "area") {
      const area = h("textarea", {
        rows: 2,
        dir: "auto",
        placeholder: control.hint,
        oninput: () => this.put(name, area.value),
      });
      return area;
    }
    const input = h("input", { type: "text", oninput: () => this.put(name, input.value) });
    return input;
  }

  /** @param {Control} control */
  segments(control) {
    const group = h("div", { role: "group", class: "vw-segments", "aria-label": control.label });
    const label = h("span", { class: "vw-label" }, control.label);
    return this.varying(h("div", { class: "vw-field", title: control.help }, label, group), control, group);
  }

  /**
   * @param {HTMLElement} field
   * @param {Control} control
   * @param {HTMLElement} input
   */
  varying(field, control, input) {
    this.varies.set(field, new Vary(this.channel, control.name, field, input));
    return field;
  }

  /** @param {HTMLElement} field */
  unfold(field) {
    field.dataset.open = "true";
    this.draw();
    /** @type {HTMLElement | null} */ (field.querySelector(".vw-input"))?.focus();
  }

  /**
   * @param {HTMLElement} element
   * @param {Control} control
   */
  drawControl(element, control) {
    const value = this.channel.form?.values[control.name] ?? null;
    if (control.kind === "segments") this.drawSegments(element, control, value);
    else this.drawInput(element, control, value);
    this.varies.get(element)?.draw();
    const vary = this.varies.get(element);
    explain(element, vary?.shown ?? element.querySelector(".vw-input"), this.channel.problemOf(control.name));
  }

  /**
   * @param {HTMLElement} element
   * @param {Control} control
   * @param {any} value
   */
  drawInput(element, control, value) {
    const input = /** @type {any} */ (element.querySelector(".vw-input"));
    if (control.kind === "select") {
      const more = (control.more && this.channel.slices.lists?.styles) || [];
      const named = more.map((each) => /** @type {[string, string]} */ ([each, each]));
      drawOptions(input, [...(control.options ?? []), ...named], value);
      return;
    }
    setAttribute(input, "placeholder", control.hint ?? "");
    if (document.activeElement !== input || input.value === "") setValue(input, value === null ? "" : String(value));
    if (control.folded !== undefined) this.drawFolded(element, control, value);
  }

  /**
   * @param {HTMLElement} element
   * @param {Control} control
   * @param {any} value
   */
  drawFolded(element, control, value) {
    const folded = Boolean(control.folded) && value === null && element.dataset.open !== "true";
    show(/** @type {HTMLElement} */ (element.querySelector("label")), !folded);
    show(/** @type {HTMLElement} */ (element.querySelector(".vw-input")), !folded);
    const unfold = /** @type {HTMLElement} */ (element.querySelector(".vw-unfold"));
    show(unfold, folded);
    setText(unfold, `Add a negative prompt (${control.suffix})`);
    setText(/** @type {HTMLElement} */ (element.querySelector("label .vw-muted")), suffixed(control.suffix));
  }

  /**
   * @param {HTMLElement} element
   * @param {Control} control
   * @param {any} value
   */
  drawSegments(element, control, value) {
    const group = /** @type {HTMLElement} */ (element.querySelector(".vw-segments"));
    const on = String(value ?? control.default ?? "").toLowerCase();
    drawList(
      group,
      control.options ?? [],
      ([each]) => String(each),
      ([each, label]) => button(label, () => this.put(control.name, each), { class: "vw-button vw-segment" }),
      (segment, [each]) => setAttribute(segment, "aria-pressed", String(String(each).toLowerCase() === on)),
    );
  }
}

/** @param {string | undefined} suffix */
function suffixed(suffix) {
  return suffix ? ` · ${suffix}` : "";
}
