import "./channel.js";
import { Controls } from "./controls.js";
import { button, chosen, drawOptions, explain, h, labelled, setAttribute, setText, setValue, show } from "./dom.js";
import { ModelPicker } from "./model_picker.js";
import { Vary } from "./vary.js";

/** @typedef {import("./channel.js").Channel} Channel */

/** @type {[string, string][]} */
const SEED_MODES = [
  ["new", "new each time"],
  ["fixed", "fixed"],
  ["counting", "counting up"],
];

/** The left side: model, prompt, and every field that applies. */
export class FormView {
  /** @param {Channel} channel */
  constructor(channel) {
    this.channel = channel;
    this.model = new ModelPicker(channel);
    this.facts = h("p", { class: "vw-muted vw-facts" });
    this.leftOut = h("p", { class: "vw-note" });
    this.prompt = h("textarea", {
      rows: 4,
      class: "vw-prompt",
      dir: "auto",
      placeholder: "What the image should show",
      oninput: () => channel.editPrompt(this.prompt.value),
    });
    this.promptField = labelled(this.prompt, "Prompt");
    this.counter = h("span", { class: "vw-muted" });
    this.promptField.firstElementChild?.append(this.counter);
    this.recent = h("select", { class: "vw-recent", "aria-label": "Recent prompts", onchange: () => this.reuse() });
    this.varies = [
      new Vary(channel, "model", this.model.field, this.model.input, true),
      new Vary(channel, "replace", this.promptField, this.prompt, true),
    ];
    this.promptField.firstElementChild?.lastElementChild?.before(this.recent);
    this.add = button("Add", () => this.varies[0].put(channel.slices.plan?.add ?? ""), { class: "vw-link" });
    this.model.field.append(this.add);
    this.places = ["size", "main"].map((place) => new Controls(channel, place));
    this.rest = new Controls(channel, "more");
    this.restTitle = h("summary", {}, "More settings");
    this.wasWrong = false;
    this.details = h("details", { class: "vw-rest" }, this.restTitle, this.rest.element);
    this.sizes = this.sizeTools();
    const [size, main] = this.places;
    const sized = h("div", { class: "vw-sized" }, size.element, this.sizes);
    this.element = h(
      "div",
      { class: "vw-left" },
      h("div", {}, this.model.element, this.facts, this.leftOut),
      this.promptField,
      h("div", { class: "vw-rows" }, sized, main.element, this.seedRow()),
      this.details,
    );
    this.offerRecent([]);
    this.recent.addEventListener("pointerdown", () => this.loadRecent(), { once: true });
    this.recent.addEventListener("focus", () => this.loadRecent(), { once: true });
  }

  /** Ratio presets and a swap, for models that are sized in pixels. */
  sizeTools() {
    this.preset = h("select", { onchange: () => this.usePreset() });
    const swap = button("⇄ Swap", () => this.swap(), { title: "Swap width and height" });
    return h("div", { class: "vw-tools" }, labelled(this.preset, "Ratio"), swap);
  }

  seedRow() {
    const { channel } = this;
    this.mode = h("select", { onchange: () => channel.edit({ seed_mode: chosen(this.seedMode) }) });
    this.seed = h("input", {
      type: "text",
      placeholder: "41, 7,9,12 or 1..5",
      oninput: () => channel.edit({ seed: this.seedInput.value }),
    });
    this.images = h("input", {
      type: "text",
      inputmode: "numeric",
      oninput: () => channel.edit({ images: this.imagesInput.value }),
    });
    this.lock = button("Lock", () => this.toggleLock(), { title: "Keep one seed, or draw a new one each time" });
    const dice = button("Dice", () => channel.send({ type: "draw" }), { title: "Draw a seed now, and keep it" });
    this.seedField = labelled(this.seed, "Seed", "A number, a list or a range; a list or range makes one image each");
    this.imagesField = labelled(this.images, "Images", "Each is a request with a seed of its own");
    const mode = labelled(this.mode, "Seeds", "Where the next image's seed comes from");
    const tools = h("div", { class: "vw-tools" }, dice, this.lock);
    return h("div", { class: "vw-seeds" }, this.imagesField, mode, this.seedField, tools);
  }

  get seedMode() {
    return /** @type {HTMLSelectElement} */ (this.mode);
  }

  get seedInput() {
    return /** @type {HTMLInputElement} */ (this.seed);
  }

  get imagesInput() {
    return /** @type {HTMLInputElement} */ (this.images);
  }

  toggleLock() {
    this.channel.edit({ seed_mode: this.channel.form?.seed_mode === "new" ? "fixed" : "new" });
  }

