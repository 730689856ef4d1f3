"use strict";
// Loaded by every Node.js program that `ringback exec` starts (NODE_OPTIONS=--require): connections to api.openai.com
// end at the emulator. Nothing here may break the program: whatever goes wrong leaves it as it was, and the syntax is
// that of Node.js 10, so that an old one does not stumble over it.

const { RINGBACK_REDIRECT_TO, RINGBACK_REDIRECT_CA, RINGBACK_REDIRECT_HOSTS, RINGBACK_REDIRECT_PLAIN } = process.env;
const ZONE = "openai.com";

function install(to, caFile, hosts, plain) {
  const fs = require("fs");
  const net = require("net");
  const tls = require("tls");
  const colon = to.lastIndexOf(":");
  const target = { host: to.slice(0, colon), port: Number(to.slice(colon + 1)) };
  const told = new Set();
  let certificate;

  const bare = (host) => (typeof host === "string" ? host.replace(/\.+$/, "").toLowerCase() : "");
  const serves = (host) => hosts.has(bare(host));
  const inZone = (host) => bare(host) === ZONE || bare(host).endsWith("." + ZONE);

  function refusal(host, port) {
    const name = serves(host) ? `${bare(host)}:${port}` : bare(host);
    const served = [...hosts].map((known) => "https://" + known).join(", ");
    const sentence = `ringback does not serve ${name}, only ${served}, and lets nothing through to ${ZONE}`;
    if (!told.has(name)) {
      told.add(name);
      process.stderr.write(`ringback: ${sentence}\n`);
    }
    return Object.assign(new Error(sentence), { code: "ENOTFOUND", syscall: "getaddrinfo", hostname: host });
  }

  // connect(options[, listener]), connect(port[, host][, listener]), connect(path[, listener]); net.connect() passes
  // the array [options, listener] instead. Null for what isn't TCP to a named host under openai.com.
  function redirected(args) {
    const [first, second] = Array.isArray(args[0]) ? args[0] : args;
    let options;
    if (first !== null && typeof first === "object") options = { ...first };
    else if (typeof second === "string" && Number(first) >= 0) options = { port: first, host: second };
    if (!options || options.path || !inZone(options.host)) return null;
    if (!serves(options.host) || Number(options.port) !== 443) {
      const error = refusal(options.host, options.port);
      options.lookup = (_host, _options, callback) => callback(error);
    } else {
      Object.assign(options, target, { lookup: undefined });
    }
    return Object.assign(options, { family: 4, autoSelectFamily: false });
  }

  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function (...args) {
    const options = redirected(args);
    if (options === null) return connect.apply(this, args);
    const listener = (Array.isArray(args[0]) ? args[0] : args).slice(-1)[0];
    return typeof listener === "function" ? connect.call(this, options, listener) : connect.call(this, options);
  };

  const tlsConnect = tls.connect;
  tls.connect = function (...args) {
    const at = args.findIndex((argument) => argument !== null && typeof argument === "object");
    const given = at < 0 ? {} : args[at];
    const named = given.host || (typeof args[1] === "string" ? args[1] : undefined);
    const port = Number(at === 0 ? given.port : args[0]);
    // The openai package makes wss:// of its base URL, whatever that is: TLS to the plain port means the other one.
    const isPlain = !given.socket && `${named}:${port}` === plain.replace(/[[\]]/g, "");
    if (!isPlain && !serves(given.servername || named)) return tlsConnect.apply(this, args);
    try {
      certificate = certificate || fs.readFileSync(caFile, "utf8");
    } catch {
      return tlsConnect.apply(this, args); // the emulator is gone: the connection will tell
    }
    const options = { ...given };
    if (given.secureContext) given.secureContext.context.addCACert(certificate);
    else options.ca = [].concat(given.ca || [], certificate);
    if (isPlain) {
      const listeners = args.filter((argument) => typeof argument === "function");
      return tlsConnect.call(this, Object.assign(options, target), ...listeners);
    }
    if (at >= 0) args[at] = options;
    else args.splice(typeof args[1] === "string" ? 2 : 1, 0, options);
    return tlsConnect.apply(this, args);
  };

  require("module").syncBuiltinESMExports();
}

if (RINGBACK_REDIRECT_TO && RINGBACK_REDIRECT_CA) {
  try {
    install(
      RINGBACK_REDIRECT_TO,
      RINGBACK_REDIRECT_CA,
      new Set((RINGBACK_REDIRECT_HOSTS || "api.openai.com").split(",")),
      RINGBACK_REDIRECT_PLAIN || "",
    );
  } catch (error) {
    process.stderr.write(`ringback: this program is not redirected to the emulator: ${error}\n`);
  }
}
