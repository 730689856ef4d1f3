"""Tools of MCP servers as a session's configuration has them."""

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import InvalidRequest

Tool = Mapping[str, Any]
ADDRESSES = ("server_url", "connector_id", "tunnel_id")
"""One of them says where a server is [SDK]."""


def is_mcp(tool: Tool) -> bool:
    return tool.get("type") == "mcp"


def has_address(tool: Tool) -> bool:
    """Whether a definition is whole."""
    return any(tool.get(key) for key in ADDRESSES)


def check_defined(tools: Iterable[Tool], path: str, *, known: Iterable[str] = ()) -> None:
    """Refuse a server that is named by its label alone, and not `known` [DOC; code and words are ours]."""
    for index, tool in enumerate(tools):
        if is_mcp(tool) and not has_address(tool) and tool["server_label"] not in known:
            raise InvalidRequest(
                f"Missing required parameter: one of '{path}[{index}].server_url' and '{path}[{index}].connector_id'.",
                code="missing_required_parameter",
                param=f"{path}[{index}].server_url",
            )
