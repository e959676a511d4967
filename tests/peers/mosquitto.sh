#!/usr/bin/env bash
# mosquitto_pub and mosquitto_sub over MQTT 3.1.1 and 5, with an `iotctl` bundle: served, and refused as AWS refuses.
set -euo pipefail
here=$(dirname "$0")
iotctl=${IOTCTL:-iotctl}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

pass() { printf 'PASS %s\n' "$*"; }
fail() { printf 'FAIL %s\n' "$*"; exit 1; }

port=$("$iotctl" provision --thing lab-1 --out "$work" --template "$here/pubsub.json" --policy-name lab \
    --topic lab/lab-1/up -o json 2>/dev/null | python3 -c 'import json, sys; print(json.load(sys.stdin)["port"])')
bundle=$work/lab-1
client() {
    local program=$1 version=$2 id=$3
    shift 3
    timeout 15 "$program" -V "$version" -h localhost -p "$port" -i "$id" -q 1 --cafile "$bundle/root-ca.pem" \
        --cert "$bundle/device.cert.pem" --key "$bundle/device.key.pem" "$@"
}

# One client id is one connection, so a subscriber that is to hear of a retained message comes second.
for version in 311 5; do
    client mosquitto_pub $version lab-1 -t lab/lab-1/up -m "over $version" || fail "$version publishes"
    pass "$version publishes"
    heard=$(client mosquitto_sub $version lab-1 -t 'lab/lab-1/#' -C 1 -W 5 2>/dev/null) && fail "$version heard '$heard' from before"
    pass "$version hears nothing that was not retained"
    # Over MQTT 5 the PUBACK says why, and mosquitto_pub reports it without failing.
    client mosquitto_pub $version lab-1 -t somewhere/else -m no 2>"$work/said" || true
    [ -s "$work/said" ] || fail "$version publishes to a forbidden topic"
    pass "$version denied publish: $(tail -n 1 "$work/said")"
    if client mosquitto_sub $version lab-1 -t "other/#" -C 1 -W 3 >"$work/said" 2>&1 && ! grep -q "denied" "$work/said"; then
        fail "$version subscribes to a forbidden filter"
    fi
    pass "$version denied subscribe: $(tail -n 1 "$work/said")"
    if client mosquitto_pub $version stranger -t lab/lab-1/up -m no >"$work/said" 2>&1; then
        fail "$version connects under another client id"
    fi
    pass "$version denied connect: $(tail -n 1 "$work/said")"
done

# A persistent session keeps what came while its client was away.
client mosquitto_sub 311 lab-1 -c -t lab/lab-1/up -E || fail "a persistent subscription"
"$iotctl" provision --thing lab-2 --out "$work" --template tutorial-publisher --topic lab/lab-1/up >/dev/null 2>&1
"$iotctl" pub --bundle "$work/lab-2" lab/lab-1/up 'while you were away' 2>/dev/null || fail "another device publishes"
heard=$(client mosquitto_sub 311 lab-1 -c -t lab/lab-1/up -C 1 -W 10) || fail "it kept nothing"
[ "$heard" = 'while you were away' ] || fail "it kept '$heard'"
pass "a persistent session keeps what came while its client was away"
