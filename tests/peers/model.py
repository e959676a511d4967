"""Writes src/local/api/model.json from AWS's public service models of IoT and its data endpoint (botocore, Apache-2.0).

Every operation with its method and path; those that the stand-in serves with their members and limits as well.

    python3 tests/peers/model.py            write it
    python3 tests/peers/model.py --check    say whether it is up to date
"""
import json
import pathlib
import sys

import botocore.loaders

TABLE = pathlib.Path(__file__).parents[2] / "src/local/api/model.json"
SERVED = """
    AddThingToThingGroup AttachPolicy AttachThingPrincipal CreateCertificateFromCsr CreateKeysAndCertificate
    CreatePolicy CreatePolicyVersion CreateThing CreateThingGroup CreateThingType DeleteCertificate DeletePolicy
    DeletePolicyVersion DeleteThing DeleteThingGroup DeleteThingType DeprecateThingType DescribeCertificate
    DescribeEndpoint DescribeThing DescribeThingGroup DescribeThingType DetachPolicy DetachThingPrincipal
    GetEffectivePolicies GetPolicy GetPolicyVersion GetThingConnectivityData ListAttachedPolicies ListCertificates
    ListDomainConfigurations ListPolicies ListPolicyVersions ListPrincipalThings ListPrincipalThingsV2
    ListTagsForResource ListTargetsForPolicy ListThingGroups ListThingGroupsForThing ListThingPrincipals
    ListThingPrincipalsV2 ListThingTypes ListThings ListThingsInThingGroup RegisterCertificateWithoutCA
    RemoveThingFromThingGroup SetDefaultPolicyVersion TagResource TestAuthorization UntagResource UpdateCertificate
    UpdateThing
    DeleteThingShadow GetThingShadow ListNamedShadowsForThing UpdateThingShadow
""".split()
LIMITS = ("min", "max", "pattern", "enum")
PLACES = {"uri": "uri", "querystring": "query", "header": "header"}


def shape_of(model, name):
    raw = model["shapes"][name]
    shape = {"type": raw["type"], **{limit: raw[limit] for limit in LIMITS if limit in raw}}
    if raw["type"] == "structure":
        shape["required"] = raw.get("required", [])
        shape["members"] = {member: shape_of(model, of["shape"]) for member, of in raw["members"].items()}
    if raw["type"] == "list":
        shape["member"] = shape_of(model, raw["member"]["shape"])
    if raw["type"] == "map":
        shape["key"], shape["value"] = (shape_of(model, raw[part]["shape"]) for part in ("key", "value"))
    return shape


def operation(model, name):
    raw = model["operations"][name]
    row = {"name": name, "method": raw["http"]["method"], "uri": raw["http"]["requestUri"]}
    if name in SERVED:
        given = model["shapes"][raw["input"]["shape"]]
        payload = given.get("payload")
        row["members"] = [
            {"name": member, "in": "payload" if member == payload else PLACES.get(of.get("location"), "body"), "as": of.get("locationName", member),
             "required": member in given.get("required", []), "shape": shape_of(model, of["shape"])}
            for member, of in given["members"].items()]
    return row


def table():
    loader = botocore.loaders.create_loader()
    models = [loader.load_service_model(service, "service-2") for service in ("iot", "iot-data")]
    rows = [json.dumps(operation(model, name), separators=(",", ":")) for model in models for name in sorted(model["operations"])]
    return "[\n" + ",\n".join(rows) + "\n]\n"


if "--check" in sys.argv:
    fresh = TABLE.read_text() == table()
    print("PASS the table is that of the service model" if fresh else "FAIL run: python3 tests/peers/model.py")
    sys.exit(0 if fresh else 1)
TABLE.write_text(table())
