// The page itself: buttons to calls, events to what is shown.

import { Call, CallError } from "./call.js";
import { Conversation } from "./conversation.js";
import { KEYS, Sound } from "./sound.js";
import { Scope } from "./scope.js";

const SESSION = {
  type: "realtime",
  model: "gpt-realtime",
  audio: { input: { transcription: { model: "gpt-realtime-whisper" } } },
};
const EVENT_LIMIT = 2000; // of the list, not of the call
const HINTS = {
  microphone: "A voice is not understood, only repeated: words come with tones or as text.",
  tones: "What you type is sounded as tonecode, which the emulator understands to the letter.",
};
const STATES = {
  idle: "Ready to call",
  calling: "Calling…",
  connecting: "Connecting…",
  connected: "Connected",
  interrupted: "The connection is interrupted…",
};
const NAMES = { you: "You", emulator: "Emulator", call: "Function call", output: "Function output" };

const $ = (id) => document.getElementById(id);
const scope = new Scope($("scope"));
let call = null;
let sound = null;
let talk = new Conversation();
let events = [];
let clock = null;

// ── what the user does ───────────────────────────────────────────────────────

$("call").onclick = () => (call ? call.hangUp() : start());
$("mute").onclick = () => mute(!sound.isMuted);
$("keys").onclick = () => {
  const shown = $("keypad").hidden;
  $("keypad").hidden = !shown;
  $("keys").setAttribute("aria-expanded", shown);
  if (shown) $("keypad").querySelector("button").focus();
};
$("composer").onsubmit = (submit) => {
  submit.preventDefault();
  take(async (words) => {
    $("composer").setAttribute("aria-busy", true);
    await sound.say(words);
    $("composer").setAttribute("aria-busy", false);
  });
};
$("send").onclick = () => take(sendText);
$("copy").onclick = () => copy($("copy"), $("call-id").textContent);
$("copy-events").onclick = () => copy($("copy-events"), JSON.stringify(events, null, 2));
$("filter").oninput = () => {
  for (const row of $("events").children) row.hidden = !isWanted(row.dataset.type);
};
for (const choice of document.getElementsByName("source")) choice.onchange = showSource;
addEventListener("pagehide", () => call?.hangUp());

async function start() {
  call = new Call();
  sound = new Sound();
  reset();
  const current = { call, sound };
  call.addEventListener("state", ({ detail }) => current.call === call && showState(detail));
  call.addEventListener("sent", ({ detail }) => record("sent", detail.event));
  call.addEventListener("received", ({ detail }) => record("received", detail.event));
  call.addEventListener("stats", ({ detail }) => showStats(detail));
  call.addEventListener("track", ({ detail }) => {
    $("remote").srcObject = detail.stream;
    current.sound.listen(detail.stream);
  });
  showState({ state: "calling" });
  try {
    if (source() === "microphone") await current.sound.openMicrophone();
    if (current.call.state === "ended") return;
    await current.call.start({ track: current.sound.track, session: SESSION });
    current.call.send({ type: "response.create" }); // it speaks first only when asked to
  } catch (error) {
    const isHungUp = current.call.state === "ended" && !error.advice;
    current.call.hangUp();
    if (!isHungUp) showProblem(error);
  }
}

function take(use) {
  const words = $("words").value.trim();
  if (!words || !call) return;
  use(words);
  $("words").value = "";
  $("words").focus();
}

function sendText(text) {
  const content = [{ type: "input_text", text }];
  call.send({ type: "conversation.item.create", item: { type: "message", role: "user", content } });
  call.send({ type: "response.create" });
}

function press(key) {
  const isEvent = call.hasKeys;
  if (isEvent) call.press(key);
  sound.press(key);
  show(talk.remark(isEvent ? `Key ${key}, sent as a key` : `Key ${key}, sent as sound`));
}

