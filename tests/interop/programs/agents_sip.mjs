// The agent of `@openai/agents-realtime` on the phone: accepted with what it would ask for, it joins by the call's id.
// `node agents_sip.mjs [URL]`: where the WebSocket is, if not at api.openai.com.
import OpenAI from 'openai';
import { OpenAIRealtimeSIP, RealtimeSession } from '@openai/agents-realtime';
import { takeOneCall } from './phone_application.mjs';
import { agent, watch } from './tools.mjs';

const turnDetection = { type: 'semantic_vad', interruptResponse: true };
const options = { model: 'gpt-realtime', config: { audio: { input: { turnDetection } } } };
const greeting = { instructions: "Say exactly 'Welcome, which order?'" };

async function converse(callId) {
  const session = new RealtimeSession(agent, { transport: new OpenAIRealtimeSIP(), ...options });
  watch(session);
  const ended = new Promise((resolve) => session.transport.on('disconnected', resolve));
  const [url] = process.argv.slice(2);
  await session.connect({ apiKey: process.env.OPENAI_API_KEY, callId, ...(url && { url: `${url}?call_id=${callId}` }) });
  session.transport.sendEvent({ type: 'response.create', response: greeting });
  await ended;
  session.close();
  console.log('the caller has hung up');
}

takeOneCall(new OpenAI(), () => OpenAIRealtimeSIP.buildInitialConfig(agent, options), converse);
