"""A receptionist on Flask: greets whoever calls, and hands them over to a human when the model says so."""

import json
import threading

from flask import Flask, request
from openai import DefaultHttpxClient, InvalidWebhookSignatureError, OpenAI
from openai.resources.realtime import Realtime  # noqa: F401 -- else imported when first used: a caller would wait
from openai.resources.webhooks import Webhooks  # noqa: F401 -- the same
from websockets import ConnectionClosedError

GREETING = "Thank you for calling, how can I help you?"
TRANSFER = {
    "type": "function",
    "name": "transfer",
    "description": "Hand the caller over to a human.",
    "parameters": {"type": "object", "properties": {"target": {"type": "string"}}, "required": ["target"]},
}

app = Flask(__name__)
connections = DefaultHttpxClient()


@app.post("/openai")
def webhook() -> tuple[str, int]:
    client = OpenAI(http_client=connections)
    try:
        event = client.webhooks.unwrap(request.data, request.headers)
    except InvalidWebhookSignatureError:
        return "This webhook was not signed with our secret.", 400
    if event.type == "realtime.call.incoming":
        call_id = event.data.call_id
        client.realtime.calls.accept(
            call_id,
            type="realtime",
            model="gpt-realtime",
            instructions="You are the receptionist of a shop.",
            tools=[TRANSFER],
        )
        threading.Thread(target=converse, args=(client, call_id), daemon=True).start()
    return "", 200


def converse(client: OpenAI, call_id: str) -> None:
    """At the sideband, until the call is over."""
    try:
        with client.realtime.connect(call_id=call_id) as sideband:
            sideband.response.create(response={"instructions": f"Say to the user '{GREETING}'"})
            for event in sideband:
                if event.type == "response.function_call_arguments.done" and event.name == "transfer":
                    client.realtime.calls.refer(call_id, target_uri=json.loads(event.arguments)["target"])
    except ConnectionClosedError:
        pass  # when the caller hangs up, the service drops the line without a farewell
