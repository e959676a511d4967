"""A foreign client that publishes each line of its standard input with QoS 1: CLIENT PORT FOLDER TOPIC.

It says `online` after it connected, `offline` when it notices that the line broke, and `taken N` when the client library
has the N-th line. At the end of the input it waits for what the library still owes, and ends.
"""
import pathlib
import sys
import threading
import time

PATIENCE = 10  # seconds for what is owed at the end
ca = cert = key = ""


def say(word):
    print(word, flush=True)


class Paho:
    """paho-mqtt, its queue without a bound, reconnecting by itself."""

    def __init__(self, port):
        import paho.mqtt.client as mqtt
        self.owed = []
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "pump-7", clean_session=False)
        self.client.tls_set(ca, cert, key)
        self.client.max_queued_messages_set(0)
        self.client.on_connect = lambda *_: say("online")
        self.client.on_disconnect = lambda *_: say("offline")
        self.client.connect("localhost", port)
        self.client.loop_start()

    def publish(self, topic, line):
        self.owed.append(self.client.publish(topic, line, 1))

    def finish(self):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and not all(one.is_published() for one in self.owed):
            time.sleep(0.05)
        self.client.disconnect()
        self.client.loop_stop()


class TutorialSdk:
    """AWSIoTPythonSDK with the tutorial's settings: endless offline queue, back-off 1 to 32 s."""

    def __init__(self, port):
        from AWSIoTPythonSDK.MQTTLib import AWSIoTMQTTClient
        self.acknowledged = threading.Semaphore(0)
        self.owed = 0
        self.client = AWSIoTMQTTClient("pump-7", cleanSession=False)
        self.client.configureEndpoint("localhost", port)
        self.client.configureCredentials(ca, key, cert)
        self.client.configureAutoReconnectBackoffTime(1, 32, 20)
        self.client.configureOfflinePublishQueueing(-1)
        self.client.configureDrainingFrequency(2)
        self.client.configureConnectDisconnectTimeout(10)
        self.client.configureMQTTOperationTimeout(5)
        self.client.onOnline = lambda: say("online")
        self.client.onOffline = lambda: say("offline")
        self.client.connect()

    def publish(self, topic, line):
        self.owed += 1
        self.client.publishAsync(topic, line, 1, lambda mid: self.acknowledged.release())

    def finish(self):
        for _ in range(self.owed):
            self.acknowledged.acquire(timeout=PATIENCE)
        self.client.disconnect()


class DeviceSdk:
    """awsiotsdk (aws-crt) over MQTT 3.1.1."""

    def __init__(self, port):
        from awscrt import mqtt
        from awsiot import mqtt_connection_builder
        self.at_least_once = mqtt.QoS.AT_LEAST_ONCE
        self.owed = []
        self.connection = mqtt_connection_builder.mtls_from_path(
            endpoint="localhost", port=port, cert_filepath=cert, pri_key_filepath=key, ca_filepath=ca,
            client_id="pump-7", clean_session=False, keep_alive_secs=30,
            on_connection_interrupted=lambda *_, **__: say("offline"))
        self.connection.connect().result(PATIENCE)
        say("online")

    def publish(self, topic, line):
        self.owed.append(self.connection.publish(topic, line, self.at_least_once)[0])

    def finish(self):
        until = time.monotonic() + PATIENCE
        for future in self.owed:
            future.result(max(0.1, until - time.monotonic()))
        self.connection.disconnect().result(PATIENCE)


name, port, folder, topic = sys.argv[1:]
ca, cert, key = (str(pathlib.Path(folder) / file) for file in ("ca.pem", "device.pem", "device.key"))
client = {"paho": Paho, "tutorial": TutorialSdk, "awsiotsdk": DeviceSdk}[name](int(port))
for number, line in enumerate(sys.stdin):
    client.publish(topic, line.rstrip("\n"))
    say(f"taken {number + 1}")
client.finish()
