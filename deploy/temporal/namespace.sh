#!/bin/sh
# Creates Perennial's namespace, or sets its retention. A second run changes nothing.
# Environment variables:
#   TEMPORAL_ADDRESS  host:port of the Temporal server
#   NAMESPACE         the namespace
#   RETENTION         how long the server keeps closed runs, such as 72h
set -eu

temporal operator cluster health
if temporal operator namespace describe --namespace "$NAMESPACE" >/dev/null 2>&1; then
    temporal operator namespace update --namespace "$NAMESPACE" --retention "$RETENTION"
else
    temporal operator namespace create --namespace "$NAMESPACE" --retention "$RETENTION"
fi
