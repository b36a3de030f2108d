"""Which addresses of the network a webhook may reach: public ones only, unless a setting allows
others.

The name of an endpoint is resolved once, and the connection goes to what was found. So a name that
is public when it is checked cannot be private when it is called.
"""

import ipaddress

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PUBLIC_IPV6 = ipaddress.ip_network("2000::/3")
"""Whatever else there is of IPv6 is reserved or for one site, such as `fec0::/10`."""
_ISATAP = (0x00005EFE, 0x02005EFE)
"""The middle of an IPv6 address whose end is an IPv4 address within a site (RFC 5214)."""
_CLOSED = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",  # protocols, and the metadata of a cloud
            "168.63.129.16/32",  # the host of a virtual machine at a cloud
            "192.88.99.0/24",  # relays of 6to4
            "3fff::/20",  # documentation
        ),
    )
)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet.

    Private, loopback, link-local, multicast and reserved ranges do not. IPv6 addresses that carry
    an IPv4 address are judged by that one. Tunnels (Teredo) are refused.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if any(ip in closed for closed in _CLOSED):
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        carried = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64 or int(ip) >> 32 & 0xFFFFFFFF in _ISATAP:
            carried = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if carried is not None:
            return is_public(str(carried))
        if ip.teredo is not None or ip not in _PUBLIC_IPV6:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not ip.is_unspecified
