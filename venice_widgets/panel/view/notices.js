import "./channel.js";
import { button, drawList, enable, h, setAttribute, setText, show } from "./dom.js";

/** @typedef {import("./channel.js").Channel} Channel */

/** No one reads a question and answers it sooner; Python holds this too. */
const READ_MS = 800;
/** @type {Record<string, string>} */
const NAMES = { error: "Error", warning: "Warning", note: "", information: "" };

/** What the panel says, and the question before a large amount, at another place than the button that led to it. */
export class NoticesView {
  /** @param {Channel} channel */
  constructor(channel) {
    this.channel = channel;
    this.text = h("div", { class: "vw-question-text" });
    this.confirm = button("Spend", () => this.answer("confirm"), { class: "vw-button vw-warn" });
    this.confirm.addEventListener("keydown", (event) => event.repeat && event.preventDefault());
    this.decline = button("Do not send", () => this.answer("decline"));
    this.question = h(
      "div",
      { class: "vw-question", role: "alertdialog", "aria-label": "Confirm the price", hidden: true },
      this.text,
      h("div", { class: "vw-buttons" }, this.decline, this.confirm),
    );
    this.problem = h("div", { class: "vw-notice", "data-kind": "warning" });
    this.retry = button("Try again", () => channel.send({ type: "refresh" }));
    this.list = h("div", { class: "vw-notices", role: "log", "aria-live": "polite", "aria-label": "Messages" });
    this.wait = h("div", { class: "vw-notice", "data-kind": "information", role: "status" });
    this.element = h("div", { class: "vw-foot" }, this.question, this.wait, this.problem, this.retry, this.list);
    this.asked = "";
    /** The message of a click in this view that was not answered yet; 0 for none. */
    this.clicked = 0;
  }

  /**
   * The question or error that comes of a click is brought into view.
   * @param {number} message of the click
   */
  expect(message) {
    this.clicked = message;
  }

  /** What came of the click, once Python has heard it. */
  bringAnswer() {
    if (!this.clicked || this.channel.heard < this.clicked) return;
    this.clicked = 0;
    const answer = this.question.hidden ? this.list.querySelector('[data-kind="error"]') : this.question;
    answer?.scrollIntoView?.({ block: "nearest" });
  }

  /** Generate was clicked while a price is asked about: lead there. */
  toQuestion() {
    this.question.scrollIntoView?.({ block: "nearest" });
    this.decline.focus({ preventScroll: true });
  }

  /** @param {"confirm" | "decline"} type */
  answer(type) {
    const id = this.channel.slices.question?.id;
    if (id) this.channel.send({ type, id });
  }

  /** What came of the last action on an image. */
  get ofActions() {
    const said = this.channel.slices.notices?.filter((notice) => notice.id === "act") ?? [];
    return said.map((notice) => notice.text).join(" ");
  }

  draw() {
    const { question, notices, quote } = this.channel.slices;
    show(this.question, Boolean(question));
    if (question && question.id !== this.asked) {
      this.asked = question.id;
      setText(this.text, question.text);
      setText(this.confirm, question.button);
      enable(this.confirm, false);
      setTimeout(() => enable(this.confirm, true), READ_MS);
    }
    this.drawProblem();
    show(this.retry, Boolean(quote?.failed));
    const items = (notices ?? []).map((notice, place) => ({ ...notice, key: `${notice.id} ${place} ${notice.text}` }));
    drawList(
      this.list,
      items,
      (notice) => notice.key,
      (notice) => this.make(notice),
      () => undefined,
    );
    this.bringAnswer();
  }

  /** What keeps the request from being sent; quiet while nothing was typed yet. */
  drawProblem() {
    const { quote, notices } = this.channel.slices;
    const notes = quote?.notes ?? [];
    const text = quote?.problem && !quote.loading ? quote.problem : notes.join("\n");
    const said = notices?.some((notice) => notice.text.startsWith(text));
    const quiet = !quote?.problem || (quote?.field === "prompt" && !this.channel.form?.prompt.trim());
    show(this.problem, Boolean(text) && !said);
    setText(this.problem, text);
    setAttribute(this.problem, "data-kind", quiet ? "information" : "warning");
    const { waiting } = this.channel;
    show(this.wait, waiting);
    const why = this.channel.slices.kernel?.subshells
      ? ""
      : " This kernel answers the panel between cells only; ipykernel 7 answers beside them.";
    const restarted = " If it was restarted, run this cell again to bring the panel back.";
    if (waiting) setText(this.wait, `Waiting for the kernel: a cell may be running.${why}${restarted}`);
  }

  /** @param {import("./types.js").Notice} notice */
  make(notice) {
    const dismiss = button("×", () => this.channel.send({ type: "act", action: "dismiss", id: notice.id }), {
      class: "vw-close",
      "aria-label": "Dismiss this message",
    });
    const name = NAMES[notice.kind];
    const text = h("span", { dir: "auto" }, name ? h("b", {}, `${name}: `) : null, notice.text);
    return h("div", { class: "vw-notice", "data-kind": notice.kind }, text, dismiss);
  }
}
