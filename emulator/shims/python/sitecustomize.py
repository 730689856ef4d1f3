"""Loaded by every Python program that `ringback exec` starts: connections to api.openai.com end at the emulator.

Python imports `sitecustomize` by itself at its start; `PYTHONPATH` leads to this folder. Nothing here may break the
program: no dependency, no import of a module that it does not import, any Python from 3.7 on, and whatever goes wrong
leaves the program as it was. Afterwards the `sitecustomize` that this one hides is run.
"""

import os
import sys

_MARKER = "127.83.67.1"  # anyio and others keep only the address: it must be recognised in connect()
_ZONE = "openai.com"
_told = set()


def _bare(host):
    if isinstance(host, (bytes, bytearray)):
        host = bytes(host).decode("ascii", "replace")
    return host.rstrip(".").lower() if isinstance(host, str) else ""


class _Redirect:
    def __init__(self, to, ca, hosts):
        host, _, port = to.rpartition(":")
        self.to = (host, int(port))
        self.ca = ca
        self.hosts = frozenset(hosts.split(","))

    def serves(self, host):
        return _bare(host) in self.hosts

    def refusal(self, host, port=None):
        """The sentence for what is neither served nor let through, else None. It is also said once on stderr."""
        name = _bare(host)
        if name in self.hosts or name == _MARKER:
            if port in (None, 443, "443", "https", b"https"):
                return None
            name = "%s:%s" % (sorted(self.hosts)[0] if name == _MARKER else name, port)  # noqa: UP031
        elif name != _ZONE and not name.endswith("." + _ZONE):
            return None
        served = ", ".join("https://" + known for known in sorted(self.hosts))
        sentence = f"ringback does not serve {name}, only {served}, and lets nothing through to {_ZONE}"
        if name not in _told:
            _told.add(name)
            try:  # noqa: SIM105 - contextlib would be one more import
                sys.stderr.write("ringback: " + sentence + "\n")
            except (AttributeError, OSError, ValueError):
                pass
        return sentence

    # -- socket ---------------------------------------------------------------------------------------------------

    def patch_socket(self, socket):
        for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
            setattr(socket, name, _named(self.resolver(socket, getattr(socket, name)), getattr(socket, name)))
        self.patch_connect(socket, socket.socket)

    def resolver(self, socket, original):
        """`original`, which looks up names, but for those that are ours. It answers without asking anybody."""
        takes_port = original.__name__ == "getaddrinfo"

        def resolve(host, *args, **kwargs):
            port = (args[0] if args else kwargs.get("port")) if takes_port else None
            sentence = self.refusal(host, port)
            if sentence is not None:
                raise socket.gaierror(socket.EAI_NONAME, sentence)
            if not self.serves(host):
                return original(host, *args, **kwargs)
            family = args[1] if len(args) > 1 else kwargs.get("family", 0)
            if takes_port and family not in (0, socket.AF_INET):  # one IPv4 answer keeps Happy Eyeballs quiet
                raise socket.gaierror(socket.EAI_NONAME, "ringback serves this name over IPv4 only")
            return original(_MARKER, *args, **kwargs)

        return resolve

    def patch_connect(self, socket, kind):
        def redirected(original):
            def connect(sock, address):
                return original(sock, self.address(socket, address))

            return _named(connect, original)

        kind.connect = redirected(kind.connect)
        kind.connect_ex = redirected(kind.connect_ex)

    def address(self, socket, address):
        """Where a socket is to connect that was told `address`."""
        if not isinstance(address, tuple) or len(address) < 2:
            return address
        sentence = self.refusal(address[0], address[1])
        if sentence is not None:
            raise socket.gaierror(socket.EAI_NONAME, sentence)
        return self.to if address[0] == _MARKER or self.serves(address[0]) else address

    # -- ssl ------------------------------------------------------------------------------------------------------

    def patch_ssl(self, ssl):
        def wrapper(original, position):
            def wrap(context, *args, **kwargs):
                name = kwargs.get("server_hostname")
                if name is None and len(args) > position:
                    name = args[position]
                if self.serves(name):
                    try:  # noqa: SIM105
                        context.load_verify_locations(self.ca)
                    except (OSError, AttributeError, TypeError):
                        pass  # the emulator is gone, or this is no common context: the handshake will tell
                return original(context, *args, **kwargs)

            return _named(wrap, original)

        ssl.SSLContext.wrap_socket = wrapper(ssl.SSLContext.wrap_socket, 4)
        ssl.SSLContext.wrap_bio = wrapper(ssl.SSLContext.wrap_bio, 3)

    # -- those that resolve names or connect without Python's sockets ---------------------------------------------

    def patch_uvloop(self, uvloop):
        import socket

        loop = uvloop.Loop
        create_connection, sock_connect, getaddrinfo = loop.create_connection, loop.sock_connect, loop.getaddrinfo

        async def redirected_create_connection(loop, protocol_factory, host=None, port=None, **kwargs):
            if host is not None:
                new_host, new_port = self.address(socket, (host, port))[:2]
                if (new_host, new_port) != (host, port):
                    if kwargs.get("ssl") and kwargs.get("server_hostname") is None:
                        kwargs["server_hostname"] = host
                    kwargs.pop("family", None)
                    host, port = new_host, new_port
            return await create_connection(loop, protocol_factory, host, port, **kwargs)

        async def redirected_sock_connect(loop, sock, address):
            return await sock_connect(loop, sock, self.address(socket, address))

        async def redirected_getaddrinfo(loop, host, port, **kwargs):
            if self.serves(host) or self.refusal(host) is not None:
                return socket.getaddrinfo(host, port, **kwargs)  # ours: answers without asking anybody
            return await getaddrinfo(loop, host, port, **kwargs)

        loop.create_connection = redirected_create_connection
        loop.sock_connect = redirected_sock_connect
        loop.getaddrinfo = redirected_getaddrinfo

    def patch_aiohttp_resolver(self, resolver):
        import socket

        original = resolver.AsyncResolver.resolve  # c-ares asks the DNS itself

        async def resolve(instance, host, port=0, *args, **kwargs):
            sentence = self.refusal(host)
            if sentence is not None:
                raise OSError(None, sentence)
            if not self.serves(host):
                return await original(instance, host, port, *args, **kwargs)
            return [
                {
                    "hostname": host,
                    "host": _MARKER,
                    "port": port,
                    "family": socket.AF_INET,
                    "proto": 0,
                    "flags": socket.AI_NUMERICHOST,
                }
            ]

        resolver.AsyncResolver.resolve = resolve

    def patch_gevent_resolver(self, thread):
        import socket

        def redirected(original):
            def resolve(resolver, host, *args, **kwargs):
                def look_up(*arguments, **options):
                    return original(resolver, *arguments, **options)

                return self.resolver(socket, _named(look_up, original))(host, *args, **kwargs)

            return _named(resolve, original)

        for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
            setattr(thread.Resolver, name, redirected(getattr(thread.Resolver, name)))

    def patch_gevent_socket(self, module):
        import socket

        self.patch_connect(socket, module.socket)


