// What is asked: the fragment of the address. No server is ever sent it, so that queries appear in no log, and yet a search can be sent to a colleague.

export const PAGE = 20;
export const FIELDS = ["language", "channel", "from", "to", "low", "high", "touchpoint", "cause", "intent", "risk"];
export const FACETS = ["channel", "label", "touchpoint", "cause", "attributes.product", "attributes.region"];
const LINKED = ["stage", "topic", "segment", "source"]; // by the dashboard
export const FILTERS = [...new Set([...FIELDS, ...FACETS, ...LINKED])];
const CHOICES = ["language", "channel", "label", "touchpoint", "cause", "intent", "risk", ...LINKED];
const ANY = "any"; // as a label: of whatever feeling
const ATTRIBUTE = "attributes.";
let state = new URLSearchParams(location.hash.slice(1));

export const given = (key) => (key === "label" && state.get(key) === ANY ? "" : state.get(key) || "");
export const isOfAnyFeeling = () => state.get("label") === ANY;
/** Ids of the examples, `like` or `unlike`. */
export const examples = (key) => given(key).split(",").filter(Boolean);
export const isQuestion = () => Boolean(given("q") || given("similar") || given("like"));
export const reread = () => { state = new URLSearchParams(location.hash.slice(1)); };

/** Change what is asked and put it into the address; an empty value takes a key away. */
export function change(changes) {
  const next = new URLSearchParams(state);
  for (const [key, value] of Object.entries(changes)) {
    if (value && value.length) next.set(key, value);
    else next.delete(key);
  }
  if (!next.get("q") && !next.get("like")) next.delete("unlike");
  state = next;
  history.pushState(null, "", `#${state}`);
}

/** What to change so that a record becomes an example of what is wanted (`like`) or not (`unlike`). */
export function withExample(key, id) {
  const other = key === "like" ? "unlike" : "like";
  const found = { similar: "", subject: "", like: examples("like"), unlike: examples("unlike") };
  if (given("similar")) Object.assign(found, { q: "", like: [given("similar")], unlike: [] });
  found[other] = found[other].filter((known) => known !== id);
  found[key] = [...found[key].filter((known) => known !== id), id];
  return found;
}

function day(value, plus) {
  const [year, month, date] = value.split("-").map(Number);
  return new Date(year, month - 1, date + plus).toISOString();
}

export function filter() {
  const found = {};
  for (const key of CHOICES) if (given(key)) found[key] = [given(key)];
  for (const key of FACETS.filter((facet) => facet.startsWith(ATTRIBUTE) && given(facet))) found.attributes = { ...found.attributes, [key.slice(ATTRIBUTE.length)]: [given(key)] };
  const bounds = (key, low, high) => {
    if (low !== null || high) found[key] = { ...(low !== null && { gte: low }), ...high };
  };
  const number = (key) => (given(key) ? Number(given(key)) : null);
  bounds("sentiment", number("low"), number("high") !== null && { lte: number("high") });
  bounds("created_at", given("from") ? day(given("from"), 0) : null, given("to") && { lt: day(given("to"), 1) });
  return found;
}

/** Where to post the question, and what. */
export function question(more = {}) {
  const asked = { k: PAGE, filter: filter(), sort: given("sort") || "nearest", collapse: !given("copies"), ...more };
  if (given("similar")) return ["/v1/similar", { id: given("similar"), ...asked }];
  return ["/v1/search", { text: given("q"), like: examples("like"), unlike: examples("unlike"), ...asked }];
}

/** The filter as query parameters; without any that tells the feeling, the list is that of negative records. */
export function listing(cursor) {
  const { attributes, ...fields } = filter();
  const found = new URLSearchParams({ limit: PAGE });
  for (const [key, value] of Object.entries(fields)) {
    if (Array.isArray(value)) found.set(key, value[0]);
    else for (const [bound, limit] of Object.entries(value)) found.set(`${key}.${bound}`, limit);
  }
  for (const [key, [value]] of Object.entries(attributes || {})) found.set(ATTRIBUTE + key, value);
  if (!fields.sentiment && !fields.label && !isOfAnyFeeling()) found.set("label", "negative");
  if (cursor) found.set("cursor", cursor);
  return `/v1/feedback?${found}`;
}
