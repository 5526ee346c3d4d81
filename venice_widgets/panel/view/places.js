import { App } from "./app.js";
import { Channel } from "./channel.js";

/**
 * Where a panel is in JupyterLab and Notebook: an output of plain HTML, which the widget's own code fills.
 *
 * An output that shows a widget is saved as one, and reads "Error displaying widget: model not found" whenever the
 * notebook is opened without its kernel. So the widget's own output is replaced by an empty element that bears the
 * panel's name; this fills it, also after the page was loaded anew beside a kernel that still runs.
 */
export class Places {
  /** @param {Channel} channel */
  constructor(channel) {
    this.channel = channel;
    this.selector = `.venice-place[data-venice-panel="${channel.model.get("place")}"]`;
    /** @type {Map<Element, App>} */
    this.apps = new Map();
    this.isDue = false;
    this.observer = new MutationObserver(() => this.soon());
    this.observer.observe(document.body, { childList: true, subtree: true });
    this.fill();
  }

  /** Once a frame at most: the page changes all the time. */
  soon() {
    if (this.isDue) return;
    this.isDue = true;
    setTimeout(() => this.fill(), 16);
  }

  fill() {
    this.isDue = false;
    for (const place of document.querySelectorAll(this.selector)) {
      const app = this.apps.get(place) ?? new App(this.channel);
      this.apps.set(place, app);
      if (app.element.parentElement === place) continue;
      place.closest(".jp-RenderedHTMLCommon")?.classList.remove("jp-RenderedHTMLCommon");
      place.append(app.element);
    }
  }

  close() {
    this.observer.disconnect();
    for (const app of this.apps.values()) app.close();
  }
}

const PLACE_MS = 1500;

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Ask for a place, where this view is the whole of an output of JupyterLab or Notebook, and give it time to come: what is
 * drawn before would lose what the user has begun to type. Where none comes, as in Voila, the view draws itself.
 * @param {Channel} channel
 * @param {HTMLElement} el
 */
export async function waitForPlace(channel, el) {
  for (let tries = 0; tries < 40 && !el.isConnected; tries += 1) await pause(25);
  const within = el.parentElement?.closest(".jupyter-widgets.widget-box");
  if (within || !el.closest(".jp-OutputArea-output")) return;
  channel.send({ type: "place" });
  for (let tries = 0; tries < 400 && !channel.form; tries += 1) await pause(25);
  await pause(PLACE_MS);
}
