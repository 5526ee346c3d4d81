import "./types.js";

/**
 * @typedef {import("./types.js").Form} Form
 * @typedef {import("./types.js").Changes} Changes
 * @typedef {import("./types.js").Slices} Slices
 * @typedef {import("./types.js").AnyModel} AnyModel
 * @typedef {import("./types.js").SweepCell} SweepCell
 * @typedef {{ n: number, changes?: Changes, splice?: [number, number, string] }} Edit
 */

const WAITS_MS = 700;

/** What Python said, and what is said to it: one for each widget, shared by its views on this page. */
export class Channel {
  /** @param {AnyModel} model */
  constructor(model) {
    this.model = model;
    this.name = Math.random().toString(36).slice(2, 10);
    this.sent = 0;
    this.heard = 0;
    this.version = 0;
    this.base = 0;
    this.waiting = false;
    /** @type {Partial<Slices>} */
    this.slices = {};
    /** @type {Form | null} */
    this.form = null;
    /** @type {Edit[]} */
    this.pending = [];
    /** @type {Map<string, string>} */
    this.images = new Map();
    /** The cells of the sweep by their places. @type {Map<string, SweepCell>} */
    this.cells = new Map();
    this.sweep = "";
    /** @type {Map<string, { resolve: (reply: any) => void, reject: (error: Error) => void }>} */
    this.questions = new Map();
    /** @type {Set<(changed: Set<string>) => void>} */
    this.listeners = new Set();
    this.dead = false;
    model.on("comm_live_update", () => this.setDead(this.heard > 0));
    model.on("msg:custom", (message, buffers) => this.hear(message, buffers ?? []));
  }

  /** Ask for everything; what is here already need not come again. */
  hello() {
    this.send({ type: "hello", have: [...this.images.keys()] });
  }

  /**
   * @param {Record<string, any>} message
   * @param {ArrayBuffer[]} [buffers]
   */
  send(message, buffers) {
    this.sent += 1;
    const number = this.sent;
    this.model.send({ ...message, view: this.name, n: number }, undefined, buffers);
    setTimeout(() => this.setWaiting(this.heard < number), WAITS_MS);
    return number;
  }

  /** @param {boolean} waiting */
  setWaiting(waiting) {
    if (waiting === this.waiting) return;
    this.waiting = waiting;
    this.notify(new Set(["waiting"]));
  }

  /** @param {boolean} dead whether the kernel of this panel is gone */
  setDead(dead) {
    if (dead === this.dead) return;
    this.dead = dead;
    this.notify(new Set(["dead"]));
  }

  /** @param {Set<string>} changed */
  notify(changed) {
    for (const listener of this.listeners) listener(changed);
  }

  /**
   * Why the value of a field cannot be sent; empty where it can.
   * @param {string} field
   */
  problemOf(field) {
    const { quote } = this.slices;
    return quote && !quote.loading && quote.field === field ? quote.problem : "";
  }

  /**
   * A change of the form: drawn at once, and sent.
   * @param {Changes} changes
   */
  edit(changes) {
    if (!this.form) return;
    this.form = applied(this.form, { n: 0, changes });
    this.pending.push({ n: this.send({ type: "edit", changes }), changes });
    this.notify(new Set(["form"]));
  }

  /**
   * The prompt as it is now; only what differs is sent.
   * @param {string} typed
   */
  editPrompt(typed) {
    const text = wellFormed(typed);
    if (!this.form || this.form.prompt === text) return;
    const splice = difference(this.form.prompt, text);
    this.form = { ...this.form, prompt: text };
    this.pending.push({ n: this.send({ type: "edit", splice, base: this.base }), splice });
    this.notify(new Set(["form"]));
  }

  /** The click: the whole form as this screen shows it, and the facts shown beside it. */
  generate() {
    return this.send({ type: "generate", form: this.form, shown: this.slices.quote?.facts ?? {} });
  }

  /**
   * A question to Python.
   * @param {string} what
   * @param {Record<string, any>} [given]
   * @returns {Promise<any>}
   */
  ask(what, given = {}) {
    const id = `${this.name}-${this.sent + 1}`;
    return new Promise((resolve, reject) => {
      this.questions.set(id, { resolve, reject });
      this.send({ type: "ask", what, id, ...given });
    });
  }

  /**
   * @param {any} message
   * @param {DataView[]} buffers
   */
  hear(message, buffers) {
    this.setDead(false);
    if (message.type === "state") this.hearState(message);
    else if (message.type === "images") this.hearImages(message, buffers);
    else if (message.type === "cells") this.hearCells(message);
    else if (message.type === "reply" && message.view === this.name) this.hearReply(message, buffers);
    else if (message.type === "resync" && message.view === this.name && this.form)
      this.edit({ prompt: this.form.prompt });
  }

