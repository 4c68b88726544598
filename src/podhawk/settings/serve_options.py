"""The options of the service; see `podhawk.settings.options`."""

from __future__ import annotations

from podhawk.settings.option import Option

_SERVE = ("serve",)

SERVE: tuple[Option, ...] = (
    Option(
        "listen",
        "text",
        "Address and port to listen on.",
        _SERVE,
        "127.0.0.1:8088",
        metavar="HOST:PORT",
    ),
    Option(
        "tokens",
        "text",
        "File of tokens that podhawk init token writes. Default: tokens.json in the --state folder. It is read again "
        "when it changes.",
        (*_SERVE, "init"),
        metavar="FILE",
    ),
    Option("tls-cert", "text", "Certificate chain for TLS, read again when it changes.", _SERVE, metavar="FILE"),
    Option("tls-key", "text", "Key of --tls-cert.", _SERVE, metavar="FILE"),
    Option(
        "client-ca",
        "text",
        "Take client certificates that these authorities have signed; see podhawk init token --certificate.",
        _SERVE,
        metavar="FILE",
    ),
    Option(
        "pubsub-audience",
        "text",
        "Take push subscriptions of Pub/Sub whose tokens name this audience; see podhawk init token --account.",
        _SERVE,
        metavar="TEXT",
    ),
    Option(
        "pubsub-keys",
        "text",
        "File or URL of the keys with which these tokens are signed (JWKS).",
        _SERVE,
        "https://www.googleapis.com/oauth2/v3/certs",
        metavar="FILE|URL",
    ),
    Option(
        "shadow",
        "list",
        "Run these detections in shadow: their findings are marked and hidden, and add no risk. A pattern as for "
        "--only. Repeatable.",
        _SERVE,
        metavar="PATTERN",
    ),
    Option(
        "accept-exceptions",
        "flag",
        "Let admins accept exceptions in the console: they hold at once, and are kept in the folder exceptions of "
        "--state. Default: an exception is a file that is committed.",
        _SERVE,
        False,
    ),
    Option(
        "quiet-after",
        "number",
        "Report a sender that has sent nothing for N seconds.",
        _SERVE,
        600,
        metavar="SECONDS",
    ),
    Option(
        "detection-budget",
        "number",
        "CPU seconds that a detection may take of an increment. One that takes more three times in a row is evaluated "
        "once a minute.",
        _SERVE,
        5,
        metavar="SECONDS",
    ),
    Option(
        "detection-rows",
        "number",
        "Rows that a detection may be given in an increment, before it is evaluated once a minute as well.",
        _SERVE,
        1_000_000,
        metavar="ROWS",
    ),
    Option(
        "detection-memory",
        "text",
        "RAM that a detection may take in an increment beside what the evaluator has, before it is evaluated once a "
        "minute as well.",
        _SERVE,
        "512M",
        metavar="SIZE",
    ),
    Option(
        "hec-strict",
        "flag",
        "Refuse a whole HEC batch for one wrong event, as Splunk does. Default: take the others, and keep account of "
        "the wrong one.",
        _SERVE,
        False,
    ),
    Option(
        "follow",
        "list",
        "Take events from FILE too, as it is written to and rotated. Repeatable. --cluster names their cluster.",
        _SERVE,
        metavar="FILE",
    ),
    Option(
        "inbox-limit",
        "text",
        "Answer 503 when events that are not evaluated yet take more than SIZE.",
        _SERVE,
        "8G",
        metavar="SIZE",
    ),
    Option(
        "lake-days",
        "number",
        "Keep events for so many days in the lake, to be searched (state:DIR). 0 keeps none.",
        _SERVE,
        30,
        metavar="N",
    ),
    Option(
        "lake-size",
        "text",
        "Remove the oldest hours of the lake when it takes more than SIZE. 0 keeps no lake.",
        _SERVE,
        "100G",
        metavar="SIZE",
    ),
    Option(
        "lake-copy",
        "text",
        "Also send each file of the lake to an object store, such as s3://bucket/prefix. Credentials come from the "
        "environment.",
        _SERVE,
        metavar="URL",
    ),
    Option(
        "backfill-days",
        "number",
        "Evaluate a detection that is new or has changed over so many days of the lake. 0 evaluates new events only.",
        _SERVE,
        7,
        metavar="N",
    ),
    Option("free-disk", "text", "Answer 503 when the disk has less than SIZE left.", _SERVE, "2G", metavar="SIZE"),
    Option(
        "body-limit",
        "text",
        "Largest body of a request, as it is sent; decompressed it may be four times as large.",
        _SERVE,
        "32M",
        metavar="SIZE",
    ),
    Option("connections", "number", "Most connections at a time.", _SERVE, 1000, metavar="N"),
    Option(
        "check",
        "flag",
        "Check settings, content, tokens, certificate and state, say what would be served, and end.",
        _SERVE,
        False,
    ),
    Option(
        "backup",
        "text",
        "Copy the --state folder to this one, also while a service uses it, and end. A service can go on from the "
        "copy.",
        _SERVE,
        metavar="FOLDER",
    ),
    Option(
        "demo",
        "flag",
        "Serve from a temporary folder with shipped data, an account and a token, and print how to use them.",
        _SERVE,
        False,
    ),
    Option("name", "text", "Name of the token, which the ledger shows.", ("init",), metavar="NAME"),
    Option(
        "scope",
        "list",
        "What the token may do: send, read, stream, search, triage, metrics. Repeatable. Default: send.",
        ("init",),
        metavar="SCOPE",
    ),
    Option("acknowledge", "flag", "HEC requests with the token need a channel and get an ackId.", ("init",), False),
    Option(
        "certificate",
        "text",
        "Common name of a client certificate that stands in place of a token.",
        ("init",),
        metavar="NAME",
    ),
    Option(
        "account",
        "text",
        "Service account of a push subscription of Pub/Sub that stands in place of a token.",
        ("init",),
        metavar="EMAIL",
    ),
    Option("url", "text", "URL of the service, as the API server reaches it.", ("init",), metavar="URL"),
    Option(
        "image",
        "text",
        "Image of podhawk for the manifests.",
        ("init",),
        "podhawk:latest",
        metavar="IMAGE",
    ),
    Option("namespace", "text", "Namespace for the manifests.", ("init",), "podhawk", metavar="NAME"),
    Option("storage", "text", "Size of the volume for the state in the manifests.", ("init",), "100Gi", metavar="SIZE"),
    Option("instance", "text", "Name of the API server.", ("init",), "cp-1", metavar="NAME"),
)
