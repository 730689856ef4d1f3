// A phone application on `@openai/agents-realtime`: told of a call by a signed webhook, it accepts with what its agent
// would ask for, and the agent joins the call. It takes one call and ends with it.
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import OpenAI from 'openai';
import { OpenAIRealtimeSIP, RealtimeSession } from '@openai/agents-realtime';
import { agent, watch } from './tools.mjs';

const openai = new OpenAI();
const options = { model: 'gpt-realtime', config: { audio: { input: { turnDetection: { type: 'semantic_vad', interruptResponse: true } } } } };

async function converse(callId) {
  const session = new RealtimeSession(agent, { transport: new OpenAIRealtimeSIP(), ...options });
  watch(session);
  const ended = new Promise((resolve) => session.transport.on('disconnected', resolve));
  await session.connect({ apiKey: process.env.OPENAI_API_KEY, callId });
  session.transport.sendEvent({ type: 'response.create', response: { instructions: "Say exactly 'Welcome, which order?'" } });
  await ended;
  session.close();
  console.log('the caller has hung up');
}

const server = createServer(async (request, response) => {
  const event = await openai.webhooks.unwrap(await text(request), request.headers);
  if (event.type === 'realtime.call.incoming') {
    await openai.realtime.calls.accept(event.data.call_id, await OpenAIRealtimeSIP.buildInitialConfig(agent, options));
    converse(event.data.call_id).then(() => server.close());
  }
  response.end();
});
server.listen(0, '127.0.0.1', async () => {
  const url = `http://127.0.0.1:${server.address().port}/`;
  const endpoint = await openai.webhooks.create({ name: 'calls', url, event_types: ['realtime.call.incoming'] });
  openai.webhookSecret = endpoint.signing_secret;
  console.log('waiting for a call');
});
