"""What each detection of the shipped pack should find, by its file stem."""

from __future__ import annotations

from oracle import pack
from oracle.access_attacks import ACCESS_ATTACKS
from oracle.workload_attacks import WORKLOAD_ATTACKS

ATTACKS = WORKLOAD_ATTACKS | ACCESS_ATTACKS
EXPECTED = pack.EXPECTED | ATTACKS
