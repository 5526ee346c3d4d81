import "./channel.js";
import { button, drawList, h, setAttribute, setText, show } from "./dom.js";

/**
 * @typedef {import("./channel.js").Channel} Channel
 * @typedef {import("./types.js").Card} Card
 * @typedef {{ open: (key: string) => void, download: (key: string) => void, copy: (what: string, key: string, run?: string) => void }} Acts
 */

/** The images of this panel, the newest first, with a tile for each that is still awaited. */
export class CardsView {
  /**
   * @param {Channel} channel
   * @param {Acts} acts
   */
  constructor(channel, acts) {
    this.channel = channel;
    this.acts = acts;
    this.grid = h("div", { class: "vw-cards" });
    this.empty = h(
      "p",
      { class: "vw-muted vw-empty" },
      "No images yet. Each one will appear here with its seed and its price.",
    );
    this.left = h("p", { class: "vw-muted" });
    this.element = h("div", {}, this.empty, this.grid, this.left);
  }

  draw() {
    const { cards = [], left = "" } = this.channel.slices.gallery ?? {};
    drawList(
      this.grid,
      cards,
      (card) => card.key,
      (card) => (card.waiting ? this.tile(card) : this.card(card)),
      (element, card) => this.drawCard(element, card),
    );
    show(this.empty, cards.length === 0);
    setText(this.left, left);
    show(this.left, Boolean(left));
  }

  /** @param {Card} card */
  tile(card) {
    const frame = h("div", { class: "vw-tile", style: `aspect-ratio: ${card.width} / ${card.height}` }, h("span"));
    return h("figure", { class: "vw-card", "aria-busy": "true" }, frame, h("figcaption", {}, h("b", {}, card.seed)));
  }

  /** @param {Card} card */
  card(card) {
    const open = h(
      "button",
      { type: "button", class: "vw-open", title: "Enlarge", onclick: () => this.acts.open(card.key) },
      h("img", { alt: `${card.seed}: ${card.prompt}`, width: card.width, height: card.height, loading: "lazy" }),
    );
    const heading = h(
      "div",
      { class: "vw-heading" },
      h("b", { class: "vw-seed" }, card.seed),
      h("span", { class: "vw-cost" }, card.price ?? ""),
    );
    const facts = h("div", { class: "vw-muted vw-card-facts" });
    const remarks = h("div", { class: "vw-remarks" });
    const caption = h("figcaption", {}, heading, facts, remarks, this.actions(card), this.more(card));
    return h("figure", { class: "vw-card" }, open, caption);
  }

  /** @param {Card} card */
  actions(card) {
    const { key } = card;
    const act = (/** @type {string} */ action) => () => this.channel.send({ type: "act", action, key });
    return h(
      "div",
      { class: "vw-actions" },
      link("Use seed", act("seed"), "The next image uses this seed"),
      link("Remix", act("remix"), "Everything of this image but its seed"),
      link("Use all", act("all"), "Everything of this image, its seed included"),
    );
  }

  /** @param {Card} card */
  more(card) {
    const { key } = card;
    const act = (/** @type {string} */ action) => () => this.channel.send({ type: "act", action, key });
    const remove = link("Delete …", () => show(sure, true), "Delete the file from the store");
    const sure = h(
      "div",
      { class: "vw-sure", hidden: true },
      "Delete the file for good? Its record stays.",
      h(
        "div",
        { class: "vw-actions" },
        link("Delete", act("delete")),
        link("Keep", () => show(sure, false)),
      ),
    );
    const links = h(
      "div",
      { class: "vw-actions" },
      h("span", { class: "vw-favorite" }, link("Favorite", act("favorite"), "Mark it in the store")),
      h("span", { class: "vw-pin" }, link("Pin", act("pin"), "Keep it in the notebook's saved output")),
      h("span", { class: "vw-compare" }, link("Compare", act("compare"), "Put it beside others")),
      link("Download", () => this.acts.download(key), "Save it with its recipe by the browser"),
      link("Save", act("save"), "Save it with its recipe beside the notebook"),
      link("Copy as cell", () => this.acts.copy("cell", key)),
      link("Copy as Python", () => this.acts.copy("python", key)),
      remove,
    );
    return h("details", { class: "vw-more" }, h("summary", {}, "More"), links, sure);
  }

  /**
   * @param {HTMLElement} element
   * @param {Card} card
   */
  drawCard(element, card) {
    if (card.waiting) {
      setText(/** @type {Element} */ (element.querySelector(".vw-tile span")), card.waiting);
      return;
    }
    const image = /** @type {HTMLImageElement} */ (element.querySelector("img"));
    const url = this.channel.images.get(card.key);
    if (url && image.src !== url) image.src = url;
    setText(/** @type {Element} */ (element.querySelector(".vw-card-facts")), `${card.model} · ${card.size}`);
    const words = [
      ...(card.remarks ?? []),
      ...(card.pinned ? ["pinned"] : []),
      ...(card.compared ? ["in Compare"] : []),
    ];
    const remarks = /** @type {HTMLElement} */ (element.querySelector(".vw-remarks"));
    drawList(
      remarks,
      words,
      String,
      (word) => h("span", { class: "vw-badge" }, word),
      () => undefined,
    );
    mark(element, "pin", Boolean(card.pinned));
    mark(element, "compare", Boolean(card.compared));
    mark(element, "favorite", Boolean(card.favorite));
    element.classList.toggle("vw-is-favorite", Boolean(card.favorite));
  }
}

/**
 * @param {string} label
 * @param {() => void} act
 * @param {string} [title]
 */
function link(label, act, title = "") {
  return button(label, act, { class: "vw-link", title: title || null });
}

/**
 * @param {HTMLElement} element
 * @param {string} name
 * @param {boolean} on
 */
function mark(element, name, on) {
  const pressed = element.querySelector(`.vw-${name} button`);
  if (pressed) setAttribute(pressed, "aria-pressed", String(on));
}
