// `RealtimeSession` over a WebSocket: a question, a tool, an answer that can be heard. `node agents_websocket.mjs [URL]`
import { appendFileSync } from 'node:fs';
import { RealtimeSession } from '@openai/agents-realtime';
import { agent, watch } from './tools.mjs';

const session = new RealtimeSession(agent, { transport: 'websocket', model: 'gpt-realtime' });
watch(session);
session.on('audio', (event) => appendFileSync('answer.pcm', Buffer.from(event.data)));
session.on('agent_end', (_context, _agent, output) => {
  if (output === '') return;  // of the turn that only called the tool
  console.log(`answer: ${output}`);
  console.log(`history: ${session.history.map((item) => item.type)}`);
  session.close();
});
await session.connect({ apiKey: process.env.OPENAI_API_KEY, ...(process.argv[2] && { url: process.argv[2] }) });
session.sendMessage('4711');
