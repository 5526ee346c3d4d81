import { App } from "./app.js";
import { Channel } from "./channel.js";
import { askForPlace, Places } from "./places.js";

/** @typedef {import("./types.js").AnyModel} AnyModel */

/** anywidget makes this module anew for each widget, so what stands here belongs to one. @type {Channel | null} */
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
    const app = new App(channelOf(model));
    el.classList.add("venice-host");
    el.append(app.element);
    askForPlace(channelOf(model), el);
    return () => app.close();
  },
};
