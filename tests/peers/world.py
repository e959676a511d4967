"""What the foreign devices share: a bundle made by the real `iotctl`, a waiting box, and a count of checks.

Run below `iotctl local -- python3 tests/peers/NAME.py`, which exports the AWS settings of the stand-in.
"""
import json
import os
import pathlib
import queue
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
PATIENCE = 15  # seconds after which a silent peer is a failure; nothing is asserted about speed
passed = 0


class Bundle:
    """A device bundle, provisioned now against the stand-in."""

    def __init__(self, thing, out, template=HERE / "pubsub.json"):
        topic = f"lab/{thing}/up"
        iotctl = os.environ.get("IOTCTL", "iotctl")
        command = [iotctl, "provision", "--thing", thing, "--out", str(out), "--template", str(template),
                   "--policy-name", "lab", "--topic", topic, "-o", "json"]
        answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        self.thing, self.topic = thing, topic
        self.host, self.port = answer["endpoint"], answer["port"]
        folder = pathlib.Path(out) / thing
        self.ca, self.cert, self.key = (str(folder / f) for f in ("root-ca.pem", "device.cert.pem", "device.key.pem"))


class Box(queue.Queue):
    """Where callbacks put what came, and a test takes it out."""

    def take(self):
        return self.get(timeout=PATIENCE)


def check(name, ok, found=""):
    global passed
    if not ok:
        print(f"FAIL {name}: {found}")
        sys.exit(1)
    passed += 1
    print(f"PASS {name}")


def finish():
    print(f"{passed} passed, 0 failed")


def folder():
    return tempfile.TemporaryDirectory(prefix="iotctl-peers-")
