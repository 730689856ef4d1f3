// Text as tones that the emulator reads back exactly. docs/tonecode.md specifies every number here.

const FRAME_BYTES = 12;
const GROUP = 8;
const SYMBOL = 0.005; // seconds
const RAMP = 0.003;
const TAIL = 0.02;
const AMPLITUDE = 0.3;
const LEAD_IN = Array(11).fill([4, 4, 8, 8]).flat();
const SYNC = [6, 2, 9, 0, 13, 11, 4];
const GENERATOR = [0x01, 0x3f, 0x01, 0xda, 0x20, 0xe3, 0x26];
const WHITENING = [
  0xff, 0xe1, 0x1d, 0x9a, 0xed, 0x85, 0x33, 0x24, 0xea, 0x7a, 0xd2, 0x39, 0x70, 0x97, 0x57, 0x0a, 0x54, 0x7d, 0x2d,
  0xd8, 0x6d, 0x0d,
];

const POWERS = [];
const LOGS = [];
for (let exponent = 0, value = 1; exponent < 255; exponent++) {
  POWERS[exponent] = POWERS[exponent + 255] = value;
  LOGS[value] = exponent;
  value = value << 1 > 255 ? (value << 1) ^ 0x11d : value << 1;
}

const multiply = (a, b) => (a && b ? POWERS[LOGS[a] + LOGS[b]] : 0);
const divide = (a, b) => (a ? POWERS[LOGS[a] + 255 - LOGS[b]] : 0);

/** The sound of a text, between -1 and 1. Number utterances in turn, so that a listener can tell them apart. */
export function encode(text, { utterance = 0, sampleRate = 48000 } = {}) {
  const symbols = [...LEAD_IN];
  for (const word of words(text, utterance)) {
    symbols.push(...SYNC);
    for (const byte of word) {
      for (const nibble of [byte >> 4, byte & 15]) symbols.push(nibble ^ (nibble >> 1));
    }
  }
  const end = symbols.length * SYMBOL;
  const samples = new Float32Array(Math.round((end + TAIL) * sampleRate));
  for (let n = 0; n < samples.length; n++) {
    const at = n / sampleRate;
    const tone = symbols[Math.min(Math.floor(at / SYMBOL + 1e-9), symbols.length - 1)];
    const level = Math.min(1, at / RAMP, Math.max(0, 1 - (at - end) / RAMP));
    samples[n] = AMPLITUDE * level * Math.sin(2 * Math.PI * (400 + 200 * tone) * at);
  }
  return samples;
}

/** The frames of a text, 22 bytes each, in the order in which they are sounded. */
export function* words(text, utterance) {
  const data = new TextEncoder().encode(text);
  const padding = FRAME_BYTES - ((4 + data.length) % FRAME_BYTES);
  const payload = [...bytesOf(crc32(data), 4), ...data, ...Array(padding).fill(padding)];
  const blocks = [];
  for (let start = 0; start < payload.length; start += FRAME_BYTES) {
    blocks.push(payload.slice(start, start + FRAME_BYTES));
  }
  for (let start = 0; start < blocks.length; start += GROUP) {
    const group = blocks.slice(start, start + GROUP);
    const end = start + group.length - 1;
    const isLast = end === blocks.length - 1;
    for (const [place, block] of group.entries()) {
      yield word(utterance, isLast && start + place === end ? 1 : 0, 0, start + place, block);
    }
    for (let parity = 0; parity < (isLast && group.length <= 4 ? 1 : 2); parity++) {
      yield word(utterance, isLast ? 3 : 2, parity, end, parityBlock(group, parity));
    }
  }
}

function parityBlock(group, parity) {
  const sum = Array(FRAME_BYTES).fill(0);
  for (const [place, block] of group.entries()) {
    for (const [index, byte] of block.entries()) sum[index] ^= divide(byte, (8 + parity) ^ place);
  }
  return sum;
}

function word(utterance, kind, index, sequence, block) {
  const body = [((utterance % 8) << 5) | (kind << 3) | index, sequence % 256, ...block];
  body.push(...bytesOf(crc16(body), 2));
  const division = [...body, ...Array(6).fill(0)];
  for (let place = 0; place < body.length; place++) {
    const factor = division[place];
    for (const [offset, coefficient] of GENERATOR.entries()) division[place + offset] ^= multiply(factor, coefficient);
  }
  return [...body, ...division.slice(body.length)].map((byte, place) => byte ^ WHITENING[place]);
}

function crc16(bytes) {
  let crc = 0x1d0f;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function bytesOf(number, count) {
  return Array.from({ length: count }, (_, place) => (number >>> (8 * (count - 1 - place))) & 255);
}
