#!/bin/sh
# Create Perennial's namespace, or bring its retention to what is configured. Doing it again changes nothing.
# The server is TEMPORAL_ADDRESS, the namespace NAMESPACE, the retention of closed runs RETENTION.
set -eu

temporal operator cluster health
if temporal operator namespace describe --namespace "$NAMESPACE" >/dev/null 2>&1; then
    temporal operator namespace update --namespace "$NAMESPACE" --retention "$RETENTION"
else
    temporal operator namespace create --namespace "$NAMESPACE" --retention "$RETENTION"
fi