  swap() {
    const values = this.channel.form?.values ?? {};
    this.channel.edit({ values: { width: values.height ?? null, height: values.width ?? null } });
  }

  usePreset() {
    const select = /** @type {HTMLSelectElement} */ (this.preset);
    const found = this.channel.slices.controls?.presets.find((preset) => preset.label === chosen(select));
    if (found) this.channel.edit({ values: { width: found.width, height: found.height } });
  }

  async loadRecent() {
    const reply = await this.channel.ask("prompts").catch(() => ({ prompts: [] }));
    this.offerRecent(reply.prompts);
  }

  /** @param {string[]} prompts */
  offerRecent(prompts) {
    const short = (/** @type {string} */ text) =>
      (text.length > 90 ? `${text.slice(0, 90)}…` : text).replace(/\s+/g, " ");
    drawOptions(
      this.recent,
      [[null, "Recent prompts …"], ...prompts.map((each) => [each, short(each)])].map(
        (each) => /** @type {[any, string]} */ (each),
      ),
      null,
    );
  }

  reuse() {
    const text = chosen(this.recent);
    if (text === null) return;
    this.channel.editPrompt(text);
    this.draw();
    this.recent.value = "null";
  }

  draw() {
    const { channel } = this;
    const { form } = channel;
    const { quote, controls } = channel.slices;
    this.model.draw();
    if (!form || !quote) return;
    setText(this.facts, quote.loading ? "Loading the models …" : quote.model);
    setText(this.leftOut, quote.left_out);
    show(this.leftOut, Boolean(quote.left_out));
    this.drawPrompt(form.prompt, controls?.limit ?? null);
    for (const place of [...this.places, this.rest]) place.draw();
    for (const vary of this.varies) vary.draw();
    this.explain();
    const add = channel.slices.plan?.add;
    show(this.add, Boolean(add));
    setText(this.add, `Add ${form.model} to the sweep`);
    this.drawSizes();
    this.drawSeeds();
    const { count } = this.rest;
    setText(this.restTitle, count ? `More settings · ${count} set` : "More settings");
  }

  /** Say beside each field why its value cannot be sent; one that is folded away is shown. */
  explain() {
    const { channel } = this;
    const [model, replace] = this.varies;
    const typed = channel.form?.prompt.trim() ? channel.problemOf("prompt") : "";
    explain(model.field, model.shown ?? model.control, channel.problemOf("model"));
    explain(this.promptField, typed ? this.prompt : replace.shown, typed || channel.problemOf("replace"));
    if (this.seedField) explain(this.seedField, this.seedInput, channel.problemOf("seed"));
    if (this.imagesField) explain(this.imagesField, this.imagesInput, channel.problemOf("images"));
    const wrong = this.rest.isWrong;
    if (wrong && !this.wasWrong) this.details.open = true;
    this.wasWrong = wrong;
  }

  /**
   * @param {string} text
   * @param {number | null} limit
   */
  drawPrompt(text, limit) {
    setValue(this.prompt, text);
    const of = limit ? ` / ${limit.toLocaleString("en")}` : "";
    setText(this.counter, ` ${text.length.toLocaleString("en")}${of}`);
  }

  drawSizes() {
    const presets = this.channel.slices.controls?.presets ?? [];
    const values = this.channel.form?.values ?? {};
    show(this.sizes, presets.length > 0);
    const now = presets.find((preset) => preset.width === `${values.width}` && preset.height === `${values.height}`);
    const options = presets.map((preset) => /** @type {[any, string]} */ ([preset.label, preset.label]));
    drawOptions(/** @type {HTMLSelectElement} */ (this.preset), [[null, "free"], ...options], now?.label ?? null);
  }

  drawSeeds() {
    const { form } = this.channel;
    const { quote } = this.channel.slices;
    if (!form) return;
    drawOptions(this.seedMode, SEED_MODES, form.seed_mode);
    const isNew = form.seed_mode === "new";
    setValue(this.seedInput, form.seed);
    setAttribute(this.seedInput, "readonly", isNew);
    setAttribute(this.seedInput, "placeholder", isNew ? "drawn when it is sent" : "41, 7,9,12 or 1..5");
    const listed = Boolean(quote?.listed);
    setValue(this.imagesInput, form.images);
    setAttribute(this.imagesInput, "readonly", listed);
    setText(/** @type {Element} */ (this.imagesField?.firstElementChild), listed ? "Images · by the seeds" : "Images");
    if (this.lock) setAttribute(this.lock, "aria-pressed", String(!isNew));
  }
}