function mute(on) {
  sound.mute(on);
  $("mute").setAttribute("aria-pressed", on);
  $("mute").querySelector("use").setAttribute("href", on ? "#icon-muted" : "#icon-microphone");
  $("mute").querySelector("span").textContent = on ? "Muted" : "Mute";
}

// ── what is shown ────────────────────────────────────────────────────────────

function reset() {
  talk = new Conversation();
  events = [];
  $("conversation").replaceChildren();
  $("events").replaceChildren();
  $("event-count").textContent = "0";
  $("facts").hidden = true;
  $("problem").hidden = true;
  scope.run(() => sound.levels());
}

function showState({ state, why }) {
  const isOver = state === "ended";
  const isUp = state === "connected" || state === "interrupted";
  $("status").dataset.state = state;
  $("status-text").textContent = isOver ? why : STATES[state];
  $("call").classList.toggle("hang-up", !isOver);
  $("call").querySelector("use").setAttribute("href", isOver ? "#icon-phone" : "#icon-hang-up");
  $("call").querySelector("span").textContent = isOver ? "Call" : "Hang up";
  $("choice").hidden = !isOver;
  for (const id of ["mute", "keys", "words", "say", "send"]) $(id).disabled = !isUp;
  $("empty").hidden = !isOver && isUp;
  if (isUp) showFacts();
  if (isOver) finish(why);
}

function finish(why) {
  clearInterval(clock);
  clock = null;
  mute(false);
  $("keypad").hidden = true;
  $("keys").setAttribute("aria-expanded", false);
  $("speaking").textContent = "";
  $("remote").srcObject = null;
  if (talk.entries.size) show(talk.remark(`${why} after ${$("timer").textContent || "0:00"}`));
  scope.stop();
  sound.close();
  call = null;
}

function showFacts() {
  if (clock) return;
  const begun = Date.now();
  const tick = () => {
    const seconds = Math.floor((Date.now() - begun) / 1000);
    $("timer").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  };
  clock = setInterval(tick, 1000);
  tick();
  const id = call.id ?? "unknown";
  $("call-id").textContent = id;
  $("journal").href = `journal?limit=5000&call_id=${encodeURIComponent(id)}`;
  $("fact-sound").textContent = `connected in ${call.connectedIn} ms`;
  $("facts").hidden = false;
  $("keypad-hint").textContent = call.hasKeys
    ? "Keys leave as telephone events (RFC 4733)."
    : "The service documents no keys over WebRTC: a key leaves as its two tones, as sound.";
}

function showStats({ codec, roundTrip, lost }) {
  const parts = [codec === "opus" ? "Opus" : (codec ?? "no sound yet")];
  if (roundTrip !== null) parts.push(`${Math.max(1, Math.round(roundTrip * 1000))} ms away`);
  parts.push(lost ? `${lost} packets lost` : "nothing lost");
  $("fact-sound").textContent = parts.join(" · ");
}

function showSource() {
  $("source-hint").textContent = HINTS[source()];
}

const source = () => document.querySelector("input[name=source]:checked").value;

function showProblem(error) {
  const { title, advice, offer } = explain(error);
  const heading = Object.assign(document.createElement("strong"), { textContent: title });
  const text = Object.assign(document.createElement("p"), { textContent: advice });
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: offer });
  button.onclick = () => {
    if (offer === CALL_WITH_TONES) document.querySelector("input[value=tones]").checked = true;
    showSource();
    $("call").focus();
    start();
  };
  $("problem").replaceChildren(heading, text, button);
  $("problem").hidden = false;
  $("status-text").textContent = "No call";
  $("status").dataset.state = "failed";
}

const CALL_WITH_TONES = "Call with tones instead";

