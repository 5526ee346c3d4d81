import "./channel.js";
import { Controls } from "./controls.js";
import { button, drawList, duration, enable, h, setAttribute, setText, show } from "./dom.js";
import { PlanView } from "./vary.js";

/**
 * @typedef {import("./channel.js").Channel} Channel
 * @typedef {import("./types.js").Grid} Grid
 * @typedef {import("./types.js").Job} Job
 */

/** A hand that presses and lets go moves the pointer by less. */
const SAME_PLACE_PX = 6;

/** The right side: what it costs, which account pays, the buttons, and what is running. */
export class OfferView {
  /**
   * @param {Channel} channel
   * @param {{ generate: () => void, copy: (what: string) => void }} acts
   */
  constructor(channel, acts) {
    this.channel = channel;
    this.acts = acts;
    this.pressed = "";
    this.ready = false;
    this.account = h("div", { class: "vw-account" });
    this.controls = new Controls(channel, "price");
    this.table = h("table", { class: "vw-grid" });
    this.prices = h("div", { class: "vw-prices" }, this.table);
    this.total = h("div", { class: "vw-total", "aria-live": "polite" });
    this.plan = new PlanView(channel);
    this.defaults = h("div", { class: "vw-muted vw-lines" });
    this.money = h("div", { class: "vw-muted" });
    this.age = h("div", { class: "vw-muted" });
    this.again = h("input", { type: "checkbox", onchange: () => channel.edit({ again: this.again.checked }) });
    this.held = h("div");
    this.makeAgain = h("span");
    const make = h("label", { class: "vw-known" }, this.again, this.makeAgain);
    this.known = h("div", {}, this.held, make);
    this.generate = this.generateButton();
    this.why = h("div", { class: "vw-muted", role: "status" });
    this.cancel = button("Cancel", () => channel.send({ type: "cancel" }), {
      title: "Send nothing more, and stop waiting (Escape)",
      "aria-keyshortcuts": "Escape",
    });
    const more = h(
      "div",
      { class: "vw-links" },
      button("Copy as cell", () => acts.copy("cell"), { class: "vw-link" }),
      button("Copy as Python", () => acts.copy("python"), { class: "vw-link" }),
      button("Reset all", () => channel.send({ type: "reset" }), { class: "vw-link" }),
    );
    this.jobs = h("ul", { class: "vw-jobs", "aria-label": "Queue" });
    this.sum = h("div", { class: "vw-muted" });
    this.element = h(
      "div",
      { class: "vw-right" },
      this.account,
      this.controls.element,
      this.prices,
      this.plan.element,
      h("div", {}, this.total, this.defaults),
      h("div", { class: "vw-buttons" }, this.generate, this.cancel),
      this.why,
      this.known,
      // What changes by itself is below the buttons, which must not move under the pointer.
      h("div", {}, this.money, this.age),
      more,
      this.jobs,
      this.sum,
    );
    /** @type {Map<string, number>} */
    this.began = new Map();
  }

  /** Also when it can send nothing it takes the click, to say why. */
  generateButton() {
    return h("button", {
      type: "button",
      class: "vw-button vw-primary",
      title: "Ctrl+Enter",
      "aria-keyshortcuts": "Control+Enter",
      onpointerdown: (/** @type {PointerEvent} */ event) => this.press(event),
      onclick: () => this.click(),
    });
  }

  /**
   * A click is a press and a release, and the layout may change between them. Where the button moved away, the browser
   * makes no click of them: it is made here.
   * @param {PointerEvent} down
   */
  press(down) {
    if (down.button !== 0) return;
    this.pressed = this.screen;
    const released = new AbortController();
    const release = (/** @type {PointerEvent} */ up) => {
      released.abort();
      const isUp = up.type === "pointerup";
      if (isUp && this.generate.contains(/** @type {Node | null} */ (up.target))) return;
      const moved = Math.hypot(up.clientX - down.clientX, up.clientY - down.clientY);
      if (isUp && moved < SAME_PLACE_PX) this.click();
      this.pressed = "";
    };
    const listening = { capture: true, signal: released.signal };
    window.addEventListener("pointerup", release, listening);
    window.addEventListener("pointercancel", release, listening);
  }

  /** What was pressed is what is sent, or nothing is. */
  click() {
    const { pressed } = this;
    this.pressed = "";
    this.say("");
    if (!pressed || pressed === this.screen) this.acts.generate();
    else this.say("Nothing was sent: the request or its price changed during the click.");
  }

  /** What a click would send, and the facts beside it. */
  get screen() {
    return JSON.stringify([this.channel.form, this.channel.slices.quote?.facts]);
  }

  draw() {
    const { quote, grid, account, jobs, question } = this.channel.slices;
    if (!quote || !account || !jobs) return;
    this.controls.draw();
    this.drawGrid(grid ?? null);
    this.drawAccount();
    this.plan.draw();
    setText(this.total, quote.formula);
    setText(this.defaults, quote.defaults);
    show(this.defaults, Boolean(quote.defaults));
    setText(this.money, account.text);
    this.drawKnown(quote.known);
    setText(this.generate, quote.button);
    const ready = !question && !quote.loading;
    if (ready && !this.ready) this.say("");
    this.ready = ready;
    enable(this.generate, ready);
    enable(this.cancel, jobs.jobs.length > 0 || Boolean(question));
    this.drawJobs();
  }

