import { blobUrl } from "./channel.js";
import { button, chosen, drawOptions, enable, h, labelled, setText, show } from "./dom.js";

/**
 * @typedef {import("./channel.js").Channel} Channel
 * @typedef {import("./types.js").Run} Run
 */

/** The log: pages of runs with thumbnails, found by words, model, state and date; and recipes from files. */
export class HistoryView {
  /**
   * @param {Channel} channel
   * @param {import("./cards.js").Acts & { upload: (files: File[]) => void }} acts
   */
  constructor(channel, acts) {
    this.channel = channel;
    this.acts = acts;
    this.page = 0;
    this.asked = 0;
    /** @type {string[]} */
    this.urls = [];
    const again = () => this.search();
    this.words = h("input", {
      type: "search",
      dir: "auto",
      placeholder: "Words of the prompt or the model",
      oninput: () => this.soon(),
    });
    this.model = h("select", { onchange: again });
    this.state = h("select", { onchange: again });
    this.since = h("input", { type: "date", onchange: again });
    this.until = h("input", { type: "date", onchange: again });
    this.favorite = h("input", { type: "checkbox", onchange: again });
    const find = labelled(this.words, "Find");
    find.classList.add("vw-wide");
    this.filters = h(
      "div",
      { class: "vw-filters vw-history-filters" },
      find,
      labelled(this.model, "Model"),
      labelled(this.state, "State"),
      labelled(this.since, "From"),
      labelled(this.until, "To"),
      h("label", { class: "vw-check" }, this.favorite, " favorites only"),
    );
    this.said = h("p", { class: "vw-muted vw-found", role: "status" });
    this.list = h("ul", { class: "vw-runs" });
    this.newer = button("‹ Newer", () => this.turn(-1));
    this.older = button("Older ›", () => this.turn(1));
    this.pager = h("div", { class: "vw-buttons" }, this.newer, this.older);
    this.element = h("div", {}, this.filters, this.said, this.list, this.pager, this.recipe());
  }

  recipe() {
    this.path = h("input", { type: "text", placeholder: "Path of an image file" });
    const file = h("input", { type: "file", accept: "image/*,.xmp", "aria-label": "Image file", hidden: true });
    file.addEventListener("change", () => this.acts.upload([...(file.files ?? [])]));
    const browse = button("Upload an image …", () => file.click());
    const take = () => this.path?.value && this.channel.send({ type: "upload", path: this.path.value });
    return h(
      "div",
      { class: "vw-recipe" },
      labelled(this.path, "Recipe of a file"),
      button("Use its recipe", take),
      browse,
      file,
      h("span", { class: "vw-muted" }, "or drop or paste an image anywhere on the panel"),
    );
  }

  /** While the user types, after a pause. */
  soon() {
    clearTimeout(this.due);
    this.due = setTimeout(() => this.search(), 300);
  }

  /** The view was opened, or a filter was changed: begin with the newest. */
  search() {
    this.page = 0;
    return this.load();
  }

  /** @param {number} by */
  turn(by) {
    this.page = Math.max(0, this.page + by);
    return this.load();
  }

  draw() {
    const { lists } = this.channel.slices;
    if (!lists) return;
    const models = lists.models.map((model) => /** @type {[string, string]} */ ([model.id, model.id]));
    drawOptions(this.model, [["", "any model"], ...models], this.model.value ? chosen(this.model) : "");
    drawOptions(this.state, lists.states, this.state.value ? chosen(this.state) : "");
  }

  async load() {
    this.draw();
    this.asked += 1;
    const { asked } = this;
    const question = {
      text: this.words.value,
      model: this.model.value ? chosen(this.model) : "",
      state: this.state.value ? chosen(this.state) : "",
      since: this.since.value,
      until: this.until.value,
      favorite: this.favorite.checked,
      page: this.page,
    };
    try {
      const reply = await this.channel.ask("history", question);
      if (asked === this.asked) this.drawRuns(reply.runs, reply.buffers, reply.total, reply.page);
    } catch (error) {
      setText(this.said, /** @type {Error} */ (error).message);
    }
  }

  /**
   * @param {Run[]} runs
   * @param {DataView[]} thumbnails
   * @param {number} total
   * @param {number} size of a page
   */
  drawRuns(runs, thumbnails, total, size) {
    const more = (this.page + 1) * size < total;
    for (const url of this.urls) URL.revokeObjectURL(url);
    this.urls = thumbnails.map((bytes) => (bytes.byteLength ? blobUrl(bytes, "image/jpeg") : ""));
    this.list.replaceChildren(...runs.map((run, place) => this.run(run, this.urls[place])));
    const first = this.page * size + 1;
    const said = `${first} – ${first + runs.length - 1} of ${total}, newest first`;
    setText(this.said, runs.length ? said : "No run is found.");
    enable(this.newer, this.page > 0);
    enable(this.older, more);
    show(this.pager, this.page > 0 || more);
  }

  /**
   * @param {Run} run
   * @param {string} url
   */
  run(run, url) {
    const act = (/** @type {string} */ action) => () => this.channel.send({ type: "act", action, run: run.run });
    const image = url
      ? h(
          "button",
          { type: "button", class: "vw-open", title: "Enlarge", onclick: () => this.acts.open(run.keys[0]) },
          h("img", { src: url, alt: `${run.seed}: ${run.prompt}`, loading: "lazy" }),
        )
      : h("div", { class: "vw-tile" }, h("span", {}, run.state));
    const when = new Date(run.when).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    const state = run.state === "succeeded" ? "" : ` · ${run.state}`;
    const links = [
      ["Show in gallery", act("show")],
      ["Use seed", act("seed")],
      ["Remix", act("remix")],
      ["Use all", act("all")],
      ["Copy as cell", () => this.acts.copy("cell", "", run.run)],
    ].map(([label, click]) =>
      button(/** @type {string} */ (label), /** @type {() => void} */ (click), { class: "vw-link" }),
    );
    return h(
      "li",
      {},
      image,
      h(
        "div",
        {},
        h(
          "div",
          { class: "vw-heading" },
          h("b", {}, `${run.favorite ? "★ " : ""}${run.seed}`),
          h("span", {}, run.price),
        ),
        h("div", { class: "vw-muted" }, `${when} · ${run.model} · ${run.ending}${state}`),
        h("div", { class: "vw-run-prompt", dir: "auto" }, run.prompt),
        run.problem ? h("div", { class: "vw-muted" }, run.problem) : null,
        h("div", { class: "vw-actions" }, ...links),
      ),
    );
  }
}
