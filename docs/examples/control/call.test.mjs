import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { app } from "./app.mjs";
import { ringback } from "./ringback.mjs";

const { project_id: project } = await ringback("GET", "ready");

before(async () => {
  await new Promise((resolve) => app.listen(0, "127.0.0.1", resolve));
  await ringback("PUT", `projects/${project}/webhooks`, { urls: [`http://127.0.0.1:${app.address().port}/`] });
  await ringback("PUT", `projects/${project}/scenario`, {
    scenario: { name: "receptionist" },
    turn: [
      { when: { start: true }, say: "How can I help you?" },
      { when: { heard: "human" }, call: { name: "transfer", arguments: { target: "tel:+14155550123" } } },
    ],
  });
});

after(() => app.close());

test("a caller is transferred to a human", async () => {
  const { number } = await ringback("POST", "calls", { from: "+14255550112", headers: { "X-Account": "42" } });
  const expect = (what) => ringback("POST", `calls/${number}/expect`, what);
  await expect({ answered: true, within: 2 });
  await expect({ hears: "How can I help you?" });
  await ringback("POST", `calls/${number}/say`, { text: "I would like to talk to a human" });
  await expect({ transferred_to: "tel:+14155550123", within: 5 });
  const { call } = await expect({ ended: true });
  assert.deepEqual(call.heard, ["How can I help you?"]);
});