function explain(error) {
  if (error instanceof CallError) return { title: error.message, advice: error.advice, offer: "Try again" };
  const known = {
    NotFoundError: ["No microphone", "This machine has none, or the browser sees none. Plug one in, or type and let the page sound it as tones."],
    NotAllowedError: ["The microphone is not allowed", "Allow it in the browser's address bar, or type and let the page sound it as tones."],
    NotReadableError: ["The microphone is busy", "Another program has it. Close that one, or type and let the page sound it as tones."],
    SecurityError: ["No microphone at this address", "Browsers give it only to http://localhost and https:// pages. Open this page there, or use tones."],
  }[error.name] ?? [`Something went wrong: ${error.name}`, error.message];
  return { title: known[0], advice: known[1], offer: CALL_WITH_TONES };
}

function record(direction, event) {
  events.push({ direction, at: Date.now() / 1000, ...event });
  addEvent(direction, event);
  for (const entry of talk.apply(event)) show(entry);
  const { you, emulator } = talk.speaking;
  $("speaking").textContent = you ? "You are speaking" : emulator ? "The emulator is speaking" : "";
  $("speaking").dataset.who = you ? "you" : "emulator";
}

function show(entry) {
  let row = document.getElementById(`entry-${entry.id}`);
  if (!row) {
    row = document.createElement("li");
    row.id = `entry-${entry.id}`;
    row.append(part("who"), part("text"), part("note"));
    $("conversation").append(row);
  }
  row.className = `entry ${entry.kind} ${entry.state}`;
  const isFunction = entry.kind === "call" || entry.kind === "output";
  row.querySelector(".who").textContent = entry.kind === "call" ? `${NAMES.call} ${entry.note}` : (NAMES[entry.kind] ?? "");
  row.querySelector(".text").textContent = isFunction ? pretty(entry.text) : entry.text;
  row.querySelector(".note").textContent = isFunction ? "" : entry.note;
  $("empty").hidden = true;
  $("scroll").scrollTop = $("scroll").scrollHeight;
  if (entry.state !== "speaking" && row.dataset.told !== entry.state) {
    row.dataset.told = entry.state;
    announce([NAMES[entry.kind], entry.text, entry.note].filter(Boolean).join(": "));
  }
}

function part(name) {
  return Object.assign(document.createElement(name === "text" ? "p" : "span"), { className: name });
}

function announce(text) {
  const line = Object.assign(document.createElement("span"), { textContent: text });
  $("announcer").append(line);
  if ($("announcer").childElementCount > 20) $("announcer").firstElementChild.remove();
}

function addEvent(direction, event) {
  const row = document.createElement("li");
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  const arrow = Object.assign(document.createElement("span"), { className: `arrow ${direction}` });
  arrow.setAttribute("aria-label", direction);
  const type = Object.assign(document.createElement("code"), { textContent: event.type });
  const time = Object.assign(document.createElement("time"), { textContent: new Date().toISOString().slice(11, 23) });
  summary.append(time, arrow, type);
  details.append(summary);
  details.ontoggle = () => {
    if (details.open && details.childElementCount === 1) {
      details.append(Object.assign(document.createElement("pre"), { textContent: JSON.stringify(event, null, 2) }));
    }
  };
  row.dataset.type = event.type;
  row.hidden = !isWanted(event.type);
  row.append(details);
  $("events").append(row);
  if ($("events").childElementCount > EVENT_LIMIT) $("events").firstElementChild.remove();
  $("event-count").textContent = events.length;
}

const isWanted = (type) => type.includes($("filter").value.trim());

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text; // half of it, or no JSON at all
  }
}

async function copy(button, text) {
  const before = button.textContent;
  await navigator.clipboard.writeText(text);
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = before), 1500);
}

// ── at the start ─────────────────────────────────────────────────────────────

for (const key of KEYS.join("")) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: key });
  button.onclick = () => call && press(key);
  $("keypad").insertBefore(button, $("keypad-hint"));
}
$("keypad").onkeydown = (event) => {
  const button = [...$("keypad").querySelectorAll("button")].find(({ textContent }) => textContent === event.key);
  if (button && call) {
    button.focus();
    press(event.key);
  }
};
showSource();
