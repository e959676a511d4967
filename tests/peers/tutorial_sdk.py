"""AWSIoTPythonSDK 1.6 with the tutorial's exact settings, against `iotctl local` with an `iotctl` bundle."""
from AWSIoTPythonSDK.exception.AWSIoTExceptions import disconnectTimeoutException, publishTimeoutException
from AWSIoTPythonSDK.MQTTLib import AWSIoTMQTTClient

from world import Box, Bundle, check, finish, folder


def tutorial_client(bundle):
    client = AWSIoTMQTTClient(bundle.thing)
    client.configureEndpoint(bundle.host, bundle.port)
    client.configureCredentials(bundle.ca, bundle.key, bundle.cert)
    client.configureAutoReconnectBackoffTime(1, 32, 20)
    client.configureOfflinePublishQueueing(-1)  # Infinite offline Publish queueing
    client.configureDrainingFrequency(2)  # Draining: 2 Hz
    client.configureConnectDisconnectTimeout(10)  # 10 sec
    client.configureMQTTOperationTimeout(5)  # 5 sec
    return client


with folder() as out:
    bundle = Bundle("tutorial", out)
    client, box = tutorial_client(bundle), Box()
    check("the tutorial's client connects", client.connect())
    check("it subscribes", client.subscribe(bundle.topic, 1, lambda _c, _u, message: box.put(message)))
    check("it publishes with QoS 1", client.publish(bundle.topic, '{"value": 21.58}', 1))
    message = box.take()
    check("it receives what it published", message.topic == bundle.topic and message.payload == b'{"value": 21.58}')
    try:
        denied = client.publish("somewhere/else", "{}", 1)
    except publishTimeoutException:
        denied = False
    check("a denied publish gets no PUBACK", not denied)
    try:
        client.disconnect()
    except disconnectTimeoutException:
        pass  # the denial closed the connection, and this SDK may be between two attempts
finish()
