import "./channel.js";
import { button, chosen, drawList, drawOptions, h, labelled, setText, show } from "./dom.js";

/** @typedef {import("./channel.js").Channel} Channel */

/** @type {[string, string][]} */
const WAYS = [
  ["side", "side by side"],
  ["swipe", "swipe"],
  ["blend", "blend"],
];
const HINTS = [
  "Nothing to compare yet. In the gallery, open More under an image and choose Compare, for two to four of them.",
  "One image. Choose Compare on another one.",
];

/** Two to four images side by side, or two under a slider, and what differs between their requests. */
export class CompareView {
  /** @param {Channel} channel */
  constructor(channel) {
    this.channel = channel;
    this.hint = h("p", { class: "vw-muted vw-empty" });
    this.way = h("select", { onchange: () => this.draw() });
    this.slider = h("input", { type: "range", min: 0, max: 100, value: 50, oninput: () => this.slide() });
    this.wayField = labelled(this.way, "Show");
    this.sliderField = labelled(this.slider, "From the first to the second");
    this.images = h("div", { class: "vw-compared" });
    this.table = h("table", { class: "vw-differences" });
    this.scroll = h(
      "div",
      { class: "vw-scroll", tabindex: 0, role: "region", "aria-label": "What differs between the requests" },
      this.table,
    );
    this.element = h(
      "div",
      {},
      this.hint,
      h("div", { class: "vw-tools" }, this.wayField, this.sliderField),
      this.images,
      this.scroll,
    );
    drawOptions(this.way, WAYS, "side");
  }

  draw() {
    const compare = this.channel.slices.compare ?? { keys: [], names: [], rows: [] };
    const count = compare.keys.length;
    const two = count === 2;
    const way = two ? chosen(this.way) : "side";
    setText(this.hint, HINTS[count] ?? "");
    show(this.hint, count < 2);
    show(this.wayField, two);
    show(this.sliderField, way !== "side");
    this.images.dataset.way = way;
    this.images.dataset.count = String(count);
    const items = compare.keys.map((key, place) => ({ key, name: compare.names[place] }));
    drawList(
      this.images,
      items,
      (item) => item.key,
      (item) => this.make(item.key),
      (element, item) => this.drawImage(element, item.key, item.name),
    );
    this.slide();
    this.drawTable(compare.names, compare.rows);
  }

  /** @param {string} key */
  make(key) {
    const remove = button("Remove", () => this.channel.send({ type: "act", action: "compare", key }), {
      class: "vw-link",
    });
    return h("figure", {}, h("img", { alt: "" }), h("figcaption", {}, h("span"), " ", remove));
  }

  /**
   * @param {HTMLElement} element
   * @param {string} key
   * @param {string} name
   */
  drawImage(element, key, name) {
    const image = /** @type {HTMLImageElement} */ (element.querySelector("img"));
    const url = this.channel.images.get(key);
    if (url && image.src !== url) image.src = url;
    image.alt = name;
    setText(/** @type {Element} */ (element.querySelector("span")), name);
  }

  /** How much of the second image is seen. */
  slide() {
    const second = /** @type {HTMLElement | undefined} */ (this.images.children[1]?.firstElementChild ?? undefined);
    if (!second) return;
    const percent = Number(this.slider.value);
    const { way } = this.images.dataset;
    second.style.opacity = way === "blend" ? String(percent / 100) : "1";
    second.style.clipPath = way === "swipe" ? `inset(0 0 0 ${100 - percent}%)` : "none";
  }

  /**
   * @param {string[]} names
   * @param {[string, string[]][]} rows
   */
  drawTable(names, rows) {
    show(this.scroll, names.length > 1);
    this.table.style.setProperty("--vw-columns", String(names.length));
    const caption = h("caption", {}, rows.length ? "What differs between the requests" : "The requests do not differ.");
    const head = h("tr", {}, h("td"), ...names.map((name) => h("th", { scope: "col" }, name)));
    const body = rows.map(([name, values]) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, h("code", {}, name)),
        ...values.map((value) => h("td", { dir: "auto" }, value)),
      ),
    );
    this.table.replaceChildren(caption, ...(rows.length ? [h("thead", {}, head), h("tbody", {}, ...body)] : []));
  }
}