def _named(function, original):
    function.__name__ = original.__name__
    function.__wrapped__ = original
    return function


class _PatchOnImport:
    """A finder that finds nothing itself, but patches a module once the finder behind it has loaded it."""

    def __init__(self, patches):
        self.patches = patches

    def find_spec(self, name, path=None, target=None):
        patch = self.patches.get(name)
        if patch is None:
            return None
        for finder in sys.meta_path:
            find_spec = None if finder is self else getattr(finder, "find_spec", None)
            spec = find_spec and find_spec(name, path, target)
            if spec is not None:
                break
        else:
            return None
        loader = spec.loader
        if loader is None or isinstance(loader, type):  # a class is shared by many modules
            return spec
        execute = loader.exec_module

        def exec_module(module):
            execute(module)
            if module.__name__ == name:
                _attempt(patch, module)

        try:  # noqa: SIM105
            loader.exec_module = exec_module
        except AttributeError:
            pass
        return spec


def _attempt(patch, module):
    try:
        patch(module)
    except Exception as error:  # noqa: BLE001 - the program must run, whatever its modules look like
        sys.stderr.write(f"ringback: {module.__name__} is not redirected to the emulator: {error!r}\n")


def _install():
    to, ca = os.environ.get("RINGBACK_REDIRECT_TO"), os.environ.get("RINGBACK_REDIRECT_CA")
    if not to or not ca:
        return
    redirect = _Redirect(to, ca, os.environ.get("RINGBACK_REDIRECT_HOSTS", "api.openai.com"))
    patches = {
        "socket": redirect.patch_socket,
        "ssl": redirect.patch_ssl,
        "uvloop": redirect.patch_uvloop,
        "aiohttp.resolver": redirect.patch_aiohttp_resolver,
        "gevent.resolver.thread": redirect.patch_gevent_resolver,
        "gevent._socket3": redirect.patch_gevent_socket,
        "gevent.ssl": redirect.patch_ssl,
    }
    sys.meta_path.insert(0, _PatchOnImport(patches))
    for name in list(patches):
        if name in sys.modules:
            _attempt(patches[name], sys.modules[name])


def _run_next():
    """Run the `sitecustomize` that Python would have found without this one, as if this one were not there."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    here = os.path.dirname(os.path.abspath(__file__))
    others = [path for path in sys.path if os.path.abspath(path) != here]
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


try:
    _install()
except Exception as error:  # noqa: BLE001 - the program must run
    sys.stderr.write(f"ringback: this program is not redirected to the emulator: {error!r}\n")
_run_next()
