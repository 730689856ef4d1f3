// A tool of an MCP server that needs consent: listed, asked about, approved, called by the service, and answered with.
import { hostedMcpTool } from '@openai/agents';
import { RealtimeAgent, RealtimeSession } from '@openai/agents-realtime';
import { watch } from './tools.mjs';

const orders = hostedMcpTool({
  serverLabel: 'orders',
  serverUrl: 'https://mcp.example.com/',
  allowedTools: ['find_order'],
  requireApproval: 'always',
});
const agent = new RealtimeAgent({ name: 'Support', tools: [orders] });
const session = new RealtimeSession(agent, { transport: 'websocket', model: 'gpt-realtime', config: { toolChoice: 'required' } });
watch(session);
session.once('mcp_tools_changed', (tools) => {
  console.log(`tools: ${tools.map((tool) => tool.name)}`);
  session.sendMessage('Find my order.');
});
session.on('tool_approval_requested', (_context, _agent, { approvalItem }) => {
  console.log(`approved: ${approvalItem.toolName}`);
  session.approve(approvalItem);
});
session.on('mcp_tool_call_completed', (_context, _agent, call) => console.log(`called: ${call.name}, ${call.status}`));
session.on('agent_end', (_context, _agent, output) => {
  if (output === '') return;
  console.log(`answer: ${output}`);
  session.close();
});
await session.connect({ apiKey: process.env.OPENAI_API_KEY });
