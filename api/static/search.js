// The search page: its state is the fragment of the address, which is never sent to a server, so that queries appear in no log.

import { call, Refusal, rememberKey } from "./client.js";
import { card, make } from "./card.js";

const { language } = document.body.dataset;
const words = JSON.parse(document.body.dataset.words);
const FILTERS = ["language", "channel", "from", "to", "low", "high", "touchpoint", "cause", "intent", "risk"];
const PAGE = 20;
const get = (id) => document.getElementById(id);
const form = get("form");
const names = {};
let state = new URLSearchParams(location.hash.slice(1));
let running = null;
let cursor = null;
let shown = 0;

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key].toLocaleString(language));
const name = (kind, id) => names[kind]?.get(id) || id;
const page = { words, language, name, onSimilar: (record) => go({ similar: record.id, subject: excerpt(record) }) };

function excerpt(record) {
  const text = record.text || record.turns.filter((turn) => turn.speaker === "customer").map((turn) => turn.text).join(" ");
  const points = Array.from(text.replace(/\s+/g, " ").trim());
  return points.slice(0, 140).join("") + (points.length > 140 ? "…" : "");
}

// From the form to the address and back.

function go(changes) {
  const next = new URLSearchParams(state);
  for (const [key, value] of Object.entries(changes)) {
    if (value) next.set(key, value);
    else next.delete(key);
  }
  state = next;
  history.pushState(null, "", `#${state}`);
  show();
}

function fromForm() {
  const given = Object.fromEntries(FILTERS.map((key) => [key, form.elements[key].value]));
  go({ q: form.elements.text.value.trim(), similar: "", subject: "", ...given });
}

function toForm() {
  form.elements.text.value = state.get("q") || "";
  for (const key of FILTERS) form.elements[key].value = state.get(key) || "";
  const n = FILTERS.filter((key) => state.get(key)).length;
  get("n-filters").hidden = n === 0;
  get("n-filters").textContent = n;
  grow();
}

function day(value, plus) {
  const [year, month, date] = value.split("-").map(Number);
  return new Date(year, month - 1, date + plus).toISOString();
}

function filter() {
  const found = {};
  for (const key of ["language", "channel", "touchpoint", "cause", "intent", "risk"]) if (state.get(key)) found[key] = [state.get(key)];
  const bounds = (key, low, high) => {
    if (low !== null || high) found[key] = { ...(low !== null && { gte: low }), ...high };
  };
  const number = (key) => (state.get(key) ? Number(state.get(key)) : null);
  bounds("sentiment", number("low"), number("high") !== null && { lte: number("high") });
  bounds("created_at", state.get("from") ? day(state.get("from"), 0) : null, state.get("to") && { lt: day(state.get("to"), 1) });
  return found;
}

/** The filter as query parameters; without any, the list is that of negative records. */
function query() {
  const given = filter();
  const found = new URLSearchParams({ limit: PAGE });
  for (const [key, value] of Object.entries(given)) {
    if (Array.isArray(value)) found.set(key, value[0]);
    else for (const [bound, limit] of Object.entries(value)) found.set(`${key}.${bound}`, limit);
  }
  if (!given.sentiment) found.set("label", "negative");
  if (cursor) found.set("cursor", cursor);
  return found;
}

// Asking and showing.

async function ask(signal) {
  const k = shown + PAGE;
  if (state.get("similar")) return call("/v1/similar", { id: state.get("similar"), k, filter: filter() }, signal);
  if (state.get("q")) return call("/v1/search", { text: state.get("q"), k, filter: filter() }, signal);
  const list = await call(`/v1/feedback?${query()}`, null, signal);
  cursor = list.next_cursor;
  return { hits: list.items.map((record) => ({ record })), isList: true };
}

async function show(isMore = false) {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  if (!isMore) {
    cursor = null;
    shown = 0;
    toForm();
    head();
    get("cards").replaceChildren(...Array.from({ length: 3 }, () => make("li", { class: "ghost", "aria-hidden": "true" })));
    get("count").textContent = words.loading;
  }
  hide("notice", "key-form", "more");
  get("results").setAttribute("aria-busy", "true");
  try {
    render(await ask(signal), isMore);
  } catch (error) {
    if (error.name === "AbortError") return;
    fail(error);
  }
  get("results").removeAttribute("aria-busy");
}

