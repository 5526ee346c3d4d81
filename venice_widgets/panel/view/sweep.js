import "./channel.js";
import { button, drawList, drawOptions, h, labelled, setAttribute, setText, show } from "./dom.js";

/**
 * @typedef {import("./channel.js").Channel} Channel
 * @typedef {import("./types.js").Sweep} Sweep
 * @typedef {import("./types.js").SweepCell} SweepCell
 * @typedef {{ key: string, text: string }} Heading
 */

/** The newest sweep as a grid with headings, which fills while its images arrive. */
export class SweepView {
  /**
   * @param {Channel} channel
   * @param {{ open: (key: string, keys?: string[]) => void }} acts
   */
  constructor(channel, acts) {
    this.channel = channel;
    this.acts = acts;
    this.name = "";
    /** @type {Map<number, HTMLSelectElement>} */
    this.selects = new Map();
    this.hint = h(
      "p",
      { class: "vw-muted vw-empty" },
      "No sweep yet. Press Sweep beside a control, type several values, and Generate.",
    );
    this.outcome = h("p", { class: "vw-muted" });
    this.pages = h("div", { class: "vw-filters vw-pages" });
    this.grid = h("div", { class: "vw-sweep" });
    this.element = h("div", {}, this.hint, this.outcome, this.pages, this.grid);
  }

  draw() {
    const { sweep, outcome = "" } = this.channel.slices;
    show(this.hint, !sweep);
    setText(this.outcome, outcome);
    if (!sweep) return;
    if (sweep.name !== this.name) this.begin(sweep);
    for (const element of this.grid.querySelectorAll("[data-at]")) this.drawCell(/** @type {HTMLElement} */ (element));
  }

  /** @param {Sweep} sweep */
  begin(sweep) {
    this.name = sweep.name;
    this.selects.clear();
    for (const number of sweep.pages) {
      const select = h("select", { onchange: () => this.lay(sweep) });
      const options = sweep.axes[number].labels.map((label, place) => /** @type {[any, string]} */ ([place, label]));
      drawOptions(select, options, 0);
      this.selects.set(number, select);
    }
    this.pages.replaceChildren(
      ...[...this.selects].map(([number, select]) => labelled(select, sweep.axes[number].name)),
    );
    show(this.pages, this.selects.size > 0);
    this.lay(sweep);
  }

  /**
   * The headings and empty cells of the page that is chosen.
   * @param {Sweep} sweep
   */
  lay(sweep) {
    const rows = headings(sweep, sweep.rows);
    const columns = headings(sweep, sweep.columns);
    const place = (/** @type {Heading} */ row, /** @type {Heading} */ column) => this.place(sweep, row.key, column.key);
    const isList = sweep.rows.length === 0;
    this.grid.replaceChildren(
      isList ? this.list(sweep, rows[0], columns, place) : this.table(sweep, rows, columns, place),
    );
    this.draw();
  }

  /**
   * Which value of each axis a cell has, as Python names it.
   * @param {Sweep} sweep
   * @param {string} row
   * @param {string} column
   */
  place(sweep, row, column) {
    const at = sweep.axes.map((_, number) => Number(this.selects.get(number)?.value ?? 0));
    sweep.rows.forEach((number) => {
      at[number] = Number(row);
    });
    sweep.columns.forEach((number) => {
      at[number] = Number(column);
    });
    return at.join(",");
  }

  /**
   * One axis: cells that wrap, each under its own heading.
   * @param {Sweep} sweep
   * @param {Heading} row
   * @param {Heading[]} columns
   * @param {(row: Heading, column: Heading) => string} place
   */
  list(sweep, row, columns, place) {
    const name = sweep.columns.map((number) => sweep.axes[number].name).join("");
    const cells = columns.map((column) =>
      h(
        "figure",
        { class: "vw-cell" },
        h(
          "div",
          { class: "vw-cell-heading", dir: "auto", title: column.text },
          name ? `${name} ` : "",
          h("b", {}, column.text),
        ),
        h("div", { "data-at": place(row, column) }),
      ),
    );
    return h("div", { class: "vw-cells" }, ...cells);
  }

