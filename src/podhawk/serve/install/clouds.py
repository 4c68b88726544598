"""What a managed cluster needs to send its audit log here: credentials, configuration and commands.

Such a cluster has neither an audit webhook nor a policy file. Its log goes through the log service of its cloud: EKS to
CloudWatch and Firehose, GKE to Cloud Logging and Pub/Sub, AKS to Event Hubs, from which a Collector fetches it.
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from podhawk.errors import UsageError


def checked_url(url: str | None) -> str:
    """The URL at which a cloud reaches the service. Raises UsageError."""
    parts = urlsplit(url or "")
    if parts.scheme != "https" or not parts.hostname:
        raise UsageError(
            "missing --url URL: the https URL at which the cloud reaches podhawk serve",
            remedy="For example: --url https://podhawk.example.org",
        )
    return str(url).rstrip("/")


def eks(url: str, cluster: str, token: str) -> str:
    """CloudWatch Logs to Amazon Data Firehose to `POST /firehose`."""
    firehose = {
        "EndpointConfiguration": {"Url": f"{url}/firehose", "Name": "podhawk", "AccessKey": token},
        "RequestConfiguration": {"ContentEncoding": "GZIP"},
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
        "RetryOptions": {"DurationInSeconds": 7200},
        "S3BackupMode": "FailedDataOnly",
        "RoleARN": "arn:aws:iam::ACCOUNT:role/podhawk-firehose",
        "S3Configuration": {
            "RoleARN": "arn:aws:iam::ACCOUNT:role/podhawk-firehose",
            "BucketARN": "arn:aws:s3:::podhawk-undelivered-ACCOUNT",
        },
    }
    bucket = "arn:aws:s3:::podhawk-undelivered-ACCOUNT"
    stream = f"arn:aws:firehose:REGION:ACCOUNT:deliverystream/podhawk-{cluster}"
    storing = ["s3:PutObject", "s3:GetBucketLocation", "s3:ListBucket", "s3:AbortMultipartUpload"]
    sending = ["firehose:PutRecord", "firehose:PutRecordBatch"]
    return f"""# Replace ACCOUNT and REGION. Firehose needs port 443 and a certificate of a public authority at {url}.

# firehose.json (mode 0600: it holds the token)
{json.dumps(firehose, indent=2)}

# trust-firehose.json
{json.dumps(_trust("firehose.amazonaws.com"), indent=2)}

# trust-logs.json
{json.dumps(_trust("logs.REGION.amazonaws.com"), indent=2)}

# allow-firehose.json: what could not be delivered is kept
{json.dumps(_allow(storing, [bucket, bucket + "/*"]), indent=2)}

# allow-logs.json
{json.dumps(_allow(sending, [stream]), indent=2)}

# Commands
aws eks update-cluster-config --region REGION --name {cluster} \\
  --logging '{{"clusterLogging":[{{"types":["audit"],"enabled":true}}]}}'
aws s3api create-bucket --region REGION --bucket podhawk-undelivered-ACCOUNT \\
  --create-bucket-configuration LocationConstraint=REGION
aws iam create-role --role-name podhawk-firehose --assume-role-policy-document file://trust-firehose.json
aws iam put-role-policy --role-name podhawk-firehose --policy-name podhawk --policy-document file://allow-firehose.json
aws iam create-role --role-name podhawk-logs --assume-role-policy-document file://trust-logs.json
aws iam put-role-policy --role-name podhawk-logs --policy-name podhawk --policy-document file://allow-logs.json
aws firehose create-delivery-stream --region REGION --delivery-stream-name podhawk-{cluster} \\
  --delivery-stream-type DirectPut --http-endpoint-destination-configuration file://firehose.json
aws logs put-subscription-filter --region REGION --log-group-name /aws/eks/{cluster}/cluster --filter-name podhawk \\
  --filter-pattern '{{ $.auditID = "*" }}' \\
  --destination-arn arn:aws:firehose:REGION:ACCOUNT:deliverystream/podhawk-{cluster} \\
  --role-arn arn:aws:iam::ACCOUNT:role/podhawk-logs
"""


def _trust(service: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _allow(actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resources}]}


def gke(url: str, cluster: str, account: str) -> str:
    """Cloud Logging to Pub/Sub to `POST /pubsub`."""
    name = account.partition("@")[0]
    return f"""# Replace PROJECT. Run the service with: --pubsub-audience {url}/pubsub
# The token of the service account {account} is bound to the cluster {cluster}; there is no secret.

