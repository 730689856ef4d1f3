// `RealtimeSession` with a server whose one tool needs approval and the other does not, and a scenario that calls both. `node agents_mcp_scenario.mjs`
import { hostedMcpTool } from '@openai/agents-core';
import { RealtimeAgent, RealtimeSession } from '@openai/agents-realtime';
import { watch } from './tools.mjs';

const docs = hostedMcpTool({
  serverLabel: 'docs',
  serverUrl: 'https://mcp.example.com/',
  allowedTools: ['search', 'fetch'],
  requireApproval: { always: { toolNames: ['search'] }, never: { toolNames: ['fetch'] } },
});
const agent = new RealtimeAgent({ name: 'Support', instructions: 'Be brief.', tools: [docs] });
const session = new RealtimeSession(agent, {
  transport: 'websocket',
  model: 'gpt-realtime',
  config: { outputModalities: ['text'] },
});
watch(session);
session.on('tool_approval_requested', (_context, _agent, request) => {
  const { name, arguments: given } = request.approvalItem.rawItem;
  console.log(`approval: ${name}(${given})`);
  session.approve(request.approvalItem);
});
session.on('mcp_tool_call_completed', (_context, _agent, call) => console.log(`called: ${call.name} gave ${call.output}`));
session.on('agent_end', (_context, _agent, output) => {
  if (output === '') return;
  console.log(`answer: ${output}`);
  session.close();
});
session.once('mcp_tools_changed', (tools) => {
  console.log(`tools: ${tools.map((tool) => tool.name)}`);
  session.sendMessage('What is it?');
});
await session.connect({ apiKey: process.env.OPENAI_API_KEY });
