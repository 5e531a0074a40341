"""Who sent a request that came through a balancer. Pure; what others write into X-Forwarded-For proves nothing."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


def networks_of(texts: Sequence[str]) -> tuple[Network, ...]:
    """The networks of settings such as 10.0.0.0/16. Raises: ValueError for what is none."""
    return tuple(ip_network(text) for text in texts)


def client_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The address that sent the request: the last one in front of our own balancers.

    `peer` is who opened the connection. Each balancer adds at the right end of X-Forwarded-For from whom it had the
    request, so what stands left of the first address that is not ours may be anybody's invention.
    """
    address = peer
    for before in reversed(forwarded_for.split(",")):
        if not _is_within(address, trusted) or not _is_address(before.strip()):
            break
        address = before.strip()
    return address


def _is_within(address: str, trusted: Sequence[Network]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in trusted)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
