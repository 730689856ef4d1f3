"""What the control API needs of an emulator before it is asked for anything: light to import."""

from ringback.emulator.errors import InvalidRequest, NotAsExpected, ResourceNotFound, WrongMoment
from ringback.emulator.errors import UsageError as EmulatorMisused
from ringback.emulator.routes import Api, Asked, Handler, Route, Schema

__all__ = [
    "Api",
    "Asked",
    "EmulatorMisused",
    "Handler",
    "InvalidRequest",
    "NotAsExpected",
    "ResourceNotFound",
    "Route",
    "Schema",
    "WrongMoment",
]