  /** @param {any} message */
  hearState(message) {
    if (message.v <= this.version && !message.whole) return;
    this.version = message.v;
    this.hearAck(message.acks?.[this.name]);
    const changed = new Set(Object.keys(message.slices ?? {}));
    Object.assign(this.slices, message.slices);
    if (changed.has("form")) this.adopt(message.slices.form);
    if (message.edit && this.hearEdit(message.edit)) changed.add("form");
    if (changed.size) this.notify(changed);
  }

  /** @param {number | undefined} number */
  hearAck(number) {
    if (number === undefined) return;
    this.heard = Math.max(this.heard, number);
    this.pending = this.pending.filter((edit) => edit.n > this.heard);
    if (this.heard >= this.sent) this.setWaiting(false);
  }

  /** @param {Form & { v: number }} form what Python holds; edits that it has not heard yet stay on top of it */
  adopt(form) {
    const { v, ...own } = form;
    this.base = v;
    this.form = this.pending.reduce(applied, own);
  }

  /**
   * @param {Edit & { view: string, base: number, v: number }} edit
   * @returns {boolean} whether it changed the form here
   */
  hearEdit(edit) {
    const known = edit.base === this.base;
    this.base = edit.v;
    if (edit.view === this.name) return false;
    if (!known || !this.form || this.pending.length) {
      this.hello();
      return false;
    }
    this.form = applied(this.form, edit);
    return true;
  }

  /**
   * @param {{ keys: string[], mimes: string[] }} message
   * @param {DataView[]} buffers
   */
  hearImages(message, buffers) {
    message.keys.forEach((key, place) => {
      if (!this.images.has(key)) this.images.set(key, blobUrl(buffers[place], message.mimes[place]));
    });
    this.notify(new Set(["images"]));
  }

  /** @param {{ sweep: string, cells: SweepCell[] }} message */
  hearCells(message) {
    if (message.sweep !== this.sweep) this.cells.clear();
    this.sweep = message.sweep;
    for (const cell of message.cells) this.cells.set(cell.at.join(","), cell);
    this.notify(new Set(["cells"]));
  }

  /**
   * @param {any} message
   * @param {DataView[]} buffers
   */
  hearReply(message, buffers) {
    const question = this.questions.get(message.id);
    this.questions.delete(message.id);
    if (message.problem) question?.reject(new Error(message.problem));
    else question?.resolve({ ...message, buffers });
  }

  /** Free what the browser holds. */
  close() {
    for (const url of this.images.values()) URL.revokeObjectURL(url);
    this.images.clear();
    this.listeners.clear();
  }
}

/**
 * @param {DataView} bytes
 * @param {string} mime
 */
export function blobUrl(bytes, mime) {
  return URL.createObjectURL(new Blob([/** @type {any} */ (bytes)], { type: mime }));
}

/**
 * The one splice that makes one text of another, in UTF-16 units.
 * @param {string} before
 * @param {string} after
 * @returns {[number, number, string]}
 */
export function difference(before, after) {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  if (start && isHighHalf(after, start - 1)) start -= 1;
  let tail = 0;
  while (tail < shorter - start && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  if (tail && isHighHalf(after, after.length - tail - 1)) tail -= 1;
  return [start, before.length - start - tail, after.slice(start, after.length - tail)];
}

/**
 * Whether a letter of two units would be cut after this place.
 * @param {string} text
 * @param {number} place
 */
function isHighHalf(text, place) {
  const unit = text.charCodeAt(place);
  return unit >= 0xd800 && unit <= 0xdbff;
}

/**
 * Without half letters, which no other program takes.
 * @param {string} text
 */
export function wellFormed(text) {
  return /** @type {any} */ (text).toWellFormed?.() ?? text;
}

/**
 * @param {Form} form
 * @param {Edit} edit
 * @returns {Form}
 */
export function applied(form, edit) {
  if (edit.splice) {
    const [start, removed, text] = edit.splice;
    return { ...form, prompt: form.prompt.slice(0, start) + text + form.prompt.slice(start + removed) };
  }
  const { values, ...parts } = edit.changes ?? {};
  const merged = { ...form.values, ...values };
  const kept = Object.entries(merged).filter(([, value]) => value !== null && value !== "");
  return { ...form, ...parts, values: Object.fromEntries(kept) };
}
