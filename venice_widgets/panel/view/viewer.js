import { blobUrl } from "./channel.js";
import { button, h, setText, show } from "./dom.js";

/**
 * @typedef {import("./channel.js").Channel} Channel
 * @typedef {import("./types.js").Card} Card
 */

const MOST_ZOOM = 16;

/** One image as large as the window: the stored file, with zoom and pan, and the ones before and after it. */
export class Viewer {
  /**
   * @param {Channel} channel
   * @param {import("./cards.js").Acts} acts
   */
  constructor(channel, acts) {
    this.channel = channel;
    /** @type {string[]} */
    this.keys = [];
    this.at = 0;
    this.zoom = 1;
    this.x = 0;
    this.y = 0;
    /** @type {Map<string, string>} */
    this.files = new Map();
    this.image = h("img", { alt: "", draggable: "false" });
    this.stage = h("div", { class: "vw-stage" }, this.image);
    this.heading = h("b");
    this.facts = h("span", { class: "vw-muted" });
    this.prompt = h("p", { dir: "auto" });
    this.before = button("‹ Previous", () => this.step(-1));
    this.after = button("Next ›", () => this.step(1));
    const act = (/** @type {string} */ action) => () => this.channel.send({ type: "act", action, key: this.key });
    this.bar = h(
      "div",
      { class: "vw-viewer-bar" },
      h(
        "div",
        { class: "vw-viewer-acts" },
        h(
          "div",
          {},
          this.before,
          this.after,
          button("−", () => this.zoomBy(1 / 1.5), { "aria-label": "Zoom out" }),
          button("Fit", () => this.fit()),
          button("100 %", () => this.actualSize()),
          button("+", () => this.zoomBy(1.5), { "aria-label": "Zoom in" }),
        ),
        h(
          "div",
          {},
          button("Use seed", act("seed")),
          button("Remix", act("remix")),
          button("Use all", act("all")),
          button("Download", () => acts.download(this.key)),
          button("Copy as cell", () => acts.copy("cell", this.key)),
        ),
      ),
      button("Close", () => this.close(), { class: "vw-button vw-primary" }),
    );
    this.said = h("div", { class: "vw-viewer-said", role: "status" });
    const heading = h("div", {}, this.heading, " ", this.facts);
    const words = h("div", { class: "vw-viewer-words" }, this.said, heading, this.prompt);
    this.element = h("dialog", { class: "vw-viewer", "aria-label": "Image" }, this.bar, this.stage, words);
    this.listen();
  }

  get key() {
    return this.keys[this.at] ?? "";
  }

  listen() {
    const { stage } = this;
    this.element.addEventListener("keydown", (event) => this.onKey(event));
    this.element.addEventListener("close", () => this.forget());
    stage.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    stage.addEventListener("dblclick", () => (this.zoom > 1 ? this.fit() : this.actualSize()));
    stage.addEventListener("pointerdown", (event) => stage.setPointerCapture(event.pointerId));
    stage.addEventListener("pointermove", (event) => {
      if (event.buttons & 1) this.panBy(event.movementX, event.movementY);
    });
  }

  /**
   * @param {string[]} keys
   * @param {string} key
   */
  open(keys, key) {
    this.returnTo = /** @type {HTMLElement | null} */ (document.activeElement);
    this.keys = keys;
    this.at = Math.max(0, keys.indexOf(key));
    this.element.showModal();
    this.draw();
  }

  close() {
    this.element.close();
  }

  /** @param {string} text what came of a button, which is under this window on the panel */
  say(text) {
    setText(this.said, text);
    show(this.said, Boolean(text));
  }

  forget() {
    for (const url of this.files.values()) URL.revokeObjectURL(url);
    this.files.clear();
    this.returnTo?.focus();
  }

  /** @param {number} by */
  step(by) {
    this.at = (this.at + by + this.keys.length) % this.keys.length;
    this.draw();
  }

  async draw() {
    const { key } = this;
    this.say("");
    this.fit();
    const card = this.channel.slices.gallery?.cards.find((each) => each.key === key);
    if (card) this.drawWords(card);
    this.image.src =
      this.files.get(key) ?? this.channel.images.get(key) ?? this.channel.images.get(`tile:${key}`) ?? "";
    show(this.before, this.keys.length > 1);
    show(this.after, this.keys.length > 1);
    if (this.files.has(key)) return;
    try {
      const reply = await this.channel.ask("image", { key });
      this.files.set(key, blobUrl(reply.buffers[0], reply.mime));
      if (key !== this.key) return;
      this.drawWords(reply.card);
      this.image.src = this.files.get(key) ?? "";
    } catch (error) {
      setText(this.facts, /** @type {Error} */ (error).message);
    }
  }

  /** @param {Card} card */
  drawWords(card) {
    const words = [card.price, card.model, card.size, `run ${card.ending}`, ...(card.remarks ?? [])];
    setText(this.heading, card.seed);
    setText(this.facts, words.filter(Boolean).join(" · "));
    setText(this.prompt, card.prompt ?? "");
    this.image.alt = `${card.seed}: ${card.prompt}`;
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowLeft: () => this.step(-1),
      ArrowRight: () => this.step(1),
      "+": () => this.zoomBy(1.5),
      "-": () => this.zoomBy(1 / 1.5),
      0: () => this.fit(),
      Escape: () => this.close(),
    };
    event.stopPropagation();
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }

  /** @param {WheelEvent} event */
  onWheel(event) {
    event.preventDefault();
    this.zoomBy(event.deltaY < 0 ? 1.15 : 1 / 1.15);
  }

  /** @param {number} by */
  zoomBy(by) {
    this.zoom = Math.min(MOST_ZOOM, Math.max(1, this.zoom * by));
    if (this.zoom === 1) this.x = this.y = 0;
    this.place();
  }

  fit() {
    this.zoom = 1;
    this.x = this.y = 0;
    this.place();
  }

  actualSize() {
    const shown = this.image.clientWidth || 1;
    this.zoom = Math.max(1, this.image.naturalWidth / shown / (window.devicePixelRatio || 1));
    this.place();
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  panBy(x, y) {
    if (this.zoom === 1) return;
    this.x += x;
    this.y += y;
    this.place();
  }

  place() {
    this.image.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.zoom})`;
  }
}
