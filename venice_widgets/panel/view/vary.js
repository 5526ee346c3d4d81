import "./channel.js";
import { button, h, setAttribute, setText, setValue, show } from "./dom.js";

/** @typedef {import("./channel.js").Channel} Channel */

/**
 * "Sweep" beside a control: several values, typed in the cell's grammar, in place of the one value. Python reads them.
 */
export class Vary {
  /**
   * @param {Channel} channel
   * @param {string} name
   * @param {HTMLElement} field what holds the control and its label
   * @param {HTMLElement} control what the values are placed under
   * @param {boolean} [stays] whether it is there beside several values
   */
  constructor(channel, name, field, control, stays = false) {
    this.channel = channel;
    this.name = name;
    this.field = field;
    this.control = control;
    this.stays = stays;
    const label = /** @type {HTMLElement} */ (field.firstElementChild);
    this.title = (label.textContent ?? "").trim();
    this.toggle = button("Sweep", () => this.press(), {
      class: "vw-link vw-vary",
      title: `Several values for ${this.title}`,
      "aria-label": `Sweep ${this.title}`,
    });
    this.text = h("input", {
      type: "text",
      class: "vw-vary-text",
      dir: "auto",
      spellcheck: "false",
      autocomplete: "off",
      "aria-label": `Values of ${this.title}`,
      oninput: () => this.put(this.text.value),
    });
    const head = h("div", { class: "vw-field-head" });
    label.replaceWith(head);
    head.append(label, this.toggle);
    control.after(this.text);
    this.draw();
  }

  /** @returns {string | undefined} */
  get value() {
    return this.channel.form?.sweep[this.name];
  }

  press() {
    if (this.value === undefined) {
      const { start = "" } = this.channel.slices.controls?.varied[this.name] ?? {};
      const now = this.name === "model" ? this.channel.form?.model : this.channel.form?.values[this.name];
      this.put(start || String(now ?? ""));
      this.text.focus();
    } else {
      const { [this.name]: _, ...sweep } = this.channel.form?.sweep ?? {};
      this.channel.edit({ sweep });
    }
  }

  /** @param {string} text */
  put(text) {
    this.channel.edit({ sweep: { ...this.channel.form?.sweep, [this.name]: text } });
  }

  draw() {
    const { value } = this;
    const known = this.channel.slices.controls?.varied[this.name];
    show(this.toggle, Boolean(known) || value !== undefined);
    setAttribute(this.toggle, "aria-pressed", String(value !== undefined));
    show(this.text, value !== undefined);
    if (!this.stays) show(this.control, value === undefined);
    setAttribute(this.text, "placeholder", known?.hint ?? "");
    setAttribute(this.text, "title", known?.hint ?? "");
    if (document.activeElement !== this.text || value === "") setValue(this.text, value ?? "");
  }

  /** Where several values are typed, or null where there is one. */
  get shown() {
    return this.value === undefined ? null : this.text;
  }
}

/** What the sweep of a form comes to before it is sent: its axes, its cells, and those that no model makes. */
export class PlanView {
  /** @param {Channel} channel */
  constructor(channel) {
    this.channel = channel;
    this.axes = h("ul", { class: "vw-axes", "aria-label": "What is varied" });
    this.facts = h("div", { class: "vw-muted" });
    this.invalid = h("ul", { class: "vw-invalid" });
    this.skip = h("input", {
      type: "checkbox",
      onchange: () => channel.edit({ skip_invalid: this.skip.checked }),
    });
    this.skipLabel = h("label", { class: "vw-known" }, this.skip, " Leave out the cells that their model cannot make");
    this.element = h("div", { class: "vw-plan" }, this.axes, this.facts, this.invalid, this.skipLabel);
  }

  draw() {
    const { plan } = this.channel.slices;
    show(this.element, Boolean(plan));
    if (!plan) return;
    this.axes.replaceChildren(...plan.axes.map((axis) => this.axis(axis)));
    const facts = [plan.cells ? `cells: ${plan.cells}` : "", plan.time];
    setText(this.facts, facts.filter(Boolean).join(" · "));
    show(this.facts, Boolean(plan.cells));
    this.invalid.replaceChildren(
      ...plan.invalid.map(([cells, reason]) =>
        h("li", { dir: "auto" }, h("b", {}, cells), reason ? `: ${reason}` : ""),
      ),
    );
    show(this.invalid, plan.invalid.length > 0);
    const skips = Boolean(this.channel.form?.skip_invalid);
    show(this.skipLabel, plan.invalid.length > 0 || skips);
    this.skip.checked = skips;
  }

  /** @param {import("./types.js").PlanAxis} axis */
  axis(axis) {
    const { [axis.name]: _, ...sweep } = this.channel.form?.sweep ?? {};
    const remove = button("×", () => this.channel.edit({ sweep }), {
      class: "vw-close",
      "aria-label": `Do not vary ${axis.label}`,
    });
    const count = axis.count === null ? "" : `· ${axis.count}`;
    return h("li", { title: axis.text }, h("b", {}, axis.label), count, remove);
  }
}
