import "./channel.js";
import { drawList, drawOptions, h, labelled, setAttribute, setText, setValue, show } from "./dom.js";

/**
 * @typedef {import("./channel.js").Channel} Channel
 * @typedef {import("./types.js").Model} Model
 */

const NO_MODELS = "No model fits. Take a filter back, or type another word.";

/** The list of models: found by words and filters, chosen by pointer or arrows. */
export class ModelPicker {
  /** @param {Channel} channel */
  constructor(channel) {
    this.channel = channel;
    this.words = "";
    this.at = 0;
    /** @type {HTMLSelectElement[]} */
    this.filters = [];
    this.list = h("ul", { role: "listbox", class: "vw-options", "aria-label": "Models" });
    this.list.id = `vw-models-${channel.name}-${Math.random().toString(36).slice(2, 6)}`;
    this.filterRow = h("div", { class: "vw-filters" });
    this.none = h("p", { class: "vw-muted" }, NO_MODELS);
    this.popup = h("div", { class: "vw-popup", hidden: true }, this.filterRow, this.list, this.none);
    this.input = h("input", {
      type: "text",
      role: "combobox",
      autocomplete: "off",
      spellcheck: "false",
      "aria-expanded": "false",
      "aria-autocomplete": "list",
      "aria-controls": this.list.id,
      oninput: () => this.search(),
      onfocus: () => this.input.select(),
      onclick: () => this.open(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.onKey(event),
    });
    this.field = labelled(this.input, "Model");
    this.element = h("div", { class: "vw-picker", onfocusout: (/** @type {FocusEvent} */ e) => this.onLeave(e) });
    this.element.append(this.field, this.popup);
  }

  /** @returns {Model | undefined} */
  get current() {
    return this.channel.slices.lists?.models.find((model) => model.id === this.channel.form?.model);
  }

  /** @returns {Model[]} */
  get found() {
    const words = this.words.toLowerCase().split(/\s+/).filter(Boolean);
    const recent = new Set(this.channel.slices.recent ?? []);
    const groups = this.filters.map((select) => select.value && JSON.parse(select.value)).filter(Boolean);
    return (this.channel.slices.lists?.models ?? []).filter(
      (model) =>
        words.every((word) => `${model.id} ${model.name}`.toLowerCase().includes(word)) &&
        groups.every((group) => model.groups.includes(group) || (group === "recent" && recent.has(model.id))),
    );
  }

  open() {
    if (!this.popup.hidden) return;
    this.words = "";
    show(this.popup, true);
    setAttribute(this.input, "aria-expanded", "true");
    this.at = Math.max(
      0,
      this.found.findIndex((model) => model.id === this.channel.form?.model),
    );
    this.drawOptions();
  }

  close() {
    show(this.popup, false);
    setAttribute(this.input, "aria-expanded", "false");
    setAttribute(this.input, "aria-activedescendant", null);
    this.words = "";
    this.draw();
  }

  search() {
    this.open();
    this.words = this.input.value;
    this.at = 0;
    this.drawOptions();
  }

  /** @param {Model | undefined} model */
  choose(model) {
    if (model && model.id !== this.channel.form?.model) this.channel.edit({ model: model.id });
    this.close();
    this.input.select();
  }

  /** @param {FocusEvent} event */
  onLeave(event) {
    if (!this.element.contains(/** @type {Node | null} */ (event.relatedTarget))) this.close();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (step && !this.popup.hidden) {
      this.at = Math.max(0, Math.min(this.found.length - 1, this.at + step));
      this.drawOptions();
    } else if (step || (event.key === "Enter" && this.popup.hidden && !event.ctrlKey && !event.metaKey)) this.open();
    else if (event.key === "Enter" && !this.popup.hidden) this.choose(this.found[this.at]);
    else if (event.key === "Escape" && !this.popup.hidden) this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  draw() {
    this.drawFilters();
    const id = this.channel.form?.model ?? "";
    const name = this.current?.name;
    if (this.popup.hidden) setValue(this.input, name ? `${id} · ${name}` : id);
    else this.drawOptions();
  }

  drawFilters() {
    const filters = this.channel.slices.lists?.filters ?? [];
    while (this.filters.length < filters.length) {
      const select = h("select", { onchange: () => this.drawOptions() });
      this.filterRow.append(labelled(select, filters[this.filters.length].label));
      this.filters.push(select);
    }
    filters.forEach((filter, place) => {
      const select = this.filters[place];
      drawOptions(select, filter.options, select.value ? JSON.parse(select.value) : "");
    });
  }

  drawOptions() {
    const found = this.found;
    show(this.none, !found.length);
    drawList(
      this.list,
      found,
      (model) => model.id,
      (model) => this.option(model),
      (element, model) => this.drawOption(element, model, found.indexOf(model) === this.at),
    );
    const active = this.list.children[this.at];
    setAttribute(this.input, "aria-activedescendant", active ? active.id : null);
    active?.scrollIntoView?.({ block: "nearest" });
  }

  /** @param {Model} model */
  option(model) {
    const choose = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.choose(this.found.find((each) => each.id === model.id));
    };
    return h(
      "li",
      { role: "option", id: `${this.list.id}-${model.id.replace(/\W/g, "_")}`, onmousedown: choose },
      h("span", { class: "vw-name" }, h("b", {}, model.id), " ", h("span", {}, model.name)),
      h("span", { class: "vw-state" }),
      h("span", { class: "vw-price" }),
    );
  }

  /**
   * @param {HTMLElement} element
   * @param {Model} model
   * @param {boolean} active
   */
  drawOption(element, model, active) {
    setAttribute(element, "aria-selected", String(model.id === this.channel.form?.model));
    element.classList.toggle("vw-active", active);
    setText(element.children[1], model.state);
    setText(element.children[2], model.price);
  }
}
