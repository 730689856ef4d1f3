"""Ready configurations for phones, exchanges and trunks that are to call one emulator: `ringback doctor --config`.

The ones for baresip and Kamailio are run by tests; those of the others follow their makers' documentation.
"""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODULE_FOLDERS = ("/usr/lib/baresip/modules", "/usr/lib64/baresip/modules", "/usr/local/lib/baresip/modules")
MULTIARCH_MODULES = "*/baresip/modules"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """What a phone needs to know of an emulator: where it is, whom to dial, whom to trust."""

    project: str
    host: str
    """Without brackets, also for IPv6."""
    ports: Mapping[str, int]
    """By transport: tls, tcp, udp."""
    ca_file: str
    srtp: str = "preferred"
    """The emulator's setting: `required`, `preferred`, `refused`."""

    @classmethod
    def of(cls, ready: Mapping[str, Any]) -> "Addresses":
        """From what `--ready-json` writes and `/_ringback/ready` says."""
        ports, host = {}, "127.0.0.1"
        for transport, uri in ready["sip"].items():
            host, _, port = uri.partition("@")[2].partition(";")[0].rpartition(":")
            ports[transport] = int(port)
        return cls(
            project=ready["project_id"],
            host=host.strip("[]"),
            ports=ports,
            ca_file=ready["ca_file"],
            srtp=ready["srtp"],
        )

    def uri(self, transport: str) -> str:
        """What a phone dials."""
        return f"sip:{self.project}@{self.hostport(transport)};transport={transport}"

    def hostport(self, transport: str) -> str:
        return f"{self.bracketed}:{self.ports[transport]}"

    @property
    def bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def needs_srtp(self) -> bool:
        """Plain sound is answered with 488."""
        return self.srtp == "required"

    @property
    def authority_is_here(self) -> bool:
        """False where the emulator runs on another machine."""
        return Path(self.ca_file).is_file()

    @property
    def is_loopback(self) -> bool:
        return self.host == "::1" or self.host.startswith("127.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Files by name, and what to do with them. A phone without files is set by hand: `steps` say how."""

    files: Mapping[str, str]
    steps: tuple[str, ...]

    def as_text(self) -> str:
        """One file stands alone, its steps as comments above it, so that it can be redirected; of several, each
        has a line with its name."""
        comment = "; " if any(name.endswith(".conf") for name in self.files) else "# "
        lines = [f"{comment}{step}".rstrip() if self.files else step for step in self.steps]
        if len(self.files) == 1:
            [text] = self.files.values()
            first, newline, rest = text.partition("\n")
            if first.startswith("#!"):
                return "\n".join([first, *lines, rest])
            return "\n".join([*lines, "", first]) + newline + rest
        for name, text in self.files.items():
            lines += ["", f"{comment}==> {name}", text.rstrip("\n")]
        return "\n".join(lines) + "\n"


def baresip(to: Addresses) -> Configuration:
    """TLS with the emulator's authority, G.711, digits by RFC 4733. The dialled URI carries the transport."""
    modules = _baresip_modules()
    bind = "net_interface           127.0.0.1\n" if to.host.startswith("127.") else ""
    secure = "module                  srtp.so\n" * to.needs_srtp
    config = f"""sip_cafile              {to.ca_file}
{bind}call_local_timeout      120
call_max_calls          4
audio_player            alsa,default
audio_source            alsa,default
audio_alert             alsa,default
ausrc_srate             8000
auplay_srate            8000
ausrc_channels          1
auplay_channels         1
rtcp_mux                no
jitter_buffer_delay     1-10
module_path             {modules}
module                  stdio.so
module                  g711.so
module                  alsa.so
{secure}module_tmp              account.so
module_app              menu.so
"""
    account = f"<sip:phone@{to.bracketed};transport=tls>;regint=0;audio_codecs=PCMU/8000/1,PCMA/8000/1"
    account += f";dtmfmode=rtpevent{';mediaenc=srtp-mand' * to.needs_srtp}\n"
    loopback = "-n 127.0.0.1 " if to.host.startswith("127.") else ""
    return Configuration(
        files={"config": config, "accounts": account},
        steps=(
            "baresip (apt install baresip): both files go into one folder, here ringback-phone; then",
            f"  baresip -f ringback-phone {loopback}-e '/dial {to.uri('tls')}'",
            "Keys are digits while the call is up; b hangs up, x holds, X resumes. Without ALSA (macOS): coreaudio.",
            *_authority_warning(to),
        ),
    )


def linphone(to: Addresses) -> Configuration:
    """`linphonerc`, for linphonec and the desktop application alike."""
    text = f"""[sip]
sip_port=-1
sip_tcp_port=-1
sip_tls_port=-1
root_ca={to.ca_file}
verify_server_certs=1
verify_server_cn={int(not _is_address(to.host))}
media_encryption={"srtp" if to.needs_srtp else "none"}
ipv6_migration_done=1
use_ipv6={int(":" in to.host)}
use_rfc2833=1
use_info=0

[net]
stun_server=

[proxy_0]
reg_proxy=<sip:{to.hostport("tls")};transport=tls>
reg_route=<sip:{to.hostport("tls")};transport=tls;lr>
reg_identity=sip:phone@{to.bracketed}
reg_expires=3600
reg_sendregister=0
publish=0
"""
    return Configuration(
        files={"linphonerc": text},
        steps=(
            "Linphone: save as linphonerc, then",
            "  linphone --config linphonerc        (the console: linphonec -c linphonerc)",
            f"and call {to.uri('tls')}",
            *(
                ("It reads no addresses in certificates: verify_server_cn=0 checks the chain only.",)
                * _is_address(to.host)
            ),
            *_authority_warning(to),
        ),
    )


def zoiper(to: Addresses) -> Configuration:
    """Zoiper is set by hand."""
    return Configuration(
        files={},
        steps=(
            "Zoiper 5: Settings > Accounts > Add account, Manual configuration, SIP:",
            "",
            f"  Domain            {to.hostport('tls')}",
            "  Username          phone",
            "  Password          phone                (any: REGISTER is answered 200 and asks for none)",
            "  Network           TLS                  (UDP and TCP work too, with their ports:"
            f" {to.ports['udp']}, {to.ports['tcp']})",
            f"  Certificate       trust {to.ca_file}",
            "                    (Settings > Advanced > Security: add it to the known certificates)",
            "  Audio codecs      G.711 µ-law or A-law first",
            f"  Media encryption  {'SDES SRTP' if to.needs_srtp else 'none'}",
            "  DTMF              RFC 2833",
            "  STUN              off",
            "",
            f"Then dial {to.project}, or the whole of {to.uri('tls')}",
            *_authority_warning(to),
        ),
    )


def asterisk(to: Addresses) -> Configuration:
    """A trunk for chan_pjsip, and an extension that calls it."""
    pjsip = f"""[ringback-transport]
type=transport
protocol=tls
bind=0.0.0.0:0
method=tlsv1_2
ca_list_file={to.ca_file}
verify_server=yes

[ringback]
type=aor
contact={_escaped(to.uri("tls"))}
qualify_frequency=60

[ringback]
type=endpoint
transport=ringback-transport
context=from-ringback
aors=ringback
disallow=all
allow=ulaw,alaw
dtmf_mode=rfc4733
media_encryption={"sdes" if to.needs_srtp else "no"}
direct_media=no
rtp_symmetric=yes
refer_blind_progress=yes
from_user=asterisk

[ringback]
type=identify
endpoint=ringback
match={to.host}
"""
    extensions = f"""[from-internal]
exten => 7000,1,Dial(PJSIP/ringback/{_escaped(to.uri("tls"))},60)
 same => n,Hangup()

[from-ringback]
; where a transfer (REFER) of the application goes
exten => _[+0-9].,1,Dial(PJSIP/${{EXTEN}})
 same => n,Hangup()
"""
    return Configuration(
        files={"pjsip.conf": pjsip, "extensions.conf": extensions},
        steps=(
            "Asterisk 18 and newer: add these to /etc/asterisk/pjsip.conf and extensions.conf, then `core reload`.",
            "`pjsip show endpoint ringback` says whether it is reachable (by OPTIONS). Call 7000 from your phone.",
            *_authority_warning(to),
        ),
    )


def kamailio(to: Addresses) -> Configuration:
    """A trunk in front of the emulator: UDP and TCP for phones, TLS to the emulator, Record-Route on the way."""
    listen = to.host if to.is_loopback else "0.0.0.0"
    listen = f"[{listen}]" if ":" in listen else listen
    text = f"""#!KAMAILIO
#!substdef "!PHONES!{listen}:5080!"
#!substdef "!TRUNK!{listen}:5081!"
log_stderror=yes
children=2
tcp_children=4
auto_aliases=no
enable_tls=yes
listen=udp:PHONES
listen=tcp:PHONES
listen=tls:TRUNK
loadmodule "tls.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
# To the emulator: its certificate is checked. A certificate and a key here let phones come by TLS too.
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "ca_list", "{to.ca_file}")
modparam("tls", "verify_certificate", 1)
modparam("tls", "certificate", "")
modparam("tls", "private_key", "")
modparam("rr", "enable_full_lr", 1)
modparam("rr", "enable_double_rr", 1)

request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
        sl_send_reply("404", "Not here");
        exit;
    }}
    if (is_method("OPTIONS|REGISTER")) {{ sl_send_reply("200", "OK"); exit; }}
    t_check_trans();
    record_route();
    append_hf("X-Trunk: kamailio\\r\\n");
    $ru = "{to.uri("tls")}";
    t_relay();
}}
"""
    return Configuration(
        files={"kamailio.cfg": text},
        steps=(
            "Kamailio 5 (apt install kamailio kamailio-tls-modules): save as kamailio.cfg, then",
            "  kamailio -f kamailio.cfg -DD -E",
            f"and let a phone dial anything at port 5080, for example sip:anybody@{listen}:5080;transport=udp",
            *_authority_warning(to),
        ),
    )


_SECURE_TRUNKING = {"required": "on", "preferred": "on or off", "refused": "off"}


def twilio(to: Addresses) -> Configuration:
    """An elastic SIP trunk's origination, or TwiML; both lead to one URI, as with the real service."""
    uri = to.uri("tls")
    twiml = f"<Response><Dial><Sip>{uri.replace('&', '&amp;')}</Sip></Dial></Response>"
    steps = [
        "A Twilio-style trunk calls the emulator as it calls the real service:",
        "",
        f"  Origination SIP URI    {uri}",
        f"  or TwiML               {twiml}",
        "  Call transfer (REFER)  enabled on the trunk, for /refer",
        f"  Secure trunking        {_SECURE_TRUNKING[to.srtp]}",
        "",
        "It comes from the internet, so the emulator needs a public address and a certificate that is trusted there:",
        "  ringback serve --host 0.0.0.0 --advertise-ip PUBLIC --tls-cert chain.pem --tls-key key.pem"
        " --rtp-ports 10000-10100",
        f"and a firewall that lets TCP {to.ports['tls']} and UDP 10000-10100 in.",
    ]
    if _is_private(to.host):
        steps += ["", f"As it is now, {to.host} can't be reached from the internet."]
    return Configuration(files={}, steps=tuple(steps))


KINDS: dict[str, Callable[[Addresses], Configuration]] = {
    "baresip": baresip,
    "linphone": linphone,
    "zoiper": zoiper,
    "asterisk": asterisk,
    "kamailio": kamailio,
    "twilio": twilio,
}


def _baresip_modules() -> str:
    """Where this machine has baresip's modules, else where most do."""
    found: Iterable[Path] = (Path(folder) for folder in MODULE_FOLDERS)
    found = [*(path for path in found if path.is_dir()), *sorted(Path("/usr/lib").glob(MULTIARCH_MODULES))]
    return str(found[0]) if found else MODULE_FOLDERS[0]


def _escaped(uri: str) -> str:
    """`;` begins a comment in Asterisk's files."""
    return uri.replace(";", "\\;")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost"


def _authority_warning(to: Addresses) -> tuple[str, ...]:
    if to.authority_is_here:
        return ()
    return (f"{to.ca_file} is not on this machine: copy it from the emulator's, and change its path below.",)
