// What narrows a search: the facets at its side, and above the hits a chip for each filter and example, which takes it away again.

import { fill, make } from "./make.js";
import { examples, FACETS, FILTERS, given } from "./state.js";

const FEW = 6;
const MOST = 60;
const KINDS = { touchpoint: "touchpoints", cause: "causes", intent: "intents", risk: "risks", stage: "stages", topic: "topics" };
const titleOf = (field, words) => words[field.replace("attributes.", "")];

/** A filter's value as people know it. */
export function shownAs(field, value, { words, name }) {
  if (KINDS[field]) return name(KINDS[field], value);
  if (field === "label") return words[value].charAt(0).toUpperCase() + words[value].slice(1);
  return field === "channel" || field === "language" ? words[value] || value : value;
}

function choice(field, [value, n], page) {
  const isOn = given(field) === value;
  const attributes = { type: "button", "aria-pressed": String(isOn), "data-key": `${field}=${value}`, onclick: () => page.go({ [field]: isOn ? "" : value }) };
  return make("li", {}, make("button", attributes, make("span", { class: "value" }, shownAs(field, value, page)), " ", make("span", { class: "n" }, n.toLocaleString(page.language))));
}

function facet(field, counts, page) {
  const choices = Object.entries(counts).slice(0, MOST).map((entry) => choice(field, entry, page));
  if (choices.length === 0) return null;
  const rest = choices.splice(FEW);
  const id = `facet-${field.replace(".", "-")}`;
  const box = make("section", { "aria-labelledby": id }, make("h3", { id }, titleOf(field, page.words)), make("ul", {}, ...choices));
  if (rest.length) box.append(make("details", {}, make("summary", {}, fill(page.words.n_more, { n: rest.length }, page.language)), make("ul", {}, ...rest)));
  return box;
}

/** Show how many records there are of each value, in the order of `FACETS`; who was at one of them by keyboard stays there. */
export function showFacets(box, counts, page) {
  const at = box.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const open = new Set(Array.from(box.querySelectorAll("section:has(details[open])"), (section) => section.getAttribute("aria-labelledby")));
  box.replaceChildren(...FACETS.map((field) => facet(field, counts[field] || {}, page)).filter(Boolean));
  for (const section of box.children) if (open.has(section.getAttribute("aria-labelledby")) && section.lastChild.matches("details")) section.lastChild.open = true;
  if (at) Array.from(box.querySelectorAll("button")).find((button) => button.dataset.key === at)?.focus({ preventScroll: true });
}

function chip(kind, label, value, changes, page) {
  const remove = () => {
    page.go(changes);
    (document.querySelector("#chips button") || document.getElementById("results")).focus({ preventScroll: true });
  };
  const text = make("span", { class: "value" }, value);
  const button = make("button", { type: "button", class: kind, title: page.words.remove, onclick: remove }, label + (page.language === "zh" ? "：" : ": "), text, make("span", { "aria-hidden": "true" }, " ×"), make("span", { class: "unseen" }, ` (${page.words.remove})`));
  return [make("li", {}, button), text];
}

/**
 * @param page {words, language, name, go(changes), recall(id): a promise of the words of a record}
 */
export function showChips(list, page) {
  const { words } = page;
  const chips = [];
  for (const key of ["like", "unlike"]) {
    for (const id of examples(key)) {
      const [item, text] = chip(key, words[key], "…", { [key]: examples(key).filter((other) => other !== id) }, page);
      page.recall(id).then((said) => { text.textContent = said; });
      chips.push(item);
    }
  }
  const labels = { from: words.from, to: words.to, low: words.sentiment_from, high: words.sentiment_to };
  for (const key of FILTERS.filter(given)) chips.push(chip("filter", labels[key] || titleOf(key, words), shownAs(key, given(key), page), { [key]: "" }, page)[0]);
  list.replaceChildren(...chips);
  list.hidden = chips.length === 0;
}
