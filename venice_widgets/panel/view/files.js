import { blobUrl } from "./channel.js";
import { h } from "./dom.js";

/** A message to the kernel may have 10 MiB; above that the connection is dropped. */
export const MOST_BYTES = 9_000_000;

/**
 * Save a reply's file by the browser.
 * @param {{ name: string, mime: string, buffers: DataView[] }} reply
 */
export function saveFile(reply) {
  const url = blobUrl(reply.buffers[0], reply.mime);
  const link = h("a", { href: url, download: reply.name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * Put text on the clipboard; where the browser forbids it, the text is shown to be copied by hand.
 * @param {string} text
 * @param {HTMLElement} place where it is shown then
 * @returns {Promise<boolean>}
 */
export async function copyText(text, place) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text, place);
  }
}

/**
 * @param {string} text
 * @param {HTMLElement} place
 */
function copyBySelection(text, place) {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  const area = h("textarea", { class: "vw-clipboard", "aria-label": "Text to copy" });
  area.value = text;
  place.append(area);
  area.focus();
  area.select();
  const copied = document.execCommand("copy");
  if (copied) area.remove();
  if (copied) before?.focus();
  else area.addEventListener("blur", () => area.remove());
  return copied;
}

/**
 * The image files of a drop or paste.
 * @param {DataTransfer | null} transfer
 * @returns {File[]}
 */
export function imageFiles(transfer) {
  return [...(transfer?.files ?? [])].filter((file) => file.type.startsWith("image/") || file.name.endsWith(".xmp"));
}
