// What the programs of `@openai/agents-realtime` have in common: an agent with a tool, and an eye on what it is sent.
import { parseRealtimeEvent } from './node_modules/@openai/agents-realtime/dist/openaiRealtimeEvents.mjs';
import { RealtimeAgent, tool } from '@openai/agents-realtime';
import { z } from 'zod';

const findOrder = tool({
  name: 'find_order',
  description: 'Where an order is.',
  parameters: z.object({ number: z.string() }),
  execute: async ({ number }) => {
    console.log(`tool: find_order(${number})`);
    return `order ${number} is on its way`;
  },
});

export const agent = new RealtimeAgent({ name: 'Support', instructions: 'Be brief.', tools: [findOrder] });

// The SDK says nothing of an event that its own schemas refuse, so each is held against them once more.
export function watch(session) {
  session.transport.on('*', (event) => {
    if (parseRealtimeEvent({ data: JSON.stringify(event) }).isGeneric) console.log(`not understood: ${JSON.stringify(event)}`);
  });
  session.on('error', (error) => console.log(`error: ${JSON.stringify(error)}`));
  session.on('agent_tool_end', (_context, _agent, _tool, result) => console.log(`tool_end: ${result}`));
}
