"""Calls: from INVITE or SDP offer to their end, as inputs and effects."""
