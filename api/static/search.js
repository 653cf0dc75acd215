// The search page: from what is asked (state.js) to what is shown. Of several questions the last one wins: each gives up the one before.

import { about, DAYS } from "./about.js";
import { call, Refusal, rememberKey } from "./client.js";
import { card } from "./card.js";
import { fill, make } from "./make.js";
import { showChips, showFacets } from "./narrowing.js";
import { change, FIELDS, filter, FILTERS, given, isOfAnyFeeling, isQuestion, listing, question, reread, withExample } from "./state.js";

const { language } = document.body.dataset;
const words = JSON.parse(document.body.dataset.words);
const get = (id) => document.getElementById(id);
const form = get("form");
const order = get("order");
const names = {};
const excerpts = new Map();
const isWide = matchMedia("(min-width: 60rem)").matches;
let running = null;
let cursor = null;
let shown = 0;

const name = (kind, id) => names[kind]?.get(id) || id;
const page = {
  words,
  language,
  name,
  go,
  recall,
  onSimilar: (record) => go({ similar: record.id, subject: excerpt(record), like: "", unlike: "" }, true),
  onExample(key, record) {
    excerpts.set(record.id, excerpt(record, 60));
    go(withExample(key, record.id), true);
  },
};

function excerpt(record, most = 140) {
  const text = record.text || record.turns.filter((turn) => turn.speaker === "customer").map((turn) => turn.text).join(" ");
  const points = Array.from(text.replace(/\s+/g, " ").trim());
  return points.slice(0, most).join("") + (points.length > most ? "…" : "");
}

async function recall(id) {
  if (!excerpts.has(id)) {
    const record = await call(`/v1/feedback/${encodeURIComponent(id)}`).catch(() => null);
    if (!record) return words.forgotten;
    excerpts.set(id, excerpt(record, 60));
  }
  return excerpts.get(id);
}

// From the form to the address and back.

function go(changes, toTop = false) {
  change(changes);
  if (toTop) {
    get("results").focus({ preventScroll: true });
    scrollTo({ top: 0 });
  }
  show();
}

function fromForm() {
  const fields = Object.fromEntries(FIELDS.map((key) => [key, form.elements[key].value]));
  const q = form.elements.text.value.trim();
  go({ q, similar: "", subject: "", ...(q !== given("q") && { like: "", unlike: "" }), ...fields });
}

function toForm() {
  form.elements.text.value = given("q");
  for (const key of FIELDS) form.elements[key].value = given(key);
  order.elements.sort.value = given("sort") || "nearest";
  order.elements.collapse.checked = !given("copies");
  const n = FIELDS.filter(given).length;
  get("n-filters").hidden = n === 0;
  get("n-filters").textContent = n;
  grow();
}

// Asking and showing.

async function ask(signal) {
  if (isQuestion()) return call(...question(cursor ? { cursor } : {}), signal);
  const list = await call(listing(cursor), null, signal);
  return { hits: list.items.map((record) => ({ record })), next_cursor: list.next_cursor, isList: true };
}

async function show() {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  cursor = null;
  shown = 0;
  toForm();
  head();
  get("cards").replaceChildren(...Array.from({ length: 3 }, () => make("li", { class: "ghost", "aria-hidden": "true" })));
  get("count").textContent = words.loading;
  hide("notice", "key-form", "more", "trouble", "summary");
  get("results").setAttribute("aria-busy", "true");
  try {
    render(await ask(signal));
    get("results").removeAttribute("aria-busy");
    if (isQuestion()) await showAbout(signal);
  } catch (error) {
    if (signal.aborted) return;
    fail(error);
    get("results").removeAttribute("aria-busy");
  }
}

async function showMore() {
  const { signal } = running;
  hide("trouble");
  get("more").setAttribute("aria-disabled", "true");
  try {
    const cards = render(await ask(signal));
    cards[0]?.querySelector("article").focus({ preventScroll: true });
  } catch (error) {
    if (!signal.aborted) {
      get("trouble").textContent = detailOf(error);
      get("trouble").hidden = false;
    }
  }
  get("more").removeAttribute("aria-disabled");
}

