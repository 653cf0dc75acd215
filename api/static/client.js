// The service as this page uses it.

const KEY = "cxnlp-key";

/** What the service refused, or that it could not be reached (status 0). */
export class Refusal extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export const rememberKey = (key) => sessionStorage.setItem(KEY, key.trim());

export async function call(path, body, signal) {
  const headers = { Accept: "application/json", "Accept-Language": document.documentElement.lang };
  const key = sessionStorage.getItem(KEY);
  if (key) headers.Authorization = `Bearer ${key}`;
  if (body) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method: body ? "POST" : "GET", headers, signal, body: body && JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "");
  }
  const said = await answer.json().catch(() => ({}));
  signal?.throwIfAborted(); // an answer that was given up while it was read is none
  if (!answer.ok) throw new Refusal(answer.status, said.detail || answer.statusText);
  return said;
}
