"""Which addresses of the network a webhook may reach: public ones only, unless a setting allows
others.

The name of an endpoint is resolved once, and the connection goes to what was found. So a name that
is public when it is checked cannot be private when it is called.
"""

import ipaddress

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet.

    Private, loopback, link-local, multicast and reserved ranges do not. IPv6 addresses that carry
    an IPv4 address are judged by that one. Tunnels (Teredo) are refused.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        carried = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            carried = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if carried is not None:
            return is_public(str(carried))
        if ip.teredo is not None:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not ip.is_unspecified
