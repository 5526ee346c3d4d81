import { CardsView } from "./cards.js";
import "./channel.js";
import { CompareView } from "./compare.js";
import { button, h, setAttribute, setText, show } from "./dom.js";
import { copyText, imageFiles, MOST_BYTES, saveFile } from "./files.js";
import { FormView } from "./form.js";
import { HistoryView } from "./history.js";
import { NoticesView } from "./notices.js";
import { OfferView } from "./offer.js";
import { SweepView } from "./sweep.js";
import { Viewer } from "./viewer.js";

/** @typedef {import("./channel.js").Channel} Channel */

const TABS = ["Gallery", "Sweep", "Compare", "History"];
const [GALLERY, SWEEP, , HISTORY] = TABS.keys();
const REFRESH_MS = 30_000;

/** The whole panel, in one element. */
export class App {
  /** @param {Channel} channel */
  constructor(channel) {
    this.channel = channel;
    const acts = {
      open: (/** @type {string} */ key, keys = this.keysWith(key)) => this.viewer.open(keys, key),
      download: (/** @type {string} */ key) => this.download(key),
      copy: (/** @type {string} */ what, key = "", run = "") => this.copy(what, key, run),
      upload: (/** @type {File[]} */ files) => this.upload(files),
      generate: () => this.generate(),
    };
    this.form = new FormView(channel);
    this.offer = new OfferView(channel, acts);
    this.notices = new NoticesView(channel);
    this.viewer = new Viewer(channel, acts);
    this.sweep = new SweepView(channel, acts);
    this.history = new HistoryView(channel, acts);
    this.views = [new CardsView(channel, acts), this.sweep, new CompareView(channel), this.history];
    this.tabs = TABS.map((name, place) => this.tab(name, place));
    this.said = h("div", { class: "vw-said vw-muted", role: "status" });
    this.dead = h(
      "div",
      { class: "vw-dead" },
      "The kernel that this panel belongs to is gone. Run this cell again to bring it back.",
    );
    this.main = h("div", { class: "vw-main" }, this.form.element, this.offer.element, this.notices.element);
    this.element = h("section", {
      // MathJax sets whole pages at times, and "$0.01 = $0.02" as a formula, but for what these classes name.
      class: "venice-panel mathjax_ignore tex2jax_ignore",
      "aria-label": "Venice panel",
      "data-lm-suppress-shortcuts": "true",
    });
    const tabList = h("div", { class: "vw-tabs", role: "tablist", "aria-label": "Show" }, ...this.tabs);
    const panes = this.views.map((view, place) => this.pane(view.element, place));
    this.panes = panes;
    this.element.append(this.dead, this.main, tabList, this.said, ...panes, this.viewer.element);
    this.select(GALLERY);
    this.listen();
    this.draw(new Set());
  }

