"""`/_ringback/openapi.json`: it is valid, and has every route that is served."""

from typing import Any

import aiohttp
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from ringback.emulator.server import Emulator


async def described(emulator: Emulator) -> dict[str, Any]:
    async with aiohttp.ClientSession() as http, http.get(f"{emulator.ready.admin_url}/openapi.json") as response:
        document: dict[str, Any] = await response.json()
        return document


def served(emulator: Emulator) -> set[tuple[str, str]]:
    """Method and path of every route outside of `/v1`."""
    routes = {
        (route.method.lower(), route.resource.canonical)
        for route in emulator._runner.app.router.routes()
        if route.resource is not None
    }
    return {(method, path) for method, path in routes if not path.startswith("/v1") and method != "head"}


async def test_document_is_valid_and_has_every_route(emulator: Emulator) -> None:
    document = await described(emulator)
    assert document["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    named = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert named == served(emulator)
    assert ("get", "/_ringback/journal") in named


async def test_operations_have_names_of_their_own_and_say_what_they_do(emulator: Emulator) -> None:
    operations = [one for methods in (await described(emulator))["paths"].values() for one in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert all(operation["summary"].endswith(".") for operation in operations)
    assert all({"400", "403"} <= operation["responses"].keys() for operation in operations)


@pytest.mark.parametrize(
    ("query", "param"), [({"limit": "-1"}, "limit"), ({"limit": "1.5"}, "limit"), ({"kinds": "sip"}, "kinds")]
)
async def test_query_that_the_document_does_not_have_is_refused(
    emulator: Emulator, query: dict[str, str], param: str
) -> None:
    url = f"{emulator.ready.admin_url}/journal"
    async with aiohttp.ClientSession() as http, http.get(url, params=query) as response:
        assert (response.status, (await response.json())["error"]["param"]) == (400, param)
