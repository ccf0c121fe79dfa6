"""Every metric of a run, in the order in which they are exposed and documented."""

from actors.metrics.orders import ORDERS
from actors.metrics.pools import POOLS
from actors.metrics.probes import PROBES
from actors.metrics.quality import QUALITY
from actors.metrics.spend import SPEND
from actors.metrics.tables import COUNTS

METRICS = (*POOLS, *COUNTS, *ORDERS, *SPEND, *QUALITY, *PROBES)
