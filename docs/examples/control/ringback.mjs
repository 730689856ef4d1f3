// Everything that is needed to speak to ringback.
import assert from "node:assert/strict";

export async function ringback(method, path, body) {
  const response = await fetch(`${process.env.RINGBACK_ADMIN_URL}/${path}`, {
    method,
    headers: { "Content-Type": "application/json" },
    body: method === "GET" ? undefined : JSON.stringify(body ?? {}),
  });
  const answer = response.status === 204 ? {} : await response.json();
  assert.ok(response.ok, answer.error?.message); // of an expectation: what was expected, what happened, what to look at
  return answer;
}
