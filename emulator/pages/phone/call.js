// One call: a secret, an offer, an answer, a data channel. It tells what happens by events:
//   state    { state: "calling" | "connecting" | "connected" | "interrupted" | "ended", why }
//   sent, received  { event }      one event of the data channel
//   track    { stream }            what the emulator says
//   stats    { … }                 once a second

const CONNECT_PATIENCE = 15_000;
const SECRET_SECONDS = 60;

/** What went wrong, and what to do about it. */
export class CallError extends Error {
  constructor(title, advice) {
    super(title);
    this.advice = advice;
  }
}

export class Call extends EventTarget {
  constructor() {
    super();
    this.state = "idle";
    this.id = null;
    this.connectedIn = null;
    this.opened = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    this.opened.catch(() => {}); // whoever awaits start() is told
  }

  /** Resolves when events can be sent. Rejects with a CallError, and then the call has ended. */
  async start({ track, session }) {
    this.#become("calling");
    this.patience = setTimeout(() => this.#failed(noWay()), CONNECT_PATIENCE);
    try {
      const secret = await post("/_ringback/phone/secret", {
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ expires_after: { anchor: "created_at", seconds: SECRET_SECONDS }, session }),
      });
      const { value } = await secret.json();
      await this.#connect(track, value);
    } catch (error) {
      this.#failed(error);
    }
    return this.opened;
  }

  send(event) {
    if (this.channel?.readyState !== "open") return;
    this.channel.send(JSON.stringify(event));
    this.#tell("sent", { event });
  }

  /** Whether keys leave as telephone events, or only as sound. */
  get hasKeys() {
    return this.sender?.dtmf?.canInsertDTMF ?? false;
  }

  press(key) {
    this.sender.dtmf.insertDTMF(key);
  }

  hangUp() {
    this.#end("You hung up");
  }

  async #connect(track, secret) {
    const peer = (this.peer = new RTCPeerConnection());
    peer.ontrack = (event) => this.#tell("track", { stream: event.streams[0] ?? new MediaStream([event.track]) });
    peer.onconnectionstatechange = () => this.#watch(peer.connectionState);
    this.sender = peer.addTrack(track);
    this.channel = peer.createDataChannel("oai-events");
    this.channel.onopen = () => this.#ready();
    this.channel.onclose = () => this.#end("The emulator hung up");
    this.channel.onmessage = ({ data }) => this.#tell("received", { event: JSON.parse(data) });
    await peer.setLocalDescription();
    const begun = performance.now();
    const answer = await post("/v1/realtime/calls", {
      headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/sdp" },
      body: peer.localDescription.sdp,
    });
    this.begun = begun;
    this.id = answer.headers.get("Location")?.split("/").pop() ?? null;
    const sdp = await answer.text();
    if (this.state === "ended") return;
    this.#become("connecting");
    await peer.setRemoteDescription({ type: "answer", sdp });
  }

  #ready() {
    clearTimeout(this.patience);
    this.connectedIn = Math.round(performance.now() - this.begun);
    this.#become("connected");
    this.ticker = setInterval(() => this.#measure(), 1000);
    this.resolve();
  }

  #watch(state) {
    if (state === "failed") this.#failed(noWay());
    if (state === "disconnected") this.#become("interrupted");
    if (state === "connected" && this.state === "interrupted") this.#become("connected");
  }

  async #measure() {
    if (this.state === "ended") return;
    const reports = [...(await this.peer.getStats()).values()];
    const of = (type) => reports.find((report) => report.type === type && (report.kind ?? "audio") === "audio");
    const inbound = of("inbound-rtp");
    const codec = reports.find((report) => report.id === inbound?.codecId);
    const pair = reports.find((report) => report.type === "candidate-pair" && report.nominated);
    this.#tell("stats", {
      codec: codec?.mimeType.replace("audio/", "") ?? null,
      roundTrip: pair?.currentRoundTripTime ?? null,
      lost: inbound?.packetsLost ?? 0,
    });
  }

  #failed(error) {
    if (this.state === "ended") return;
    this.reject(error);
    this.#end(error.message);
  }

  #end(why) {
    if (this.state === "ended") return;
    clearTimeout(this.patience);
    clearInterval(this.ticker);
    this.peer?.close();
    this.#become("ended", why);
    this.reject(new CallError(why));
  }

  #become(state, why = null) {
    if (this.state === "ended" || this.state === state) return;
    this.state = state;
    this.#tell("state", { state, why });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

async function post(url, init) {
  let response;
  try {
    response = await fetch(url, { method: "POST", ...init });
  } catch {
    throw new CallError("The emulator does not answer", "Is `ringback serve` still running at this address?");
  }
  if (response.ok) return response;
  const said = await response.text();
  let message = said;
  try {
    message = JSON.parse(said).error.message;
  } catch {
    // no envelope: the body itself is all there is
  }
  throw new CallError(`The emulator refused the call (HTTP ${response.status})`, message);
}

function noWay() {
  return new CallError(
    "No way through for the sound",
    "Browser and emulator could not reach each other over UDP. If the emulator runs in a container, start it with " +
      "--advertise-ip and publish its UDP ports; if a VPN or firewall is in between, let UDP pass.",
  );
}
