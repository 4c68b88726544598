"""A systemd unit and a Containerfile."""

from __future__ import annotations

from typing import Final

from podhawk.settings.version import __version__

SYSTEMD: Final = """\
# /etc/systemd/system/podhawk.service; then: systemctl daemon-reload && systemctl enable --now podhawk
# podhawk.toml stands in /etc/podhawk, the state in /var/lib/podhawk.
[Unit]
Description=podhawk serve: Kubernetes audit-log threat detection
Documentation=man:podhawk(1)
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/opt/podhawk/bin/podhawk serve --state /var/lib/podhawk --listen 0.0.0.0:8088 \\
    --tls-cert ${CREDENTIALS_DIRECTORY}/tls.crt --tls-key ${CREDENTIALS_DIRECTORY}/tls.key
LoadCredential=tls.crt:/etc/podhawk/tls.crt
LoadCredential=tls.key:/etc/podhawk/tls.key
WorkingDirectory=/etc/podhawk
Environment=HOME=/var/cache/podhawk XDG_CACHE_HOME=/var/cache/podhawk
Restart=always
RestartSec=1
KillMode=mixed
TimeoutStopSec=60
LimitNOFILE=65536
DynamicUser=yes
StateDirectory=podhawk
StateDirectoryMode=0700
CacheDirectory=podhawk
ConfigurationDirectory=podhawk
UMask=0077
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
CapabilityBoundingSet=
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged

[Install]
WantedBy=multi-user.target
"""


def containerfile() -> str:
    """A Containerfile for an image that runs as a user without rights on a read-only root."""
    return f"""# podman build -t podhawk:{__version__} -f Containerfile .
FROM docker.io/library/python:3.13-slim AS build
RUN python -m venv /opt/podhawk
RUN /opt/podhawk/bin/pip install --no-cache-dir 'podhawk[serve]=={__version__}'

FROM docker.io/library/python:3.13-slim
COPY --from=build /opt/podhawk /opt/podhawk
RUN groupadd --system --gid 10001 podhawk \\
 && useradd --system --uid 10001 --gid 10001 --home-dir /tmp --no-create-home --shell /usr/sbin/nologin podhawk \\
 && install -d -o 10001 -g 10001 -m 0700 /var/lib/podhawk
ENV PATH=/opt/podhawk/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp XDG_CACHE_HOME=/tmp/cache
USER 10001:10001
VOLUME ["/var/lib/podhawk", "/tmp"]
EXPOSE 8088
ENTRYPOINT ["podhawk"]
CMD ["serve", "--state", "/var/lib/podhawk", "--listen", "0.0.0.0:8088"]
"""
