#!/usr/bin/env bash
# The AWS CLI, unmodified: a device made, looked at, refused to go, and deleted in the right order.
set -euo pipefail
export AWS_PAGER= AWS_DEFAULT_OUTPUT=text AWS_MAX_ATTEMPTS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

pass() { printf 'PASS %s\n' "$*"; }
fail() { printf 'FAIL %s\n' "$*"; exit 1; }
same() { [ "$2" = "$3" ] && pass "$1" || fail "$1: got '$2', wanted '$3'"; }
refused() {
    local name=$1 code=$2 said
    shift 2
    said=$(aws iot "$@" 2>&1) && fail "$name: it went through"
    [[ $said == *"($code)"* ]] && pass "$name" || fail "$name: $said"
}

openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=pump-7 \
    -keyout "$work/key.pem" -out "$work/pump.csr" 2>/dev/null
cat >"$work/policy.json" <<'JSON'
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"}]}
JSON

same create-thing "$(aws iot create-thing --thing-name pump-7 --attribute-payload attributes={site=plant1} --query thingName)" pump-7
refused "duplicate thing" ResourceAlreadyExistsException create-thing --thing-name pump-7
read -r id arn <<<"$(aws iot create-certificate-from-csr --certificate-signing-request "file://$work/pump.csr" \
    --certificate-pem-outfile "$work/cert.pem" --query '[certificateId,certificateArn]')"
same create-certificate-from-csr "$(openssl x509 -in "$work/cert.pem" -pubkey -noout)" "$(openssl pkey -in "$work/key.pem" -pubout)"
aws iot create-policy --policy-name sensor --policy-document "file://$work/policy.json" >/dev/null
pass create-policy
refused "duplicate policy" ResourceAlreadyExistsException create-policy --policy-name sensor --policy-document "file://$work/policy.json"
aws iot attach-policy --policy-name sensor --target "$arn"
aws iot attach-thing-principal --thing-name pump-7 --principal "$arn"
aws iot update-certificate --certificate-id "$id" --new-status ACTIVE
same list-attached-policies "$(aws iot list-attached-policies --target "$arn" --query 'policies[].policyName')" sensor
same list-thing-principals "$(aws iot list-thing-principals --thing-name pump-7 --query 'principals[]')" "$arn"
same describe-thing "$(aws iot describe-thing --thing-name pump-7 --query attributes.site)" plant1
same describe-certificate "$(aws iot describe-certificate --certificate-id "$id" --query certificateDescription.status)" ACTIVE
same list-certificates "$(aws iot list-certificates --query 'length(certificates)')" 1
same describe-endpoint "$(aws iot describe-endpoint --endpoint-type iot:Data-ATS)" localhost
refused "attached thing" InvalidRequestException delete-thing --thing-name pump-7
refused "attached policy" DeleteConflictException delete-policy --policy-name sensor
refused "active certificate" CertificateStateException delete-certificate --certificate-id "$id"
aws iot detach-policy --policy-name sensor --target "$arn"
aws iot detach-thing-principal --thing-name pump-7 --principal "$arn"
aws iot update-certificate --certificate-id "$id" --new-status INACTIVE
aws iot delete-certificate --certificate-id "$id"
aws iot delete-thing --thing-name pump-7
aws iot delete-policy --policy-name sensor
same "nothing is left" "$(aws iot list-things --query 'length(things)')$(aws iot list-policies --query 'length(policies)')" 00
