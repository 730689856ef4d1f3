// An application: it takes calls, greets, and transfers those who ask for a human.
import { createServer } from "node:http";
import OpenAI from "openai";
import { WebSocket } from "ws";

const openai = new OpenAI(); // OPENAI_BASE_URL, OPENAI_API_KEY and OPENAI_WEBHOOK_SECRET, as in production

export const app = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  const { data } = await openai.webhooks.unwrap(body, request.headers);
  response.end();
  await openai.realtime.calls.accept(data.call_id, { type: "realtime", model: "gpt-realtime" });
  converse(data.call_id);
});

function converse(callId) {
  const url = `${openai.baseURL.replace(/^http/, "ws")}/realtime?call_id=${callId}`;
  const sideband = new WebSocket(url, { headers: { Authorization: `Bearer ${openai.apiKey}` } });
  const send = (event) => sideband.send(JSON.stringify(event));
  sideband.on("open", () => send({ type: "response.create" }));
  sideband.on("message", async (message) => {
    const event = JSON.parse(message);
    if (event.type === "response.function_call_arguments.done" && event.name === "transfer") {
      await openai.realtime.calls.refer(callId, { target_uri: JSON.parse(event.arguments).target });
    }
  });
}
