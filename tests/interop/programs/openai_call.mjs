// The `openai` package on the phone: its socket is the sideband of the call, and its REST client hangs up.
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { takeOneCall } from './phone_application.mjs';

const openai = new OpenAI();

function converse(callID) {
  const socket = new OpenAIRealtimeWS({ callID }, openai);
  socket.on('error', (error) => console.log(`error: ${error.message}`));
  socket.socket.on('open', () => {
    socket.send({ type: 'response.create', response: { instructions: "Say exactly 'Welcome and goodbye.'" } });
  });
  socket.on('output_audio_buffer.stopped', () => openai.realtime.calls.hangup(callID));
  return new Promise((resolve) => socket.socket.on('close', resolve));
}

takeOneCall(openai, () => ({ type: 'realtime', model: 'gpt-realtime' }), converse);