function head() {
  const about = state.get("similar") ? words.similar_to : state.get("q") || filter().sentiment ? words.results : words.latest;
  get("heading").textContent = about;
  get("back").hidden = !state.get("similar");
  get("subject").hidden = !state.get("similar");
  get("subject").textContent = state.get("subject") || "";
}

function render(found, isMore) {
  const fresh = found.isList || !isMore ? found.hits : found.hits.slice(shown);
  const cards = fresh.map((hit) => card(hit, page));
  if (isMore) get("cards").append(...cards);
  else get("cards").replaceChildren(...cards);
  if (isMore) cards[0]?.querySelector("button")?.focus({ preventScroll: true });
  shown += fresh.length;
  get("count").textContent = found.isList ? fill(words.n_listed, { shown }) : fill(words.n_shown, { shown, total: found.total });
  get("more").hidden = found.isList ? !cursor : fresh.length < PAGE || shown >= Math.min(found.total, 1000 - PAGE);
  if (shown === 0) empty();
}

function empty() {
  get("count").textContent = "";
  const isList = !state.get("q") && !state.get("similar");
  const none = get("status").dataset.records === "0";
  const [title, hint] = none ? ["none_title", "none_hint"] : isList ? ["calm_title", "calm_hint"] : ["empty_title", "empty_hint"];
  notify(make("h2", {}, words[title]), make("p", {}, words[hint]), none ? make("pre", {}, "cxnlp ingest feedback.csv") : null);
}

function fail(error) {
  get("cards").replaceChildren();
  get("count").textContent = "";
  if (error.status === 401) {
    get("key-form").hidden = false;
    get("key").focus();
    return;
  }
  const detail = error instanceof Refusal && error.status ? error.message : words.unreachable;
  notify(make("h2", {}, words.failed_title), make("p", {}, detail), make("button", { class: "quiet", type: "button", onclick: () => show() }, words.retry));
}

function notify(...content) {
  get("notice").replaceChildren(...content.filter(Boolean));
  get("notice").hidden = false;
}

const hide = (...ids) => ids.forEach((id) => { get(id).hidden = true; });

async function follow() {
  let wait = 10_000;
  try {
    const status = await call("/v1/status");
    const before = get("status").dataset.records;
    get("status").textContent = fill(words.status, status);
    get("status").dataset.records = status.records;
    get("progress").hidden = status.pending === 0;
    get("progress").value = status.records ? status.analyzed / status.records : 0;
    if (status.pending > 0) wait = 2_000;
    if (before === "0" && status.records > 0) show();
  } catch {
    get("status").textContent = "";
  }
  setTimeout(follow, wait);
}

async function learnNames() {
  const taxonomy = await call("/v1/taxonomy").catch(() => null);
  if (!taxonomy) return;
  for (const kind of ["stages", "touchpoints", "causes", "intents", "risks"]) names[kind] = new Map(taxonomy[kind].map((label) => [label.id, label[language] || label.id]));
  const option = ([value, label]) => make("option", { value }, label);
  const choices = (kind) => [...names[kind]].map(option);
  const stages = taxonomy.stages.map((stage) =>
    make("optgroup", { label: name("stages", stage.id) }, ...taxonomy.touchpoints.filter((t) => t.stage === stage.id).map((t) => option([t.id, name("touchpoints", t.id)]))));
  const lists = { touchpoint: stages, cause: choices("causes"), intent: choices("intents"), risk: choices("risks") };
  for (const [key, options] of Object.entries(lists)) form.elements[key].replaceChildren(form.elements[key].options[0], ...options);
}

function grow() {
  const { text } = form.elements;
  text.style.height = "auto";
  text.style.height = `${Math.min(text.scrollHeight + 2, 200)}px`;
}

form.addEventListener("submit", (event) => { event.preventDefault(); fromForm(); });
form.addEventListener("change", (event) => { if (event.target.name !== "text") fromForm(); });
form.elements.text.addEventListener("input", grow);
form.elements.text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); fromForm(); }
});
get("clear").addEventListener("click", () => go(Object.fromEntries(FILTERS.map((key) => [key, ""]))));
get("back").addEventListener("click", () => history.back());
get("more").addEventListener("click", () => show(true));
get("key-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  rememberKey(get("key").value);
  await start();
});
document.querySelector(".switch").addEventListener("click", (event) => { event.currentTarget.href += location.hash; });
addEventListener("popstate", () => { state = new URLSearchParams(location.hash.slice(1)); show(); });

async function start() {
  await learnNames();
  await show();
}

get("filters").open = matchMedia("(min-width: 60rem)").matches;
start().then(follow);
