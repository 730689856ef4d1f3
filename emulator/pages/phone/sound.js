// What goes out and what comes in: microphone, tones and keys are mixed into one track, and both ways are measured.

import { encode } from "./tonecode.js";

const KEY_ROWS = [697, 770, 852, 941];
const KEY_COLUMNS = [1209, 1336, 1477];
export const KEYS = ["123", "456", "789", "*0#"];
const KEY_SECONDS = 0.16;
const MONITOR_LEVEL = 0.12; // one hears one's own tones, softly
const PAUSE = 0.4; // between two utterances, so that each is a turn of its own

export class Sound {
  /** Call it in an event handler of the user's: browsers start no sound by themselves. */
  constructor() {
    this.context = new AudioContext();
    this.out = this.context.createMediaStreamDestination();
    this.bus = new GainNode(this.context);
    this.monitor = new GainNode(this.context, { gain: MONITOR_LEVEL });
    this.yours = new AnalyserNode(this.context, { fftSize: 1024 });
    this.theirs = new AnalyserNode(this.context, { fftSize: 1024 });
    this.bus.connect(this.out);
    // Browsers send nothing for a graph that nothing plays in, and a line that is dead is not a line that is silent.
    this.silence = new ConstantSourceNode(this.context, { offset: 0 });
    this.silence.connect(this.bus);
    this.silence.start();
    this.bus.connect(this.yours);
    this.monitor.connect(this.context.destination);
    this.utterances = 0;
    this.freeAt = 0;
  }

  /** The one track that the emulator gets. */
  get track() {
    return this.out.stream.getAudioTracks()[0];
  }

  get isMuted() {
    return !this.track.enabled;
  }

  mute(on) {
    this.track.enabled = !on;
  }

  async openMicrophone() {
    if (!navigator.mediaDevices) throw new DOMException("no secure context", "SecurityError");
    this.microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
    if (this.context.state === "closed") this.close(); // whoever called did not wait for it
    else this.context.createMediaStreamSource(this.microphone).connect(this.bus);
  }

  /** Measure what the emulator sends; an audio element plays it. */
  listen(stream) {
    this.context.createMediaStreamSource(stream).connect(this.theirs);
  }

  /** Say a text as tones, after what is still being said. Resolves when it was said. */
  say(text) {
    const rate = this.context.sampleRate;
    const samples = encode(text, { utterance: this.utterances++, sampleRate: rate });
    const buffer = new AudioBuffer({ length: samples.length, sampleRate: rate });
    buffer.copyToChannel(samples, 0);
    const start = Math.max(this.context.currentTime, this.freeAt);
    this.freeAt = start + buffer.duration + PAUSE;
    const source = this.#source(new AudioBufferSourceNode(this.context, { buffer }));
    source.start(start);
    return new Promise((resolve) => (source.onended = resolve));
  }

  /** The two tones of a key. */
  press(key) {
    const row = KEYS.findIndex((keys) => keys.includes(key));
    const now = this.context.currentTime;
    for (const frequency of [KEY_ROWS[row], KEY_COLUMNS[KEYS[row].indexOf(key)]]) {
      const level = new GainNode(this.context, { gain: 0 });
      level.gain.setTargetAtTime(0.25, now, 0.004);
      level.gain.setTargetAtTime(0, now + KEY_SECONDS, 0.006);
      const tone = new OscillatorNode(this.context, { frequency });
      this.#source(level);
      tone.connect(level);
      tone.start(now);
      tone.stop(now + KEY_SECONDS + 0.05);
    }
  }

  /** How loud both ways are now, 0 to 1. */
  levels() {
    return { you: this.isMuted ? 0 : level(this.yours), emulator: level(this.theirs) };
  }

  close() {
    for (const track of this.microphone?.getTracks() ?? []) track.stop();
    if (this.context.state !== "closed") this.context.close();
  }

  #source(node) {
    node.connect(this.bus);
    node.connect(this.monitor);
    return node;
  }
}

function level(analyser) {
  const samples = new Float32Array(analyser.fftSize);
  analyser.getFloatTimeDomainData(samples);
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  const decibels = 10 * Math.log10(power + 1e-9);
  return Math.min(1, Math.max(0, (decibels + 55) / 45));
}