  /**
   * @param {string} name
   * @param {number} place
   */
  tab(name, place) {
    const made = button(name, () => this.select(place), {
      class: "vw-button vw-tab",
      role: "tab",
      id: `${this.channel.name}-tab-${place}`,
    });
    made.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      this.select((place + by + TABS.length) % TABS.length);
      this.tabs[(place + by + TABS.length) % TABS.length].focus();
    });
    return made;
  }

  /**
   * @param {HTMLElement} element
   * @param {number} place
   */
  pane(element, place) {
    setAttribute(element, "role", "tabpanel");
    setAttribute(element, "aria-label", TABS[place]);
    return element;
  }

  /** @param {number} chosen */
  select(chosen) {
    this.chosen = chosen;
    this.tabs.forEach((tab, place) => {
      setAttribute(tab, "aria-selected", String(place === chosen));
      setAttribute(tab, "tabindex", place === chosen ? "0" : "-1");
      show(this.panes[place], place === chosen);
    });
    if (chosen === HISTORY && this.channel.form) this.history.search();
  }

  listen() {
    const { element } = this;
    element.addEventListener("keydown", (event) => this.onKey(event));
    element.addEventListener("focusin", () => this.refresh());
    element.addEventListener("dragover", (event) => event.preventDefault());
    element.addEventListener("drop", (event) => this.onFiles(event, event.dataTransfer));
    element.addEventListener("paste", (event) => this.onFiles(event, event.clipboardData));
    this.told = (/** @type {Set<string>} */ changed) => this.draw(changed);
    this.channel.listeners.add(this.told);
    this.clock = setInterval(() => this.tick(), 1000);
    this.refreshed = Date.now();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopPropagation();
      if (!event.repeat) this.generate();
    } else if (event.key === "s" && (event.ctrlKey || event.metaKey)) this.saveNotebook(event);
    else if (event.key === "Enter" && event.repeat) event.preventDefault();
    else if (event.key === "Escape") {
      event.stopPropagation();
      this.escape();
    }
  }

  /**
   * No shortcut of Jupyter's acts on the cell from here, but saving is not about the cell: it is handed on.
   * @param {KeyboardEvent} event
   */
  saveNotebook(event) {
    const notebook = this.element.closest(".jp-Notebook");
    if (!notebook) return;
    event.preventDefault();
    const { key, code, keyCode, ctrlKey, metaKey } = event;
    const given = { key, code, keyCode, ctrlKey, metaKey, bubbles: true, cancelable: true };
    notebook.dispatchEvent(new KeyboardEvent("keydown", given));
  }

  /** Send what is on the screen, or say why not. */
  generate() {
    const { question, quote } = this.channel.slices;
    if (question) {
      this.offer.say("Nothing was sent: first confirm or decline the price below.");
      this.notices.toQuestion();
    } else if (!quote || quote.loading) this.offer.say("Nothing was sent: the models are still loading.");
    else this.notices.expect(this.channel.generate());
  }

  /** Decline what is asked, else stop what is running. */
  escape() {
    const { question, jobs } = this.channel.slices;
    if (question) this.notices.answer("decline");
    else if (jobs?.jobs.length) this.channel.send({ type: "cancel" });
  }

  /** The user came back: limits, balance and prices may have changed meanwhile. */
  refresh() {
    if (Date.now() - (this.refreshed ?? 0) < REFRESH_MS) return;
    this.refreshed = Date.now();
    this.channel.send({ type: "refresh" });
  }

  tick() {
    if (!this.element.isConnected) return;
    this.offer.drawAge();
    if (this.channel.slices.jobs?.jobs.length) this.offer.drawJobs();
  }

  /**
   * @param {Event} event
   * @param {DataTransfer | null} transfer
   */
  onFiles(event, transfer) {
    const files = imageFiles(transfer);
    if (!files.length) return;
    event.preventDefault();
    event.stopPropagation();
    this.upload(files);
  }

  /** @param {File[]} files */
  async upload(files) {
    const [file] = files;
    if (!file) return;
    if (file.size > MOST_BYTES) {
      this.say(`${file.name} is larger than ${MOST_BYTES / 1e6} MB: give its path in History instead.`);
      return;
    }
    this.channel.send({ type: "upload", name: file.name }, [await file.arrayBuffer()]);
  }

  /** @param {string} key */
  async download(key) {
    try {
      saveFile(await this.channel.ask("download", { key }));
    } catch (error) {
      this.say(/** @type {Error} */ (error).message);
    }
  }

  /**
   * @param {string} what
   * @param {string} key
   * @param {string} run
   */
  async copy(what, key, run) {
    const given = key ? { key } : run ? { run } : { form: this.channel.form };
    try {
      const reply = await this.channel.ask(what, given);
      const copied = await copyText(reply.text, this.element);
      this.say(
        copied
          ? `Copied as ${what === "cell" ? "a cell" : "Python"}.`
          : "The browser forbids copying: press Ctrl+C now.",
      );
    } catch (error) {
      this.say(/** @type {Error} */ (error).message);
    }
  }

  /** @param {string} text */
  say(text) {
    setText(this.said, text);
    this.viewer.say(text);
    clearTimeout(this.unsay);
    this.unsay = setTimeout(() => setText(this.said, ""), 6000);
  }

  /** @param {string} key */
  keysWith(key) {
    const cards = this.channel.slices.gallery?.cards ?? [];
    const keys = cards.filter((card) => !card.waiting).map((card) => card.key);
    return keys.includes(key) ? keys : [key];
  }

  /** @param {Set<string>} changed */
  draw(changed) {
    if (!this.channel.form) return;
    this.element.classList.toggle("vw-is-dead", this.channel.dead);
    this.form.draw();
    this.offer.draw();
    this.notices.draw();
    this.turn(changed);
    for (const view of this.views) if (view !== this.history) view.draw();
    if (changed.has("gallery") && this.chosen === HISTORY) this.history.draw();
    if (changed.has("notices")) this.viewer.say(this.notices.ofActions);
  }

  /**
   * What has just been clicked comes into view: the grid of a sweep, or the gallery.
   * @param {Set<string>} changed
   */
  turn(changed) {
    const { sweep, gallery } = this.channel.slices;
    const waiting = Boolean(gallery?.cards.some((card) => card.waiting));
    if (changed.has("sweep") && sweep && sweep.name !== this.sweep.name) this.select(SWEEP);
    else if (waiting && !this.waiting && this.chosen === SWEEP) this.select(GALLERY);
    this.waiting = waiting;
  }

  close() {
    clearInterval(this.clock);
    if (this.told) this.channel.listeners.delete(this.told);
    this.element.remove();
  }
}
