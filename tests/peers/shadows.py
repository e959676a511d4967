"""Shadows: boto3 `iot-data` and AWSIoTPythonSDK's own shadow client, unmodified, on the two sides of one document."""
import json

import boto3
import botocore.config
import botocore.exceptions
from AWSIoTPythonSDK.MQTTLib import AWSIoTMQTTShadowClient

from world import HERE, Box, Bundle, check, finish, folder

data = boto3.client("iot-data", config=botocore.config.Config(retries={"total_max_attempts": 1}))


def read(**which):
    return json.loads(data.get_thing_shadow(**which)["payload"].read())


def update(document, **which):
    return json.loads(data.update_thing_shadow(payload=json.dumps(document), **which)["payload"].read())


def refused(name, code, status, call, **arguments):
    try:
        check(name, False, call(**arguments))
    except botocore.exceptions.ClientError as error:
        found = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        check(name, found == (code, status), error.response)
        return error.response["Error"].get("Message", error.response.get("message"))


def rest():
    who = {"thingName": "pump-7", "shadowName": "cfg"}
    message = refused("no shadow is not found", "ResourceNotFoundException", 404, data.get_thing_shadow, **who)
    check("the refusal names it", message == "No shadow exists with name: 'cfg'", message)
    made = update({"state": {"desired": {"interval": 60, "old": 1}}, "clientToken": "t"}, **who)
    check("an update is echoed", made["state"] == {"desired": {"interval": 60, "old": 1}} and made["version"] == 1
          and made["clientToken"] == "t", made)
    gone = update({"state": {"desired": {"old": None}}, "version": 1}, **who)
    check("null deletes, and the echo says so", gone["state"] == {"desired": {"old": None}}, gone)
    whole = read(**who)
    check("the document has its delta", whole["state"] == {"desired": {"interval": 60}, "delta": {"interval": 60}}, whole)
    stamp = whole["metadata"]["desired"]["interval"]["timestamp"]
    check("times are whole seconds", isinstance(stamp, int) and abs(whole["timestamp"] - stamp) < 600, whole)
    wrong = [("an old version is a conflict", {"state": {}, "version": 1}, "ConflictException", 409),
             ("a state without sections is refused", {"state": {"interval": 1}}, "InvalidRequestException", 400),
             ("nine kilobytes are too many", {"state": {"desired": {"x": "x" * 9000}}}, "RequestEntityTooLargeException", 413)]
    for name, document, code, status in wrong:
        refused(name, code, status, data.update_thing_shadow, payload=json.dumps(document), **who)
    refused("what is no JSON is refused", "InvalidRequestException", 400, data.update_thing_shadow, payload=b"{", **who)
    refused("what is no UTF-8 is refused", "UnsupportedDocumentEncodingException", 415, data.update_thing_shadow,
            payload=b"\xff", **who)
    for name in ("a", "b", "c"):
        update({"state": {}}, thingName="pump-7", shadowName=name)
    update({"state": {}}, thingName="pump-7")
    first = data.list_named_shadows_for_thing(thingName="pump-7", pageSize=3)
    rest = data.list_named_shadows_for_thing(thingName="pump-7", nextToken=first["nextToken"])
    names = first["results"] + rest["results"]
    check("named shadows are listed in pages", names == ["a", "b", "c", "cfg"] and "nextToken" not in rest, names)
    deleted = json.loads(data.delete_thing_shadow(**who)["payload"].read())
    check("a shadow is deleted", deleted["version"] == 3 and data.list_named_shadows_for_thing(thingName="pump-7")["results"] == ["a", "b", "c"])
    check("and goes on from its version", update({"state": {}}, **who)["version"] == 4)
    refused("an unknown thing has no shadow", "ResourceNotFoundException", 404, data.get_thing_shadow, thingName="nobody")


def device(out):
    bundle = Bundle("valve-1", out, HERE / "shadow.json")
    client = AWSIoTMQTTShadowClient(bundle.thing)
    client.configureEndpoint(bundle.host, bundle.port)
    client.configureCredentials(bundle.ca, bundle.key, bundle.cert)
    client.configureConnectDisconnectTimeout(10)
    client.configureMQTTOperationTimeout(5)
    check("the shadow client connects", client.connect())
    shadow = client.createShadowHandlerWithName(bundle.thing, True)
    answers, deltas = Box(), Box()

    def answered(payload, status, _token):
        answers.put((status, json.loads(payload) if payload and status != "timeout" else payload))

    shadow.shadowGet(answered, 5)
    status, payload = answers.take()
    check("get without a shadow is rejected", status == "rejected" and payload["code"] == 404, (status, payload))
    shadow.shadowUpdate(json.dumps({"state": {"reported": {"valve": "open"}}}), answered, 5)
    status, payload = answers.take()
    check("its update is accepted", status == "accepted" and payload["version"] == 1, (status, payload))
    check("boto3 reads what it reported", read(thingName=bundle.thing)["state"] == {"reported": {"valve": "open"}})
    shadow.shadowRegisterDeltaCallback(lambda payload, *_: deltas.put(json.loads(payload)))
    update({"state": {"desired": {"valve": "closed"}}}, thingName=bundle.thing)
    delta = deltas.take()
    check("what boto3 desires comes as a delta", delta["state"] == {"valve": "closed"} and delta["version"] == 2, delta)
    shadow.shadowUpdate(json.dumps({"state": {"reported": {"valve": "closed"}}, "version": 1}), answered, 5)
    status, payload = answers.take()
    check("an old version is rejected", status == "rejected" and payload["code"] == 409, (status, payload))
    shadow.shadowUpdate(json.dumps({"state": {"reported": {"valve": "closed"}}}), answered, 5)
    check("what is desired is reported", answers.take()[0] == "accepted")
    check("no difference is left", "delta" not in read(thingName=bundle.thing)["state"])
    shadow.shadowDelete(answered, 5)
    check("it is deleted", answers.take()[0] == "accepted")
    refused("and gone", "ResourceNotFoundException", 404, data.get_thing_shadow, thingName=bundle.thing)
    client.disconnect()


rest()
with folder() as place:
    device(place)
finish()
