"""A real standalone cluster on loopback: a master and two workers, each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support import ROOT
from support.processes import HOST, free_port, wait_for


@dataclass
class Cluster:
    """The processes of a cluster, and what searches on it need."""

    folder: Path
    port: int = field(default_factory=free_port)
    web: int = field(default_factory=free_port)
    master: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"spark://{HOST}:{self.port}"

    def environment(self) -> dict[str, str]:
        import pyspark

        path = os.pathsep.join([str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
        return {
            **os.environ,
            "SPARK_HOME": str(Path(pyspark.__file__).parent),
            "SPARK_SCALA_VERSION": "2.13",
            "SPARK_LOCAL_IP": HOST,
            "PYTHONPATH": path,
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_LOCAL_DIRS": str(self.folder),
        }

    def _java(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        import pyspark

        jars = Path(pyspark.__file__).parent / "jars"
        opens = [
            f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in ("java.nio", "sun.nio.ch", "java.lang", "java.util")
        ]
        log = (self.folder / f"{name}-{len(self.workers)}.log").open("wb")
        return subprocess.Popen(
            ["java", "-Xmx256m", *opens, "-cp", f"{jars}/*", f"org.apache.spark.deploy.{name}", *arguments],
            stdout=log,
            stderr=log,
            env=self.environment(),
            start_new_session=True,
        )

    def start(self) -> None:
        options = f"--host {HOST} --port {self.port} --webui-port {self.web}"
        self.master = self._java("master.Master", *options.split())
        for _ in range(2):
            self.add_worker()
        self.wait(2)

    def add_worker(self) -> None:
        options = f"--host {HOST} --cores 1 --memory 1g --webui-port {free_port()}"
        folder = str(self.folder / f"work-{len(self.workers)}")
        self.workers.append(self._java("worker.Worker", *options.split(), "--work-dir", folder, self.url))

    def wait(self, workers: int) -> None:
        """Until the master counts so many living workers."""
        wait_for(lambda: self.state().get("aliveworkers") == workers, 60, f"{workers} workers")

    def state(self) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.web}/json/", timeout=5) as answer:
                return dict(json.load(answer))
        except (OSError, ValueError):  # it is not up, or its page is not
            return {}

    def stop(self) -> None:
        processes = [*self.workers, *([self.master] if self.master else [])]
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def conf(self) -> dict[str, str]:
        return {
            "spark.driver.host": HOST,
            "spark.driver.bindAddress": HOST,
            "spark.executor.memory": "600m",
            "spark.executor.cores": "1",
            "spark.executorEnv.PYTHONPATH": self.environment()["PYTHONPATH"],
            "spark.driver.memory": "600m",
        }
