// The browser's end of the panel's protocol, without a browser: `.ci/javascript` runs it beside the modules of the view.
import assert from "node:assert/strict";
import { test } from "node:test";
import { applied, Channel, difference, wellFormed } from "./channel.js";

/** A model as anywidget gives it: what is sent is kept, what Python says is handed over. */
function connected() {
  const listeners = {};
  const sent = [];
  const model = {
    on: (name, listener) => {
      listeners[name] = listener;
    },
    send: (message) => sent.push(message),
  };
  const channel = new Channel(model);
  return { channel, sent, hear: (message, buffers) => listeners["msg:custom"](message, buffers), listeners };
}

const FORM = { v: 1, prompt: "A fox", images: "1", values: {} };

function opened() {
  const all = connected();
  all.hear({ type: "state", v: 1, slices: { form: FORM, quote: { facts: { price: "$0.01" } } } });
  return all;
}

test("the splice between two texts makes the second of the first, and cuts no letter in two", () => {
  const letters = ["a", "b", " ", "🦊", "🐺", "é", "שׁ", "\n"];
  let seed = 7;
  const random = (below) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % below;
  };
  const text = () => Array.from({ length: random(9) }, () => letters[random(letters.length)]).join("");
  for (let round = 0; round < 5000; round += 1) {
    const [before, after] = [text(), text()];
    const splice = difference(before, after);
    assert.equal(applied({ prompt: before, values: {} }, { n: 1, splice }).prompt, after);
    assert.equal(wellFormed(splice[2]), splice[2]);
  }
});

test("an edit is drawn at once and told with its number", () => {
  const { channel, sent } = opened();
  channel.edit({ images: "4" });
  channel.edit({ values: { steps: "8" } });
  assert.equal(channel.form.images, "4");
  assert.deepEqual(channel.form.values, { steps: "8" });
  assert.deepEqual(
    sent.map((message) => [message.type, message.n, message.view]),
    [
      ["edit", 1, channel.name],
      ["edit", 2, channel.name],
    ],
  );
});

test("a value that is emptied is left out", () => {
  const { channel } = opened();
  channel.edit({ values: { steps: "8", quality: "high" } });
  channel.edit({ values: { steps: "", quality: null } });
  assert.deepEqual(channel.form.values, {});
});

test("what Python has not heard yet stays on top of what it says", () => {
  const { channel, hear } = opened();
  channel.edit({ images: "2" });
  channel.editPrompt("A red fox");
  hear({ type: "state", v: 2, acks: { [channel.name]: 1 }, slices: { form: { ...FORM, v: 2, images: "2" } } });
  assert.equal(channel.form.prompt, "A red fox");
  assert.equal(channel.pending.length, 1);
  hear({ type: "state", v: 3, acks: { [channel.name]: 2 }, slices: { form: { ...FORM, v: 3, prompt: "A red fox" } } });
  assert.equal(channel.pending.length, 0);
});

test("an older state never overrides a newer one", () => {
  const { channel, hear } = opened();
  hear({ type: "state", v: 5, slices: { quote: { facts: { price: "$0.05" } } } });
  hear({ type: "state", v: 4, slices: { quote: { facts: { price: "$0.04" } } } });
  assert.equal(channel.slices.quote.facts.price, "$0.05");
});

test("a click carries the whole form and the facts of this screen", () => {
  const { channel, sent } = opened();
  channel.edit({ images: "3" });
  channel.generate();
  assert.deepEqual(sent.at(-1).form, { prompt: "A fox", images: "3", values: {} });
  assert.deepEqual(sent.at(-1).shown, { price: "$0.01" });
});

test("another view's edit is taken over, and where one was missed everything is asked for", () => {
  const { channel, sent, hear } = opened();
  hear({ type: "state", v: 2, edit: { view: "other", base: 1, v: 2, changes: { images: "7" } } });
  assert.equal(channel.form.images, "7");
  hear({ type: "state", v: 3, edit: { view: "other", base: 5, v: 6, changes: { images: "8" } } });
  assert.equal(channel.form.images, "7");
  assert.equal(sent.at(-1).type, "hello");
});

test("a question is answered once, by its own reply", async () => {
  const { channel, sent, hear } = opened();
  const answer = channel.ask("history", { page: 2 });
  hear({ type: "reply", view: "other", id: sent.at(-1).id, rows: [] });
  hear({ type: "reply", view: channel.name, id: sent.at(-1).id, rows: [1] }, []);
  assert.deepEqual((await answer).rows, [1]);
  const refused = channel.ask("history");
  hear({ type: "reply", view: channel.name, id: sent.at(-1).id, problem: "the log is locked" });
  await assert.rejects(refused, /the log is locked/);
});

test("a text with half a letter is sent without it", () => {
  const { channel } = opened();
  channel.editPrompt("a \ud83e fox");
  assert.equal(channel.form.prompt, wellFormed("a \ud83e fox"));
});

test("a kernel that is gone is told, and one that speaks again is alive", () => {
  const { channel, hear, listeners } = opened();
  const told = [];
  channel.listeners.add((changed) => told.push([...changed]));
  channel.heard = 1;
  listeners.comm_live_update();
  assert.equal(channel.dead, true);
  hear({ type: "state", v: 9, slices: {} });
  assert.equal(channel.dead, false);
  assert.deepEqual(told, [["dead"], ["dead"]]);
});
