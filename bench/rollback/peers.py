"""What the peers needed for the same work.

Measured 2026-11-23 on the same kind of machine (2 cores, 24 GiB, one kind node, Kubernetes 1.35):
4 replicas, 90-100 requests/s, a new connection per request, first step 25 %, scrapes every 5 s.
Argo Rollouts commit 9f8d111d without traffic router; Flagger commit 15bd6ad5 behind an ideal
gateway. "common": interval 60 s; "fastest": the fastest settings that are sane.
"""

from typing import Final

NAMES: Final = ("Argo common", "Argo fastest", "Flagger default", "Flagger fastest")

BAD_SECONDS: Final = ("76-77", "14-24", "360", "29-30")
BAD_ANSWERS: Final = ("338-384", "49-117", "1519-1560", "127-168")
ABORT_SECONDS: Final = ("-", "0.5-2.4", "-", "7.7-8.7")
HEALTHY: Final = ("-", "4 of 10 rolled back", "-", "0 of 5 rolled back")
OUTAGE: Final = (
    "raised the weight, 2 of 2",
    "rolled back, 2 of 2",
    "not hit",
    "rolled back, 5 of 5",
)
