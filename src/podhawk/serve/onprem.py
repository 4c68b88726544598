"""What an API server needs to send its audit log here: a kubeconfig, a token file, flags, and what to know of them.

Source: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/ and the source of its audit
webhook (plugin/pkg/audit/webhook, plugin/pkg/audit/buffered).
"""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import urlsplit

from podhawk.errors import UsageError

FLAGS: Final = (
    ("--audit-webhook-config-file=/etc/kubernetes/podhawk/webhook.yaml", ""),
    ("--audit-webhook-mode=batch", "requests to the API server never wait for podhawk"),
    ("--audit-webhook-batch-max-wait=1s", "the default is 30 s, by which findings would be late"),
    ("--audit-webhook-batch-max-size=400", ""),
    ("--audit-webhook-batch-throttle-qps=50", "the default of 10 batches/s is 4,000 events/s at most"),
    ("--audit-webhook-batch-throttle-burst=100", ""),
    ("--audit-webhook-batch-buffer-size=50000", "what is kept while podhawk does not answer; about 100 MB"),
    ("--audit-webhook-truncate-enabled=true", "one event that is too large must not cost its batch"),
    ("--audit-webhook-truncate-max-event-size=1572864", "1.5 MiB: the largest object in etcd. Larger ones lose bodies"),
    ("--audit-webhook-truncate-max-batch-size=10485760", ""),
)
"""The flags, each with the reason where it is not the default."""


def files_for(url: str, cluster: str, instance: str, token: str) -> str:
    """The files and flags as text. Raises UsageError for a URL that cannot be used."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url!r} is not an http or https URL", remedy="For example: https://podhawk.example.org:8088")
    server = f"{url.rstrip('/')}/audit/{cluster}/{instance}"
    authority = "    certificate-authority: /etc/kubernetes/podhawk/ca.crt\n" if parts.scheme == "https" else ""
    user = (
        "    tokenFile: /etc/kubernetes/podhawk/token"
        if token
        else "    client-certificate: /etc/kubernetes/podhawk/tls.crt\n    client-key: /etc/kubernetes/podhawk/tls.key"
    )
    flags = "\n".join(f"    - {flag}" + (f"    # {reason}" if reason else "") for flag, reason in FLAGS)
    secret = f"# /etc/kubernetes/podhawk/token (mode 0600)\n{token}\n\n" if token else ""
    return f"""{secret}# /etc/kubernetes/podhawk/webhook.yaml (mode 0600)
apiVersion: v1
kind: Config
clusters:
- name: podhawk
  cluster:
    server: {json.dumps(server)}
{authority}users:
- name: apiserver
  user:
{user}
contexts:
- name: podhawk
  context: {{cluster: podhawk, user: apiserver}}
current-context: podhawk

# /etc/kubernetes/manifests/kube-apiserver.yaml: add to the command
{flags}
# and mount the folder (hostPath) at /etc/kubernetes/podhawk, read-only.

# The API server cannot resolve names of services of its own cluster: {parts.hostname} must be an address, or a name
# that the node resolves. For an address, add tls-server-name to the cluster above.
# The webhook keeps events in memory, for minutes only. For longer outages keep the log backend as well
# (--audit-log-path) and send its files with a shipper that buffers on disk."""
