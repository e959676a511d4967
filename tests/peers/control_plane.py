"""boto3, unmodified, through the whole life of a device: every refusal by its code, every answer by AWS's own model."""
import datetime
import json

import boto3
import botocore.config
import botocore.exceptions
import botocore.validate
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from world import check, finish

# One attempt: a refusal is an answer, and to be seen at once.
iot = boto3.client("iot", config=botocore.config.Config(retries={"total_max_attempts": 1}))
validator = botocore.validate.ParamValidator()


def against_the_model(http_response, parsed, model, **_):
    """Required members, types and lengths of every successful answer."""
    if http_response.status_code < 300:
        members = {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
        report = validator.validate(members, model.output_shape) if model.output_shape else None
        if report is not None and report.has_errors():
            check(f"{model.name} answers as AWS's model has it", False, report.generate_report())


iot.meta.events.register("after-call.iot", against_the_model)


def refused(name, code, status, call, **arguments):
    try:
        answer = call(**arguments)
        check(name, False, answer)
    except botocore.exceptions.ClientError as error:
        found = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        check(name, found == (code, status), found)
        return error.response


def csr(*names, key=None, extension=None):
    """A key, and its request with these common names."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if extension:
        request = request.add_extension(extension, critical=False)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return key, request.sign(key, algorithm).public_bytes(serialization.Encoding.PEM).decode()


def document(topic):
    statement = {"Effect": "Allow", "Action": "iot:Publish", "Resource": f"arn:aws:iot:us-east-1:123456789012:topic/{topic}"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def things():
    iot.create_thing_type(thingTypeName="pump", thingTypeProperties={"thingTypeDescription": "moves water"})
    wanted = {"attributes": {"site": "plant1", "line": "22"}}
    made = iot.create_thing(thingName="pump-7", thingTypeName="pump", attributePayload=wanted)
    again = iot.create_thing(thingName="pump-7", thingTypeName="pump", attributePayload=wanted)
    check("the same thing again is the same thing", made["thingId"] == again["thingId"])
    clash = refused("another thing of that name is a conflict", "ResourceAlreadyExistsException", 409, iot.create_thing,
                    thingName="pump-7", attributePayload={"attributes": {"site": "plant2"}})
    check("the conflict names what exists", clash["resourceArn"] == made["thingArn"], clash)
    four = {"attributes": {name: "1" for name in "abcd"}}
    refused("four attributes need a type", "InvalidRequestException", 400, iot.create_thing, thingName="x", attributePayload=four)
    refused("an unknown type is not found", "ResourceNotFoundException", 404, iot.create_thing, thingName="x", thingTypeName="y")
    refused("a forbidden name is invalid", "InvalidRequestException", 400, iot.create_thing, thingName="a b")
    iot.update_thing(thingName="pump-7", attributePayload={"attributes": {"line": ""}, "merge": True}, expectedVersion=1)
    thing = iot.describe_thing(thingName="pump-7")
    check("merging keeps and removes", thing["attributes"] == {"site": "plant1"} and thing["version"] == 2, thing)
    refused("an old version is a conflict", "VersionConflictException", 409, iot.update_thing, thingName="pump-7",
            attributePayload={"attributes": {}}, expectedVersion=1)
    iot.deprecate_thing_type(thingTypeName="pump")
    refused("a deprecated type takes no things", "InvalidRequestException", 400, iot.create_thing, thingName="x", thingTypeName="pump")
    iot.deprecate_thing_type(thingTypeName="pump", undoDeprecate=True)
    refused("a type is deleted five minutes after its deprecation", "InvalidRequestException", 400,
            iot.delete_thing_type, thingTypeName="pump")


def paging():
    for number in range(30):
        iot.create_thing(thingName=f"page-{number:02}")
    pages = list(iot.get_paginator("list_things").paginate(PaginationConfig={"PageSize": 7}))
    names = [thing["thingName"] for page in pages for thing in page["things"]]
    check("pages hold every thing once", len(pages) == 5 and len(names) == len(set(names)) == 31, (len(pages), len(names)))
    one = iot.list_things(attributeName="site", attributeValue="plant1")["things"]
    check("things are found by attribute", [thing["thingName"] for thing in one] == ["pump-7"])
    for number in range(30):
        iot.delete_thing(thingName=f"page-{number:02}")
    iot.delete_thing(thingName="page-00")
    check("deleting a missing thing is no error", True)
    refused("a page has 250 items at most", "InvalidRequestException", 400, iot.list_things, maxResults=251)


def groups():
    team = [{"Key": "team", "Value": "pumps"}]
    iot.create_thing_group(thingGroupName="plant1", tags=team)
    group = "arn:aws:iot:us-east-1:123456789012:thinggroup/plant1"
    check("tags of a create call are kept", iot.list_tags_for_resource(resourceArn=group)["tags"] == team)
    iot.create_thing_group(thingGroupName="line22", parentGroupName="plant1")
    iot.add_thing_to_thing_group(thingGroupName="line22", thingName="pump-7")
    iot.add_thing_to_thing_group(thingGroupName="line22", thingName="pump-7")
    refused("no two groups of one tree", "InvalidRequestException", 400, iot.add_thing_to_thing_group,
            thingGroupName="plant1", thingName="pump-7")
    check("a parent holds its children's things",
          iot.list_things_in_thing_group(thingGroupName="plant1", recursive=True)["things"] == ["pump-7"])
    above = iot.describe_thing_group(thingGroupName="line22")["thingGroupMetadata"]["rootToParentThingGroups"]
    check("a group knows where it stands", [group["groupName"] for group in above] == ["plant1"])
    refused("a group with children stays", "InvalidRequestException", 400, iot.delete_thing_group, thingGroupName="plant1")


def requests():
    def not_signed(name, request):
        refused(name, "InvalidRequestException", 400, iot.create_certificate_from_csr, certificateSigningRequest=request)

    not_signed("what is no request is invalid", "hello")
    not_signed("an Ed25519 key is refused", csr("a", key=ed25519.Ed25519PrivateKey.generate())[1])
    not_signed("an RSA key of 1024 bits is refused", csr("a", key=rsa.generate_private_key(65537, 1024))[1])
    not_signed("three values of an attribute are refused, not lost", csr("a", "b", "c")[1])
    wishes = x509.SubjectKeyIdentifier(b"mine")
    made = iot.create_certificate_from_csr(certificateSigningRequest=csr("a", "Administrator", extension=wishes)[1])
    certificate = x509.load_pem_x509_certificate(made["certificatePem"].encode())
    names = [attribute.value for attribute in certificate.subject]
    check("the subject is kept value by value, extensions do not count", names == ["a", "Administrator"], names)
    iot.delete_certificate(certificateId=made["certificateId"])


def certificates():
    key, request = csr("pump-7")
    made = iot.create_certificate_from_csr(certificateSigningRequest=request)
    certificate = x509.load_pem_x509_certificate(made["certificatePem"].encode())
    check("the certificate carries the key of the request",
          certificate.public_key().public_numbers() == key.public_key().public_numbers())
    check("its id is the SHA-256 of its DER", made["certificateId"] == certificate.fingerprint(hashes.SHA256()).hex())
    check("it lasts until 2049", certificate.not_valid_after_utc == datetime.datetime(2049, 12, 31, 23, 59, 59, tzinfo=datetime.UTC))
    described = iot.describe_certificate(certificateId=made["certificateId"])["certificateDescription"]
    check("it is inactive", described["status"] == "INACTIVE")
    other = iot.create_certificate_from_csr(certificateSigningRequest=request)
    check("the same request again is another certificate", other["certificateId"] != made["certificateId"])
    newest = iot.list_certificates(pageSize=1)["certificates"][0]["certificateId"]
    check("the newest comes first", newest == other["certificateId"])
    iot.delete_certificate(certificateId=other["certificateId"])
    requests()
    refused("a registered certificate is a conflict", "ResourceAlreadyExistsException", 409,
            iot.register_certificate_without_ca, certificatePem=made["certificatePem"])
    refused("what is no certificate fails validation", "CertificateValidationException", 400,
            iot.register_certificate_without_ca, certificatePem="hello")
    keys = iot.create_keys_and_certificate(setAsActive=True)
    private = serialization.load_pem_private_key(keys["keyPair"]["PrivateKey"].encode(), None)
    check("keys by AWS are RSA 2048", private.key_size == 2048)
    iot.update_certificate(certificateId=keys["certificateId"], newStatus="REVOKED")
    iot.delete_certificate(certificateId=keys["certificateId"])
    return made


def policies():
    iot.create_policy(policyName="sensor", policyDocument=document("a"))
    clash = refused("the same policy again is a conflict", "ResourceAlreadyExistsException", 409, iot.create_policy,
                    policyName="sensor", policyDocument=document("a"))
    check("the conflict names the policy", clash["resourceArn"].endswith(":policy/sensor"), clash)
    refused("what is no policy is malformed", "MalformedPolicyException", 400, iot.create_policy, policyName="x", policyDocument="{}")
    refused("2049 characters are too many", "MalformedPolicyException", 400, iot.create_policy, policyName="x",
            policyDocument=document("t" * 2000))
    for number in range(2, 6):
        version = iot.create_policy_version(policyName="sensor", policyDocument=document(f"v{number}"), setAsDefault=number == 3)
        check(f"version {number}", version["policyVersionId"] == str(number))
    refused("a sixth version is one too many", "VersionsLimitExceededException", 409, iot.create_policy_version,
            policyName="sensor", policyDocument=document("v6"))
    refused("the default version stays", "DeleteConflictException", 409, iot.delete_policy_version,
            policyName="sensor", policyVersionId="3")
    iot.set_default_policy_version(policyName="sensor", policyVersionId="1")
    check("the default is what counts", "topic/a" in iot.get_policy(policyName="sensor")["policyDocument"])
    refused("a policy with versions stays", "DeleteConflictException", 409, iot.delete_policy, policyName="sensor")
    for number in range(2, 6):
        iot.delete_policy_version(policyName="sensor", policyVersionId=str(number))


def attachments(certificate):
    arn, name = certificate["certificateArn"], "pump-7"
    refused("an unknown target is not found", "ResourceNotFoundException", 404, iot.attach_policy, policyName="sensor",
            target=arn[:-64] + "0" * 64)
    refused("a thing is no target", "InvalidRequestException", 400, iot.attach_policy, policyName="sensor",
            target="arn:aws:iot:us-east-1:123456789012:thing/pump-7")
    for _ in range(2):
        iot.attach_policy(policyName="sensor", target=arn)
        iot.attach_thing_principal(thingName=name, principal=arn)
    check("attaching twice is attaching once", iot.list_thing_principals(thingName=name)["principals"] == [arn])
    check("targets of a policy", iot.list_targets_for_policy(policyName="sensor")["targets"] == [arn])
    check("policies of a target", iot.list_attached_policies(target=arn)["policies"][0]["policyName"] == "sensor")
    check("things of a certificate", iot.list_principal_things(principal=arn)["things"] == [name])
    kinds = iot.list_thing_principals_v2(thingName=name)["thingPrincipalObjects"]
    check("the kind of an attachment", kinds[0]["thingPrincipalType"] == "NON_EXCLUSIVE_THING")
    refused("an exclusive attachment allows no other", "InvalidRequestException", 400, iot.attach_thing_principal,
            thingName=name, principal=arn, thingPrincipalType="EXCLUSIVE_THING")
    effective = iot.get_effective_policies(principal=arn, thingName=name)["effectivePolicies"]
    check("effective policies", [policy["policyName"] for policy in effective] == ["sensor"])
    topic = "arn:aws:iot:us-east-1:123456789012:topic/"
    ask = [{"actionType": "PUBLISH", "resources": [topic + "a"]}, {"actionType": "PUBLISH", "resources": [topic + "b"]}]
    answers = iot.test_authorization(principal=arn, authInfos=ask)["authResults"]
    check("TestAuthorization decides", [answer["authDecision"] for answer in answers] == ["ALLOWED", "IMPLICIT_DENY"], answers)


def the_end(certificate):
    identity, arn = certificate["certificateId"], certificate["certificateArn"]
    iot.update_certificate(certificateId=identity, newStatus="ACTIVE")
    refused("an attached thing stays", "InvalidRequestException", 400, iot.delete_thing, thingName="pump-7")
    refused("an attached policy stays", "DeleteConflictException", 409, iot.delete_policy, policyName="sensor")
    refused("an active certificate stays", "CertificateStateException", 406, iot.delete_certificate, certificateId=identity)
    refused("PENDING_TRANSFER cannot be set", "InvalidRequestException", 400, iot.update_certificate,
            certificateId=identity, newStatus="PENDING_TRANSFER")
    iot.update_certificate(certificateId=identity, newStatus="INACTIVE")
    refused("a certificate with a policy stays", "DeleteConflictException", 409, iot.delete_certificate, certificateId=identity)
    refused("force minds no policy, but the thing", "DeleteConflictException", 409, iot.delete_certificate,
            certificateId=identity, forceDelete=True)
    iot.detach_policy(policyName="sensor", target=arn)
    iot.detach_thing_principal(thingName="pump-7", principal=arn)
    iot.delete_certificate(certificateId=identity)
    iot.delete_thing(thingName="pump-7")
    iot.delete_policy(policyName="sensor")
    iot.delete_thing_group(thingGroupName="line22")
    iot.delete_thing_group(thingGroupName="plant1")
    left = [iot.list_things()["things"], iot.list_certificates()["certificates"], iot.list_policies()["policies"],
            iot.list_thing_groups()["thingGroups"]]
    check("in the right order everything goes", left == [[], [], [], []], left)


check("the endpoint is a bare host", iot.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"] == "localhost")
refused("an operation that is not there is named", "NotImplementedException", 501, iot.list_jobs)
things()
paging()
groups()
certificate = certificates()
policies()
attachments(certificate)
the_end(certificate)
finish()
