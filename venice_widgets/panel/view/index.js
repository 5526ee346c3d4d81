import { App } from "./app.js";
import { Channel } from "./channel.js";
import { Places, waitForPlace } from "./places.js";

/** @typedef {import("./types.js").AnyModel} AnyModel */

/** anywidget makes this module anew for each widget, so what is here belongs to one. @type {Channel | null} */
let channel = null;

/** @param {AnyModel} model */
function channelOf(model) {
  channel ??= new Channel(model);
  return channel;
}

export default {
  /** @param {{ model: AnyModel }} given */
  initialize({ model }) {
    const places = new Places(channelOf(model));
    channelOf(model).hello();
    return () => {
      places.close();
      channel?.close();
    };
  },

  /** @param {{ model: AnyModel, el: HTMLElement }} given */
  render({ model, el }) {
    /** @type {App | null} */
    let app = null;
    let gone = false;
    el.classList.add("venice-host");
    waitForPlace(channelOf(model), el).then(() => {
      if (gone) return;
      app = new App(channelOf(model));
      el.append(app.element);
    });
    return () => {
      gone = true;
      app?.close();
    };
  },
};
