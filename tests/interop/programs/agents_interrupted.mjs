// A user who speaks, from `question.pcm`, while the agent still answers: over a WebSocket the client truncates.
import { readFileSync } from 'node:fs';
import { RealtimeAgent, RealtimeSession } from '@openai/agents-realtime';
import { watch } from './tools.mjs';

const session = new RealtimeSession(new RealtimeAgent({ name: 'Echo' }), { transport: 'websocket', model: 'gpt-realtime' });
watch(session);
session.once('audio', () => {
  const { buffer, byteOffset, byteLength } = readFileSync('question.pcm');
  session.sendAudio(buffer.slice(byteOffset, byteOffset + byteLength));
});
session.once('audio_interrupted', () => console.log('interrupted'));
const answered = new Promise((resolve) => {
  session.on('agent_end', (_context, _agent, output) => output.startsWith('word') || resolve(output));
});
const shortened = new Promise((resolve) => {
  session.transport.on('conversation.item.truncated', (event) => resolve(event.item_id));
});
await session.connect({ apiKey: process.env.OPENAI_API_KEY });
session.sendMessage('word '.repeat(2000));
console.log(`answer: ${await answered}`);
const id = await shortened;
const { role, status } = session.history.find((item) => item.itemId === id);
console.log(`shortened: ${role}, ${status}`);
session.close();