  /** @param {string} why why a click sent nothing */
  say(why) {
    setText(this.why, why);
    show(this.why, Boolean(why));
  }

  drawAccount() {
    const { account, quote } = this.channel.slices;
    const text = quote?.facts.account ?? "";
    setText(this.account, text);
    setAttribute(this.account, "data-demo", account?.demo ? "true" : null);
    this.drawAge();
  }

  /** How old the prices are; called again as time goes by. */
  drawAge() {
    const { account } = this.channel.slices;
    if (!account?.prices_from) {
      setText(this.age, "");
      return;
    }
    const from = new Date(account.prices_from);
    const seconds = (Date.now() - from.getTime()) / 1000;
    const time = from.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const ago = seconds < 90 ? "just now" : `${duration(seconds)} ago`;
    setText(this.age, seconds < account.stale_after ? `prices from ${time}` : `prices from ${time}, ${ago}`);
    this.age.classList.toggle("vw-old", seconds >= account.stale_after);
  }

  /** @param {number} known how many of the images the log holds */
  drawKnown(known) {
    const again = Boolean(this.channel.form?.again);
    show(this.known, known > 0 || again);
    const held =
      known === 1 ? "The log holds this very image: it is" : `The log holds ${known} of these images: they are`;
    setText(this.held, again ? "" : `${held} shown at no cost.`);
    const paying = this.channel.slices.account?.demo ? "" : ", and pay for it";
    setText(this.makeAgain, `Make again what the log holds${paying}`);
    this.again.checked = again;
  }

  /** @param {Grid | null} grid */
  drawGrid(grid) {
    const wanted = JSON.stringify(grid);
    if (this.table.dataset.drawn === wanted) return;
    this.table.dataset.drawn = wanted;
    const rows = grid?.rows ?? [];
    show(this.prices, rows.length > 0 || Boolean(grid?.single));
    const caption = h("caption", {}, grid?.single ? `Price of one image: ${grid.single}` : "Price of one image");
    const head = grid?.columns.length
      ? h("tr", {}, h("td"), ...grid.columns.map((name) => h("th", { scope: "col" }, name)))
      : null;
    const body = rows.map((row) =>
      h("tr", {}, h("th", { scope: "row" }, row.name), ...row.cells.map((cell) => this.cell(row.name, cell))),
    );
    this.table.replaceChildren(
      ...[caption, head && h("thead", {}, head), h("tbody", {}, ...body)].filter((each) => each !== null),
    );
  }

  /**
   * @param {string} row
   * @param {import("./types.js").GridCell} cell
   */
  cell(row, cell) {
    const [first, second] = this.channel.slices.grid?.names ?? [];
    const values = { [first]: row, ...(second ? { [second]: cell.column } : {}) };
    const choose = () => this.channel.edit({ values });
    const words = cell.mark;
    const chosen = words.includes("chosen");
    return h(
      "td",
      { class: chosen ? "vw-chosen" : cell.price === "unknown" ? "vw-muted" : null, onclick: choose },
      cell.price,
      words ? h("small", {}, words) : null,
    );
  }

  drawJobs() {
    const { jobs } = this.channel.slices;
    drawList(
      this.jobs,
      jobs?.jobs ?? [],
      (job) => job.name,
      (job) => this.makeJob(job),
      (element, job) => this.drawJob(element, job),
    );
    show(this.jobs, this.jobs.childElementCount > 0);
    setText(this.sum, jobs?.sum ? `${jobs.sum} in all` : "");
    show(this.sum, Boolean(jobs?.sum));
  }

  /** @param {Job} job */
  makeJob(job) {
    const drop = button("Remove", () => this.channel.send({ type: "drop", job: job.name }), { class: "vw-link" });
    const bar = h("div", { class: "vw-bar" }, h("i"));
    return h(
      "li",
      {},
      h("div", { class: "vw-job" }, h("span"), drop),
      h("div", { class: "vw-muted vw-job-prompt", dir: "auto", title: job.prompt }, job.prompt),
      bar,
      h("div", { class: "vw-muted", role: "status" }),
    );
  }

  /**
   * @param {HTMLElement} element
   * @param {Job} job
   */
  drawJob(element, job) {
    if (job.state === "running" && !this.began.has(job.name)) this.began.set(job.name, Date.now());
    const seconds = (Date.now() - (this.began.get(job.name) ?? Date.now())) / 1000;
    const usual = this.channel.slices.quote?.usual;
    const running = job.state === "running";
    const said = running
      ? [
          `${job.done} of ${job.total}`,
          duration(seconds),
          usual ? `usually about ${duration(usual)}` : "",
          job.activity,
        ]
      : [job.state === "checking" ? "Checking the price …" : "Waiting for its turn"];
    const [top, , bar, status] = /** @type {HTMLElement[]} */ ([...element.children]);
    setText(/** @type {Element} */ (top.firstElementChild), `${job.label} · ${job.price}`);
    setText(status, said.filter(Boolean).join(" · "));
    setText(/** @type {Element} */ (top.lastElementChild), running ? "Stop" : "Remove");
    const expected = usual && running ? Math.min(seconds / usual, 0.95) : 0;
    const share = Math.max(job.total ? job.done / job.total : 0, expected);
    /** @type {HTMLElement} */ (bar.firstElementChild).style.width = `${Math.round(100 * share)}%`;
  }
}
