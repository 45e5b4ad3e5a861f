"""A synthetic organization whose findings have a known probability of being unintended.

For the demo, the tests and the benchmarks. Only the standard library, no clock: the same seed gives the
same bytes.
"""

from training.simulate.stream import START, SimulatedRecord, simulate
from training.simulate.world.description import Account, Principal, Resource, Team
from training.simulate.world.organization import Organization

__all__ = ["START", "Account", "Organization", "Principal", "Resource", "SimulatedRecord", "Team", "simulate"]
