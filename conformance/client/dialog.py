"""A dialog (RFC 3261 12): what every request after the INVITE is made of."""

from collections.abc import Iterable, Mapping

from .messages import Request, Response, new_request, split_list, tag_of, uri_of

Header = tuple[str, str]


class Dialog:
    """One dialog, kept byte for byte as the far end wrote its part: tags and routes must come back unchanged.

    Made from the INVITE and its first response with a To tag (as the caller), or the other way round (as the callee).
    """

    def __init__(self, invite: Request, response: Response, *, is_caller: bool) -> None:
        contact = split_list((response if is_caller else invite).headers.getlist("Contact"))
        route = split_list((response if is_caller else invite).headers.getlist("Record-Route"))
        self.call_id = invite.headers["Call-ID"]
        self.local = invite.headers["From"] if is_caller else response.headers["To"]
        self.remote = response.headers["To"] if is_caller else invite.headers["From"]
        # 12.1.1: the callee takes the set in order; 12.1.2: the caller in reverse order.
        self.routes = route[::-1] if is_caller else route
        fallback = str(invite.uri) if is_caller else uri_of(invite.headers["From"])
        self.remote_target = uri_of(contact[0]) if contact else fallback
        self.local_sequence = invite.cseq.sequence if is_caller else 0

    @property
    def local_tag(self) -> str | None:
        return tag_of(self.local)

    @property
    def remote_tag(self) -> str | None:
        return tag_of(self.remote)

    def matches(self, request: Request) -> bool:
        """Does a request from the far end belong to this dialog? (12.2.2)"""
        return (
            request.headers["Call-ID"] == self.call_id
            and tag_of(request.headers["To"]) == self.local_tag
            and tag_of(request.headers["From"]) == self.remote_tag
        )

    def update_target(self, message: Request | Response) -> None:
        """12.2.1.2: a 2xx to a re-INVITE, or a re-INVITE from the far end, may move its Contact."""
        contact = split_list(message.headers.getlist("Contact"))
        if contact:
            self.remote_target = uri_of(contact[0])

    def request(
        self,
        method: str,
        *,
        via: str,
        contact: str | None = None,
        headers: Iterable[Header] = (),
        body: bytes = b"",
        sequence: int | None = None,
        replace: Mapping[str, str | None] | None = None,
    ) -> Request:
        """The next request of our side; `sequence` is only for ACK, which repeats the INVITE's number (13.2.2.4)."""
        if sequence is None:
            self.local_sequence += 1
            sequence = self.local_sequence
        uri, routes = self._uri_and_routes()
        ordered: list[Header] = [("Via", via), ("Max-Forwards", "70"), *(("Route", each) for each in routes)]
        ordered += [("From", self.local), ("To", self.remote), ("Call-ID", self.call_id)]
        ordered.append(("CSeq", f"{sequence} {method}"))
        if contact is not None:
            ordered.append(("Contact", contact))
        ordered += headers
        return new_request(method, uri, ordered, body=body, replace=replace)

    def next_hop(self) -> str:
        """The URI whose host the next request goes to, if the flow of the INVITE can't be used."""
        return uri_of(self.routes[0]) if self.routes else self.remote_target

    def _uri_and_routes(self) -> tuple[str, list[str]]:
        if self.routes and ";lr" not in uri_of(self.routes[0]).lower():
            # 12.2.1.1: a strict router wants itself in the request-URI and the target as the last route.
            return uri_of(self.routes[0]), [*self.routes[1:], f"<{self.remote_target}>"]
        return self.remote_target, self.routes
