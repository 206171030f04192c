"""Addresses of devices: one spelling for each, and which of them are of no device to be counted (B44, B45)."""

import re
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Final, Literal

_MAC: Final = re.compile(
    "[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\\1){4}[0-9A-Fa-f]{2}"
    "|(?:[0-9A-Fa-f]{4}\\.){2}[0-9A-Fa-f]{4}"
    "|[0-9A-Fa-f]{12}"
)
_MAC_SEPARATORS: Final = str.maketrans("", "", ":-.")
_MAPPED: Final = bytes(10) + b"\xff\xff"
"""How an IPv6 address begins that is an IPv4 one."""
_BROADCAST: Final = b"\xff\xff\xff\xff"
_BROADCAST_MAC: Final = "ff:ff:ff:ff:ff:ff"

Uncounted = Literal["public", "multicast", "broadcast"]


def normal_ip(text: str) -> str:
    """IPv4 with dots, IPv6 in its short lower-case form; an IPv4 address that is written as IPv6 is IPv4.

    Raises ValueError for anything else, also for a scope (`fe80::1%eth0`) and for leading zeros in IPv4.
    """
    packed = _packed(text)
    return inet_ntop(AF_INET if len(packed) == 4 else AF_INET6, packed)


def normal_mac(text: str) -> str:
    """Six octets with colons, in lower case, from that, `AA-BB-…`, `aabb.ccdd.eeff` or bare digits.

    Raises ValueError for anything else.
    """
    if _MAC.fullmatch(text) is None:
        raise ValueError("not a MAC address of six octets")
    return bytes.fromhex(text.translate(_MAC_SEPARATORS)).hex(":")


def uncounted(ip: str | None, mac: str | None) -> Uncounted | None:
    """Why no device is behind these addresses, each in its normal form; None where one may be."""
    packed = None if ip is None else _packed(ip)
    if packed == _BROADCAST or mac == _BROADCAST_MAC:
        return "broadcast"
    if (packed is not None and _is_multicast(packed)) or (mac is not None and int(mac[1], 16) & 1):
        return "multicast"
    return None if packed is None or _is_private(packed) else "public"


def _packed(text: str) -> bytes:
    # The ipaddress module does the same several times slower, which tells at thousands of devices a call.
    try:
        packed = inet_pton(AF_INET6 if ":" in text else AF_INET, text)
    except (OSError, ValueError):
        raise ValueError("not an IP address") from None
    return packed[12:] if packed.startswith(_MAPPED) else packed


def _is_multicast(packed: bytes) -> bool:
    return packed[0] >> 4 == 0xE if len(packed) == 4 else packed[0] == 0xFF


def _is_private(packed: bytes) -> bool:
    """RFC 1918, link-local, shared address space (RFC 6598), unique local."""
    first, second = packed[0], packed[1]
    if len(packed) == 16:
        return first & 0xFE == 0xFC or (first == 0xFE and second & 0xC0 == 0x80)
    if first == 10:
        return True
    second_bits = {172: second & 0xF0 == 16, 192: second == 168, 169: second == 254, 100: second & 0xC0 == 64}
    return second_bits.get(first, False)
