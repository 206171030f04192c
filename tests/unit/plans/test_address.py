"""Has an address one spelling, and is it known which addresses are of no device to be counted (B44, B45)?"""

import pytest

from services.plans.domain.address import normal_ip, normal_mac, uncounted


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("10.20.0.7", "10.20.0.7"),
        ("255.255.255.255", "255.255.255.255"),
        ("fe80::1", "fe80::1"),
        ("FE80:0000:0000:0000:0000:0000:0000:0001", "fe80::1"),
        ("fd00:0:0:1:0:0:0:1", "fd00:0:0:1::1"),
        ("::ffff:10.20.0.7", "10.20.0.7"),
        ("::FFFF:0A14:0007", "10.20.0.7"),
        ("::", "::"),
    ],
)
def test_an_ip_has_one_spelling(given: str, normal: str) -> None:
    assert normal_ip(given) == normal
    assert normal_ip(normal) == normal


@pytest.mark.parametrize(
    "given",
    [
        "",
        "plc-7",
        "10.20.0",
        "10.20.0.256",
        "10.20.0.07",
        "10.20.0.7 ",
        "10.20.0.7/24",
        "10.20.0.7\n",
        "10.20.0.7\x00",
        "0x0a.20.0.7",
        "١٠.20.0.7",
        "fe80::1%eth0",
        "fe80:::1",
        "[fe80::1]",
        "1:2:3:4:5:6:7:8:9",
        ":" * 100_000,
        "\ud800",
    ],
)
def test_anything_else_is_no_ip(given: str) -> None:
    with pytest.raises(ValueError, match="not an IP address"):
        normal_ip(given)


@pytest.mark.parametrize(
    "given",
    ["00:1b:1b:0a:33:f1", "00:1B:1B:0A:33:F1", "00-1b-1b-0a-33-f1", "001b.1b0a.33f1", "001B1B0A33F1"],
)
def test_a_mac_has_one_spelling(given: str) -> None:
    assert normal_mac(given) == "00:1b:1b:0a:33:f1"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "00:1b:1b:0a:33",
        "00:1b:1b:0a:33:f1:02",
        "00:1b-1b:0a-33:f1",
        "0:1b:1b:a:33:f1",
        "00:1b:1b:0a:33:g1",
        "00:1b:1b:0a:33:f1\n",
        "001b1b.0a33f1",
        " 001b1b0a33f1",
        "٠٠1b1b0a33f1",
    ],
)
def test_anything_else_is_no_mac(given: str) -> None:
    with pytest.raises(ValueError, match="not a MAC"):
        normal_mac(given)


@pytest.mark.parametrize(
    ("ip", "reason"),
    [
        # RFC 1918, each with its neighbors.
        ("10.0.0.0", None),
        ("10.255.255.255", None),
        ("9.255.255.255", "public"),
        ("11.0.0.0", "public"),
        ("172.16.0.0", None),
        ("172.31.255.255", None),
        ("172.15.255.255", "public"),
        ("172.32.0.0", "public"),
        ("192.168.0.0", None),
        ("192.168.255.255", None),
        ("192.167.255.255", "public"),
        ("192.169.0.0", "public"),
        # Link-local and shared address space.
        ("169.254.0.0", None),
        ("169.254.255.255", None),
        ("169.253.255.255", "public"),
        ("169.255.0.0", "public"),
        ("100.64.0.0", None),
        ("100.127.255.255", None),
        ("100.63.255.255", "public"),
        ("100.128.0.0", "public"),
        # The rest of the internet.
        ("8.8.8.8", "public"),
        ("127.0.0.1", "public"),
        ("0.0.0.1", "public"),
        ("223.255.255.255", "public"),
        ("224.0.0.0", "multicast"),
        ("239.255.255.255", "multicast"),
        ("240.0.0.0", "public"),
        ("255.255.255.254", "public"),
        ("255.255.255.255", "broadcast"),
        # IPv6.
        ("fc00::", None),
        ("fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
        ("fbff::", "public"),
        ("fe00::", "public"),
        ("fe80::", None),
        ("febf:ffff::1", None),
        ("fe7f::1", "public"),
        ("fec0::1", "public"),
        ("2001:db8::1", "public"),
        ("::1", "public"),
        ("ff02::1", "multicast"),
        ("ff00::", "multicast"),
    ],
)
def test_only_private_addresses_are_of_devices(ip: str, reason: str | None) -> None:
    assert uncounted(ip, None) == reason
    assert uncounted(ip, "00:1b:1b:0a:33:f1") == reason


@pytest.mark.parametrize(
    ("mac", "reason"),
    [
        ("00:1b:1b:0a:33:f1", None),
        ("02:00:00:00:00:01", None),
        ("01:00:5e:00:00:01", "multicast"),
        ("33:33:00:00:00:01", "multicast"),
        ("ff:ff:ff:ff:ff:fe", "multicast"),
        ("ff:ff:ff:ff:ff:ff", "broadcast"),
    ],
)
def test_a_mac_of_a_group_is_of_no_device(mac: str, reason: str | None) -> None:
    assert uncounted(None, mac) == reason
    assert uncounted("10.20.0.7", mac) == reason