  /**
   * @param {Sweep} sweep
   * @param {Heading[]} rows
   * @param {Heading[]} columns
   * @param {(row: Heading, column: Heading) => string} place
   */
  table(sweep, rows, columns, place) {
    const named = (/** @type {number[]} */ numbers) => numbers.map((number) => sweep.axes[number].name).join(" · ");
    const corner = h(
      "td",
      { class: "vw-corner" },
      `${named(sweep.columns)}\u00a0→`,
      h("br"),
      `${named(sweep.rows)}\u00a0↓`,
    );
    const head = h("tr", {}, corner, ...columns.map((each) => heading("col", each.text)));
    const body = rows.map((row) =>
      h(
        "tr",
        {},
        heading("row", row.text),
        ...columns.map((column) => h("td", {}, h("div", { "data-at": place(row, column) }))),
      ),
    );
    const table = h("table", { class: "vw-sweep-table" }, h("thead", {}, head), h("tbody", {}, ...body));
    table.style.setProperty("--vw-columns", String(columns.length));
    return h("div", { class: "vw-scroll", tabindex: 0, role: "region", "aria-label": "Grid of the sweep" }, table);
  }

  /** @param {HTMLElement} element */
  drawCell(element) {
    const cell = this.channel.cells.get(element.dataset.at ?? "");
    const parts = cell ? [cell] : [];
    drawList(
      element,
      parts,
      (each) => `${this.name} ${each.index} ${each.key ?? ""} ${each.waiting}`,
      (each) => this.make(each),
      (child, each) => this.drawParts(child, each),
    );
  }

  /** @param {SweepCell} cell */
  make(cell) {
    const use = button("Use these settings", () => this.use(cell), {
      class: "vw-link",
      title: "Put the settings of this cell into the form, its seed included",
    });
    const caption = h("div", { class: "vw-cell-caption" });
    const remarks = (cell.remarks ?? []).map((text) => h("span", { class: "vw-badge" }, text));
    return h("div", {}, cell.key ? this.image(cell.key) : this.gap(cell), caption, ...remarks, use);
  }

  /** @param {string} key */
  image(key) {
    const image = h("img", { alt: "", loading: "lazy" });
    return h(
      "button",
      { type: "button", class: "vw-open", title: "Enlarge", onclick: () => this.acts.open(key, this.keys) },
      image,
    );
  }

  /** @param {SweepCell} cell */
  gap(cell) {
    return h("div", { class: "vw-tile", dir: "auto", "aria-busy": cell.waiting ? "true" : null }, h("span"));
  }

  /**
   * @param {HTMLElement} element
   * @param {SweepCell} cell
   */
  drawParts(element, cell) {
    setText(/** @type {Element} */ (element.querySelector(".vw-cell-caption")), cell.caption);
    const image = element.querySelector("img");
    if (!image) {
      setText(/** @type {Element} */ (element.querySelector(".vw-tile span")), cell.text ?? "");
      return;
    }
    const url = this.channel.images.get(`tile:${cell.key}`);
    if (url && image.src !== url) image.src = url;
    setAttribute(image, "alt", this.where(cell));
  }

  /** @param {SweepCell} cell */
  where(cell) {
    const { sweep } = this.channel.slices;
    const named = (sweep?.axes ?? []).map((axis, number) => `${axis.name} ${axis.labels[cell.at[number]]}`);
    return `${named.join(", ")}, ${cell.caption}`;
  }

  /** The images of this page, in their order. */
  get keys() {
    const shown = [.../** @type {NodeListOf<HTMLElement>} */ (this.grid.querySelectorAll("[data-at]"))];
    const cells = shown.map((element) => this.channel.cells.get(element.dataset.at ?? ""));
    return cells.map((cell) => cell?.key ?? "").filter(Boolean);
  }

  /** @param {SweepCell} cell */
  use(cell) {
    this.channel.send({ type: "act", action: "cell", sweep: this.name, index: cell.index });
  }
}

/**
 * @param {Sweep} sweep
 * @param {number[]} numbers at most one axis
 * @returns {Heading[]}
 */
function headings(sweep, numbers) {
  if (!numbers.length) return [{ key: "0", text: "" }];
  return sweep.axes[numbers[0]].labels.map((text, place) => ({ key: String(place), text }));
}

/**
 * @param {string} scope
 * @param {string} text
 */
function heading(scope, text) {
  return h("th", { scope, title: text }, h("span", { dir: "auto" }, text));
}
