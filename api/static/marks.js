// A text with its marks: the quote that is nearest to the question, the words in common, and what was read from it.

import { make } from "./make.js";

const HAN = /\p{Script=Han}/u;
const LETTERS = /^\p{L}+$/u;
const ENDING = /(?:ing|ed|es|e|s|y|i)$/i;
const ENDINGS = "(?:ing|e[sd]?|s|y|i(?:es|ed)?)?";

/** Between -1 and 1: how it looks. */
export function tone(sentiment) {
  if (sentiment <= -0.6) return "worst";
  if (sentiment <= -0.25) return "bad";
  if (sentiment < 0.25) return "plain";
  return sentiment < 0.6 ? "good" : "best";
}

/** Offsets count code points, as Python does; JavaScript's strings count UTF-16 units. */
const points = (text) => Array.from(text).length;

/** A matched word is found by its stem: the service compares stems, in English. */
function patternOf(word) {
  const plain = (text) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  if (HAN.test(word)) return plain(word);
  const stem = word.replace(ENDING, "");
  const core = LETTERS.test(word) && stem.length >= 3 ? plain(stem) + ENDINGS : plain(word);
  return `(?<![\\p{L}\\p{N}])${core}(?![\\p{L}\\p{N}])`;
}

/** Where the words that a record has in common with the question stand in a text. */
export function wordsIn(text, matched) {
  if (!matched?.length) return [];
  const longestFirst = [...matched].sort((one, other) => other.length - one.length);
  const found = text.matchAll(new RegExp(longestFirst.map(patternOf).join("|"), "giu"));
  return Array.from(found, (match) => {
    const start = points(text.slice(0, match.index));
    return { start, end: start + points(match[0]), kind: "word" };
  });
}

/** Return the nodes of text[start:end] with its spans marked; a kind is `hit`, `word` or a tone. */
export function marked(text, spans, start, end) {
  const letters = Array.from(text);
  const stop = Math.min(end, letters.length);
  const edges = new Set([start, stop]);
  for (const span of spans) for (const edge of [span.start, span.end]) if (edge > start && edge < stop) edges.add(edge);
  const order = [...edges].sort((a, b) => a - b);
  const parts = [];
  for (let i = 0; i + 1 < order.length; i += 1) {
    const over = spans.filter((span) => span.start <= order[i] && span.end >= order[i + 1]);
    const is = (kind) => over.some((span) => span.kind === kind);
    const read = over.find((span) => span.kind !== "hit" && span.kind !== "word");
    let node = document.createTextNode(letters.slice(order[i], order[i + 1]).join(""));
    if (is("word")) node = make("span", { class: "word" }, node);
    if (read) node = make("span", { class: `read ${read.kind}` }, node);
    if (is("hit")) node = make("mark", {}, node);
    parts.push(node);
  }
  if (start > 0) parts.unshift("… ");
  if (stop < letters.length) parts.push(" …");
  return parts;
}
