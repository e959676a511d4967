"""A moto server on a free port, until stdin ends; then or before, it says which AWS IoT objects it holds.

Each line on stdin is a question: the name of a thing. The answer is a line of JSON, as boto3 sees the objects.
"""
import json
import sys

import boto3
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
address = "http://%s:%d" % server.get_host_and_port()
print(address, flush=True)
iot = boto3.client("iot", endpoint_url=address, region_name="eu-central-1",
                   aws_access_key_id="test", aws_secret_access_key="test")


def objects(thing):
    things = {t["thingName"]: t for t in iot.list_things()["things"]}
    found = {"certificates": {c["certificateId"]: c["status"] for c in iot.list_certificates()["certificates"]},
             "types": [t["thingTypeName"] for t in iot.list_thing_types()["thingTypes"]],
             "groups": [g["groupName"] for g in iot.list_thing_groups()["thingGroups"]],
             "policies": {p["policyName"]: json.loads(iot.get_policy(policyName=p["policyName"])["policyDocument"])
                          for p in iot.list_policies()["policies"]},
             "thing": None}
    if thing in things:
        principals = iot.list_thing_principals(thingName=thing)["principals"]
        found["thing"] = {
            "attributes": things[thing]["attributes"], "type": things[thing].get("thingTypeName"),
            "groups": [g["groupName"] for g in iot.list_thing_groups_for_thing(thingName=thing)["thingGroups"]],
            "principals": principals,
            "policies": [p["policyName"] for arn in principals
                         for p in iot.list_attached_policies(target=arn)["policies"]]}
    return found


for question in sys.stdin:
    print(json.dumps(objects(question.strip())), flush=True)
server.stop()