# Commands
gcloud iam service-accounts create {name} --project PROJECT --display-name podhawk
gcloud pubsub topics create podhawk --project PROJECT
gcloud logging sinks create podhawk pubsub.googleapis.com/projects/PROJECT/topics/podhawk --project PROJECT \\
  --log-filter='protoPayload.serviceName="k8s.io" AND resource.labels.cluster_name="{cluster}"'
gcloud pubsub topics add-iam-policy-binding podhawk --project PROJECT --role roles/pubsub.publisher \\
  --member "$(gcloud logging sinks describe podhawk --project PROJECT --format='value(writerIdentity)')"
gcloud pubsub subscriptions create podhawk --project PROJECT --topic podhawk --push-endpoint {url}/pubsub \\
  --push-auth-service-account {account} --push-auth-token-audience {url}/pubsub \\
  --ack-deadline 60 --min-retry-delay 10s --max-retry-delay 600s \\
  --message-retention-duration 7d --expiration-period never

# Reads, such as those of Secrets, are logged only with Data Access audit logs. Add this to the policy of the project:
#   gcloud projects get-iam-policy PROJECT --format=json > policy.json
#   "auditConfigs": [{{"service": "container.googleapis.com", "auditLogConfigs": [{{"logType": "DATA_READ"}}]}}]
#   gcloud projects set-iam-policy PROJECT policy.json
"""


CONNECTION: Final = "/etc/otelcol/event-hub"


def collector(url: str, cluster: str) -> dict[str, Any]:
    """The configuration of an OpenTelemetry Collector that fetches from Event Hubs by Kafka and sends to
    `POST /v1/logs`. It keeps on disk what could not be sent."""
    return {
        "extensions": {"file_storage": {"directory": "/var/lib/otelcol"}},
        "receivers": {
            "kafka": {
                "brokers": ["NAMESPACE.servicebus.windows.net:9093"],
                "protocol_version": "2.0.0",
                "group_id": "podhawk",
                "logs": {"topic": "podhawk", "encoding": "text"},
                "initial_offset": "earliest",
                "auth": {
                    "sasl": {
                        "mechanism": "PLAIN",
                        "username": "$$ConnectionString",
                        "password": f"${{file:{CONNECTION}}}",
                    },
                    "tls": {"insecure": False},
                },
            }
        },
        "processors": {"resource": {"attributes": [{"key": "k8s.cluster.name", "value": cluster, "action": "upsert"}]}},
        "exporters": {
            "otlphttp": {
                "logs_endpoint": f"{url}/v1/logs",
                "headers": {"Authorization": "Bearer ${file:/etc/otelcol/podhawk-token}"},
                "sending_queue": {"enabled": True, "storage": "file_storage"},
                "retry_on_failure": {"enabled": True, "max_elapsed_time": 0},
            }
        },
        "service": {
            "extensions": ["file_storage"],
            "pipelines": {
                "logs": {"receivers": ["kafka"], "processors": ["resource"], "exporters": ["otlphttp"]},
            },
        },
    }


def aks(url: str, cluster: str, token: str) -> str:
    """Diagnostic settings to Event Hubs to a Collector to `POST /v1/logs`."""
    written = yaml.safe_dump(collector(url, cluster), sort_keys=False, width=110)
    return f"""# Replace GROUP, NAMESPACE and REGION.

# /etc/otelcol/podhawk-token (mode 0600)
{token}

# /etc/otelcol/config.yaml: the OpenTelemetry Collector (contrib), on a machine of yours
{written}
# Commands
az eventhubs namespace create --resource-group GROUP --name NAMESPACE --location REGION --sku Standard
az eventhubs eventhub create --resource-group GROUP --namespace-name NAMESPACE --name podhawk --partition-count 4 \\
  --retention-time 168 --cleanup-policy Delete
az eventhubs namespace authorization-rule create --resource-group GROUP --namespace-name NAMESPACE --name send \\
  --rights Send Listen Manage
az eventhubs namespace authorization-rule create --resource-group GROUP --namespace-name NAMESPACE --name podhawk \\
  --rights Listen
az monitor diagnostic-settings create --name podhawk --event-hub podhawk \\
  --resource "$(az aks show --resource-group GROUP --name {cluster} --query id --output tsv)" \\
  --event-hub-rule "$(az eventhubs namespace authorization-rule show --resource-group GROUP \\
    --namespace-name NAMESPACE --name send --query id --output tsv)" \\
  --logs '[{{"category": "kube-audit", "enabled": true}}]'
az eventhubs namespace authorization-rule keys list --resource-group GROUP --namespace-name NAMESPACE \\
  --name podhawk --query primaryConnectionString --output tsv > {CONNECTION}
"""
