"""TXT records from the DNS: the one importer of dnspython.

Implements notary.usecases.dkim_checks.KeyRecords. Test: tests/scenarios/ingest/test_dkim.py, against a name
server on this machine.
"""

from __future__ import annotations

from notary.errors import CallerError, NothingHappened
from notary.usecases.dkim_checks import KeyAnswer

SYSTEM = "system"
OFF = "off"
DNS_PORT = 53
TIMEOUT_S = 5.0  # of one question to one server


class DnsKeyRecords:
    """Asks the resolvers of this machine, or those that are given as addresses, each with its port."""

    def __init__(self, servers: tuple[tuple[str, int], ...] = ()) -> None:
        self._servers = servers

    def look_up(self, name: str) -> KeyAnswer:
        """The TXT records of the name."""
        # Few processes ever ask.
        import dns.exception
        import dns.flags
        import dns.message
        import dns.query
        import dns.rcode
        import dns.resolver

        try:
            # Only a resolver that checks DNSSEC sets AD, and only for who asks for it.
            query = dns.message.make_query(name + ".", "TXT", want_dnssec=True)
            query.flags |= dns.flags.RD | dns.flags.AD
            asked = self._servers or tuple(
                [(str(one), DNS_PORT) for one in dns.resolver.Resolver().nameservers]
            )
        except dns.exception.DNSException as error:
            raise NothingHappened("DNS_AWAY", f"nobody to ask for {name}: {error}") from error
        failed = []
        for address, port in asked:
            try:
                answer, _ = dns.query.udp_with_fallback(
                    query, address, timeout=TIMEOUT_S, port=port, ignore_unexpected=True
                )
                if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                    raise NothingHappened("DNS_AWAY", dns.rcode.to_text(answer.rcode()))
                assert isinstance(answer, dns.message.QueryMessage)
                found = answer.resolve_chaining().answer
            except (dns.exception.DNSException, OSError, NothingHappened) as error:
                failed.append(f"{address}:{port}: {type(error).__name__}: {error}")
                continue
            return KeyAnswer(
                tuple([b"".join(one.strings) for one in found or ()]),
                f"{address}:{port}",
                bool(answer.flags & dns.flags.AD),
            )
        raise NothingHappened("DNS_AWAY", f"no answer for {name}: {'; '.join(failed)}")


def key_records(setting: str) -> DnsKeyRecords | None:
    """What the setting `dkim_resolver` names: `system`, `off`, or addresses. Raises CallerError."""
    if setting == OFF:
        return None
    if setting == SYSTEM:
        return DnsKeyRecords()
    return DnsKeyRecords(servers(setting))


def servers(setting: str) -> tuple[tuple[str, int], ...]:
    """The addresses in a setting, as `192.0.2.1, 192.0.2.2:5353`. Raises CallerError CONFIG_INVALID."""
    import ipaddress

    found = []
    for one in setting.split(","):
        text, port = one.strip(), str(DNS_PORT)
        if text.startswith("[") and "]:" in text:
            text, _, port = text[1:].rpartition("]:")
        elif text.count(":") == 1:
            text, _, port = text.partition(":")
        try:
            address = str(ipaddress.ip_address(text))
            if not 0 < int(port) < 2**16:
                raise ValueError
        except ValueError:
            raise CallerError(
                "CONFIG_INVALID",
                f"dkim_resolver: {one.strip()!r} is no address of a name server; write system, off, or "
                "addresses with commas between.",
            ) from None
        found.append((address, int(port)))
    return tuple(found)
