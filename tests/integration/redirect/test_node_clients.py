"""Node.js programs written for api.openai.com meet the emulator unchanged, by their environment alone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from integration.redirect.stand_in import StandIn

NODE_CLIENTS = {
    "https": """
const https = require("https");
https.get("https://api.openai.com/v1/models", { headers: H }, (r) => r.on("data", (d) => console.log(String(d))));""",
    "https with an agent": """
const https = require("https");
const agent = new https.Agent({ keepAlive: true });
https.get({ hostname: "api.openai.com", path: "/v1/models", headers: H, agent }, (r) => {
  r.on("data", (d) => console.log(String(d))); r.on("end", () => agent.destroy()); });""",
    "fetch": """
fetch("https://api.openai.com/v1/models", { headers: H }).then((r) => r.text()).then(console.log);""",
    "undici": """
require("undici").fetch("https://api.openai.com/v1/models", { headers: H }).then((r) => r.text()).then(console.log);""",
    "axios": """
require("axios").get("https://api.openai.com/v1/models", { headers: H })
  .then((r) => console.log(JSON.stringify(r.data)));""",
    "axios without proxy": """
require("axios").get("https://api.openai.com/v1/models", { headers: H, proxy: false })
  .then((r) => console.log(JSON.stringify(r.data)));""",
    "tls.connect(port, host)": """
const socket = require("tls").connect(443, "api.openai.com", () => socket.write(
  `GET /v1/models HTTP/1.0\\r\\nHost: api.openai.com\\r\\nAuthorization: ${H.Authorization}\\r\\n\\r\\n`));
socket.on("data", (d) => console.log(String(d)));""",
    "tls.connect(options)": """
const tls = require("tls");
const socket = tls.connect({ host: "API.openai.com", port: "443", servername: "api.openai.com",
                             secureContext: tls.createSecureContext() });
socket.on("secureConnect", () => socket.write(
  `GET /v1/models HTTP/1.0\\r\\nHost: api.openai.com\\r\\nAuthorization: ${H.Authorization}\\r\\n\\r\\n`));
socket.on("data", (d) => console.log(String(d)));""",
    "openai with a base URL of its own": """
const OpenAI = require("openai");
new OpenAI({ baseURL: "https://api.openai.com/v1" }).models.list().then((r) => console.log(JSON.stringify(r.data)));""",
    "worker": """
const { Worker } = require("worker_threads");
new Worker(`fetch("https://api.openai.com/v1/models", { headers: ${JSON.stringify(H)} })
  .then((r) => r.text()).then((text) => require("worker_threads").parentPort.postMessage(text));`, { eval: true })
  .on("message", console.log);""",
    "child process": """
const code = `fetch("https://api.openai.com/v1/models", { headers: ${JSON.stringify(H)} })
  .then((r) => r.text()).then(console.log);`;
require("child_process").spawn(process.execPath, ["-e", code], { stdio: "inherit" });""",
    "ws": """
const socket = new (require("ws"))("wss://api.openai.com/v1/realtime", { headers: H });
socket.on("open", () => socket.send("from-ringback"));
socket.on("message", (data) => { console.log(String(data)); socket.close(); });""",
}
NODE_PREAMBLE = 'const H = { Authorization: "Bearer " + process.env.OPENAI_API_KEY };\n'


@pytest.fixture(scope="session")
def node(
    program: Callable[[str], str], node_modules: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], list[str]]:
    """`node(name, code)` is the command that runs `code` beside the packages that it may want."""
    folder = tmp_path_factory.mktemp("node")
    (folder / "node_modules").symlink_to(node_modules)

    def write(name: str, code: str) -> list[str]:
        (folder / name).write_text(code)
        return [program("node"), str(folder / name)]

    return write


@pytest.mark.parametrize("name", NODE_CLIENTS)
async def test_node_client_reaches_emulator(
    stand_in: StandIn, node: Callable[[str, str], list[str]], name: str
) -> None:
    command = node("client.cjs", NODE_PREAMBLE + NODE_CLIENTS[name])
    status, out, err = await stand_in.run(*command)
    assert (status, err) == (0, "")
    assert "from-ringback" in out
    assert stand_in.seen == stand_in.once


async def test_node_module_reaches_emulator_when_it_imports_by_name(
    stand_in: StandIn, node: Callable[[str, str], list[str]]
) -> None:
    code = """
import { connect } from "node:tls";
import WebSocket from "ws";
const socket = new WebSocket("wss://api.openai.com/v1/realtime", { headers: H });
socket.on("open", () => socket.send("hello"));
socket.on("message", (data) => { console.log(String(data)); socket.close(); });
const plain = connect(443, "api.openai.com", () => { console.log(plain.authorized); plain.end(); });"""
    status, out, err = await stand_in.run(*node("client.mjs", NODE_PREAMBLE + code))
    assert (status, err) == (0, "")
    assert sorted(out.split("\n")) == ["", "echo hello", "true"]


BASE_URL_CLIENTS = {
    "ws": """
const socket = new (require("ws"))(url, { headers: H });
socket.on("open", () => socket.send("from-ringback"));
socket.on("message", (data) => { console.log(String(data)); socket.close(); });""",
    "tls.connect(port, host)": """
const socket = require("tls").connect(Number(url.port), url.hostname, () => socket.write(
  `GET /v1/models HTTP/1.0\\r\\nHost: ${url.host}\\r\\nAuthorization: ${H.Authorization}\\r\\n\\r\\n`));
socket.on("data", (d) => console.log(String(d)));""",
}


@pytest.mark.parametrize("name", BASE_URL_CLIENTS)
async def test_node_client_makes_wss_of_the_base_url(
    stand_in: StandIn, node: Callable[[str, str], list[str]], name: str
) -> None:
    url = 'const url = new URL(process.env.OPENAI_BASE_URL.replace("http", "wss") + "/realtime");\n'
    status, out, err = await stand_in.run(*node("client.cjs", NODE_PREAMBLE + url + BASE_URL_CLIENTS[name]))
    assert (status, err) == (0, "")
    assert "from-ringback" in out
    bearer = "Bearer " + stand_in.environment["OPENAI_API_KEY"]
    assert stand_in.seen == [("https", f"127.0.0.1:{stand_in.http[1]}", bearer)]
