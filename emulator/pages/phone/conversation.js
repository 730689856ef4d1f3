// Events of the data channel in, what was said out. No document here: `entries` is shown by page.js.

/**
 * An entry: { id, kind, text, state, note }
 *   kind   "you" | "emulator" | "call" (a function) | "output" (its result) | "remark" | "error"
 *   state  "speaking" | "done" | "cut"
 */
export class Conversation {
  constructor() {
    this.entries = new Map();
    this.remarks = 0;
    this.speaking = { you: false, emulator: false };
  }

  /** Take one event in, from whichever side. Returns the entries that it made or changed. */
  apply(event) {
    const handle = HANDLERS[event.type];
    return handle ? [handle(this, event)].flat().filter(Boolean) : [];
  }

  remark(text, kind = "remark") {
    return this.change(`remark-${++this.remarks}`, { kind, text, state: "done" });
  }

  change(id, fields) {
    const entry = this.entries.get(id) ?? { id, kind: "remark", text: "", state: "speaking", note: "" };
    Object.assign(entry, fields);
    this.entries.set(id, entry);
    return entry;
  }

  /** A delta belongs to an item that was announced before. */
  extend(id, kind, text) {
    const before = this.entries.get(id);
    return this.change(id, { kind, text: (before?.text ?? "") + text, state: "speaking" });
  }
}

const HANDLERS = {
  "input_audio_buffer.speech_started": (talk, { item_id }) => {
    talk.speaking.you = true;
    return talk.change(item_id, { kind: "you", state: "speaking" });
  },
  "input_audio_buffer.speech_stopped": (talk, { item_id }) => {
    talk.speaking.you = false;
    return talk.entries.get(item_id);
  },
  "input_audio_buffer.dtmf_event_received": (talk, { event }) => talk.remark(`Key ${event}, received as a key`),
  "input_audio_buffer.timeout_triggered": (talk) => talk.remark("Nobody spoke for a while"),
  "conversation.item.input_audio_transcription.delta": (talk, { item_id, delta }) => talk.extend(item_id, "you", delta),
  "conversation.item.input_audio_transcription.completed": (talk, { item_id, transcript }) =>
    talk.change(item_id, { kind: "you", text: transcript, state: "done", note: transcript ? "" : NO_WORDS }),
  "conversation.item.input_audio_transcription.failed": (talk, { item_id, error }) =>
    talk.change(item_id, { kind: "you", state: "done", note: error?.message ?? NO_WORDS }),
  "conversation.item.added": (talk, { item }) => ofItem(talk, item, "speaking"),
  "conversation.item.done": (talk, { item }) => ofItem(talk, item, "done"),
  "conversation.item.truncated": (talk, { item_id }) => cut(talk, item_id),
  "response.output_audio_transcript.delta": (talk, { item_id, delta }) => talk.extend(item_id, "emulator", delta),
  "response.output_text.delta": (talk, { item_id, delta }) => talk.extend(item_id, "emulator", delta),
  "response.output_audio_transcript.done": (talk, { item_id, transcript }) =>
    talk.change(item_id, { kind: "emulator", text: transcript }),
  "response.output_text.done": (talk, { item_id, text }) => talk.change(item_id, { kind: "emulator", text }),
  "response.function_call_arguments.delta": (talk, { item_id, delta }) => talk.extend(item_id, "call", delta),
  "response.done": (talk, { response }) => ofResponse(talk, response),
  "output_audio_buffer.started": (talk) => void (talk.speaking.emulator = true),
  "output_audio_buffer.stopped": (talk) => void (talk.speaking.emulator = false),
  "output_audio_buffer.cleared": (talk) => void (talk.speaking.emulator = false),
  error: (talk, { error }) => talk.remark(error?.message ?? "The emulator reports an error", "error"),
};

const NO_WORDS = "sound without words";

function ofItem(talk, item, state) {
  if (item.type === "function_call") {
    const fields = { kind: "call", note: item.name, state };
    if (item.arguments) fields.text = item.arguments;
    return talk.change(item.id, fields);
  }
  if (item.type === "function_call_output") {
    return talk.change(item.id, { kind: "output", text: item.output, state: "done" });
  }
  if (item.type !== "message" || item.role === "system") return null;
  const text = (item.content ?? []).map((part) => part.text ?? part.transcript ?? "").join("");
  const hasSound = (item.content ?? []).some((part) => part.type === "input_audio");
  const fields = { kind: item.role === "assistant" ? "emulator" : "you" };
  if (text) fields.text = text;
  if (item.status === "incomplete") fields.state = "cut";
  else if (!hasSound || text) fields.state = state; // words of a sound may still come
  else if (state === "done") Object.assign(fields, { state, note: talk.entries.get(item.id)?.text ? "" : NO_WORDS });
  return talk.change(item.id, fields);
}

function ofResponse(talk, response) {
  const details = response.status_details;
  if (response.status === "cancelled") {
    const why = details?.reason === "turn_detected" ? "you spoke" : "cancelled";
    return (response.output ?? []).filter((item) => talk.entries.has(item.id)).map((item) => cut(talk, item.id, why));
  }
  if (response.status === "failed") return talk.remark(details?.error?.message ?? "The response failed", "error");
  if (response.status === "incomplete") return talk.remark(`The response is incomplete: ${details?.reason}`, "error");
  return null;
}

function cut(talk, id, why = "you spoke") {
  return talk.entries.has(id) ? talk.change(id, { state: "cut", note: `interrupted: ${why}` }) : null;
}
