// OpenAIRealtimeWebRTC as a page uses it: it gets a client secret, and a URL or nothing but api.openai.com.
import { parseRealtimeEvent } from './node_modules/@openai/agents-realtime/dist/openaiRealtimeEvents.mjs';
import { OpenAIRealtimeWebRTC } from '@openai/agents-realtime';

const parameters = { type: 'object', properties: { number: { type: 'string' } }, required: ['number'] };
const tools = [{ type: 'function', name: 'find_order', description: 'Where an order is.', parameters, strict: true }];

const transport = new OpenAIRealtimeWebRTC();
const seen = { types: [], calls: [], errors: [], notUnderstood: [] };

// The SDK says nothing of an event that its own schemas refuse, so each is held against them once more.
transport.on('*', (event) => {
  seen.types.push(event.type);
  if (parseRealtimeEvent({ data: JSON.stringify(event) }).isGeneric) seen.notUnderstood.push(event);
});
transport.on('function_call', ({ name, arguments: given, callId }) => seen.calls.push({ name, given, callId }));
transport.on('error', (error) => seen.errors.push(String(error.error?.message ?? JSON.stringify(error))));

Object.assign(window, {
  transport,
  seen,
  async connect(apiKey, url) {
    const initialSessionConfig = { instructions: 'Be brief.', tools };
    await transport.connect({ apiKey, url, model: 'gpt-realtime', initialSessionConfig });
    return transport.callId;
  },
});
