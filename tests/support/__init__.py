"""What several tests share: sample events and logs, content, and programs that tests start.

Nothing here is a test. What only one folder of tests needs is in its `conftest.py`.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