function head() {
  const isAsked = isQuestion();
  const title = given("similar") ? words.similar_to : isAsked || isOfAnyFeeling() || given("label") || filter().sentiment ? words.results : words.latest;
  get("heading").textContent = title;
  get("back").hidden = get("subject").hidden = !given("similar");
  get("subject").textContent = given("subject");
  order.hidden = !isAsked;
  if (!isAsked) hide("narrow");
  showChips(get("chips"), page);
}

function render(found) {
  const cards = found.hits.map((hit) => card(hit, page));
  if (shown) get("cards").append(...cards);
  else get("cards").replaceChildren(...cards);
  shown += cards.length;
  cursor = found.next_cursor;
  get("count").textContent = fill(found.isList ? words.n_listed : words.n_shown, { shown, total: found.total ?? shown }, language);
  get("more").hidden = !cursor;
  if (shown === 0) empty();
  return cards;
}

/** Facets and summary are asked apart and after the hits, which need not wait for them. */
async function showAbout(signal) {
  const summary = get("summary");
  summary.className = "waits";
  summary.hidden = false;
  summary.textContent = fill(words.summing, { days: DAYS }, language);
  try {
    const { line, facets } = await about(page, signal);
    summary.className = "";
    summary.textContent = line;
    showFacets(get("facets"), facets, page);
    get("narrow").hidden = !get("facets").children.length;
  } catch (error) {
    if (signal.aborted) return;
    summary.textContent = detailOf(error);
    hide("narrow");
  }
}

function empty() {
  get("count").textContent = "";
  const none = get("status").dataset.records === "0";
  const [title, hint] = none ? ["none_title", "none_hint"] : isQuestion() ? ["empty_title", /["“”「『]/.test(given("q")) ? "phrase_hint" : "empty_hint"] : ["calm_title", "calm_hint"];
  const clear = FILTERS.some(given) ? make("button", { class: "quiet", type: "button", onclick: clearFilters }, words.clear_filters) : null;
  notify(make("h2", {}, words[title]), make("p", {}, words[hint]), none ? make("pre", {}, "cxnlp ingest feedback.csv") : clear);
}

const detailOf = (error) => (error instanceof Refusal && error.status ? error.message : words.unreachable);

function fail(error) {
  get("cards").replaceChildren();
  get("count").textContent = "";
  hide("narrow", "more", "summary");
  if (error.status === 401) {
    get("key-form").hidden = false;
    get("key").focus();
    return;
  }
  notify(make("h2", {}, words.failed_title), make("p", {}, detailOf(error)), make("button", { class: "quiet", type: "button", onclick: () => show() }, words.retry));
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
    get("status").textContent = fill(words.status, status, language);
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
  if (given("topic")) {
    const topics = await call("/v1/topics?all=true").catch(() => ({ items: [] }));
    names.topics = new Map(topics.items.map((topic) => [topic.id, topic.names[language] || topic.names.en || topic.names.zh || topic.label]));
  }
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

const clearFilters = () => go(Object.fromEntries(FILTERS.map((key) => [key, ""])));

form.addEventListener("submit", (event) => { event.preventDefault(); fromForm(); });
form.addEventListener("change", (event) => { if (event.target.name !== "text") fromForm(); });
form.elements.text.addEventListener("input", grow);
form.elements.text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); fromForm(); }
});
order.addEventListener("submit", (event) => event.preventDefault());
order.addEventListener("change", () => go({ sort: order.elements.sort.value === "newest" ? "newest" : "", copies: order.elements.collapse.checked ? "" : "all" }));
get("clear").addEventListener("click", clearFilters);
get("back").addEventListener("click", () => history.back());
get("more").addEventListener("click", () => { if (!get("more").hasAttribute("aria-disabled")) showMore(); });
get("key-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  rememberKey(get("key").value);
  await start();
});
document.querySelector(".switch").addEventListener("click", (event) => { event.currentTarget.href += location.hash; });
addEventListener("popstate", () => { reread(); show(); });

async function start() {
  await learnNames();
  await show();
}

get("narrow").open = isWide;
get("filters").open = isWide && !isQuestion();
start().then(follow);
