// What surrounds the hits of a question: how many records are alike and what was done about them, and the facets.

import { call } from "./client.js";
import { dayOf, fill } from "./make.js";
import { FACETS, question } from "./state.js";

export const DAYS = 30;
const LONG_DAYS = 365;
const SURE_FACETS = FACETS.filter((field) => !field.startsWith("attributes."));

const ask = (more, signal) => call(...question({ k: 1, collapse: false, ...more }), signal);

/** The summary as the service words it, with the names of touchpoint and cause instead of their ids, and since when. */
function lineOf({ line, about: most, n, first_at: first }, { words, language, name }) {
  const ids = most && [most.touchpoint, most.cause].filter(Boolean).join("/");
  const named = most && [name("touchpoints", most.touchpoint), most.cause && name("causes", most.cause)].filter(Boolean).join(" · ");
  const parts = [ids ? line.replace(ids, () => named) : line];
  if (n && first) parts.push(fill(words.since, { day: dayOf(first, language) }, language));
  return parts.join(language === "zh" ? "，" : ", ");
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Return {line, facets}; where nothing is alike in the last days, the line also tells of a year. */
export async function about(page, signal) {
  const { summary, facets } = await ask({ days: DAYS, facets: FACETS }, signal).catch((error) => {
    if (error.status !== 422) throw error;
    return ask({ days: DAYS, facets: SURE_FACETS }, signal); // an attribute of more than 1,000 values cannot be counted
  });
  if (summary.n) return { line: sentence(lineOf(summary, page)), facets };
  const longer = await ask({ days: LONG_DAYS }, signal);
  const lines = [summary, longer.summary].map((one) => lineOf(one, page));
  return { line: sentence(lines.join(page.language === "zh" ? "；" : "; ")), facets };
}
