"""Eclipse paho, MQTT 3.1.1 and 5: what is allowed, and how each denial looks (policies.md, section 7)."""
import paho.mqtt.client as mqtt

from world import Box, Bundle, check, finish, folder


class Device:
    """A paho client whose callbacks fill boxes."""

    def __init__(self, bundle, version, client_id=None):
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id or bundle.thing, protocol=version,
                                  reconnect_on_failure=False)
        self.client.tls_set(bundle.ca, bundle.cert, bundle.key)
        self.connected, self.ended, self.acked, self.subscribed, self.got = Box(), Box(), Box(), Box(), Box()
        self.client.on_connect = lambda _c, _u, _f, reason, _p: self.connected.put(reason)
        self.client.on_disconnect = lambda _c, _u, _f, reason, _p: self.ended.put(reason)
        self.client.on_publish = lambda _c, _u, _mid, reason, _p: self.acked.put(reason)
        self.client.on_subscribe = lambda _c, _u, _mid, reasons, _p: self.subscribed.put(reasons[0])
        self.client.on_message = lambda _c, _u, message: self.got.put(message)
        self.client.connect(bundle.host, bundle.port, keepalive=60)
        self.client.loop_start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.disconnect()
        self.client.loop_stop()


def allowed(bundle, version, name):
    with Device(bundle, version) as device:
        check(f"{name}: connects", device.connected.take() == 0)
        device.client.subscribe(bundle.topic, 1)
        check(f"{name}: subscribes", device.subscribed.take().value <= 1)
        for number in range(100):
            device.client.publish(bundle.topic, str(number), 1)
        check(f"{name}: 100 PUBACKs", all(device.acked.take() == 0 for _ in range(100)))
        got = [int(device.got.take().payload) for _ in range(100)]
        check(f"{name}: 100 messages in order", got == list(range(100)), got)


def denied_3(bundle):
    with Device(bundle, mqtt.MQTTv311, client_id="someone-else") as device:
        device.ended.take()
        check("3.1.1: denied connect: closed without CONNACK", device.connected.empty())
    with Device(bundle, mqtt.MQTTv311) as device:
        device.connected.take()
        device.client.publish("somewhere/else", "x", 1)
        device.ended.take()
        check("3.1.1: denied publish: closed without PUBACK", device.acked.empty())
    with Device(bundle, mqtt.MQTTv311) as device:
        device.connected.take()
        device.client.subscribe("somewhere/#", 1)
        device.ended.take()
        check("3.1.1: denied subscribe: closed without SUBACK", device.subscribed.empty())


def denied_5(bundle):
    with Device(bundle, mqtt.MQTTv5, client_id="someone-else") as device:
        check("5: denied connect: CONNACK 135", device.connected.take().value == 135)
    with Device(bundle, mqtt.MQTTv5) as device:
        device.connected.take()
        device.client.publish("somewhere/else", "x", 1)
        check("5: denied publish: PUBACK 135", device.acked.take().value == 135)
        device.client.subscribe("somewhere/#", 1)
        check("5: denied subscribe: SUBACK 135", device.subscribed.take().value == 135)
        device.client.publish(bundle.topic, "x", 1)
        check("5: the connection goes on", device.acked.take() == 0)


with folder() as out:
    bundle = Bundle("paho", out)
    allowed(bundle, mqtt.MQTTv311, "3.1.1")
    allowed(bundle, mqtt.MQTTv5, "5")
    denied_3(bundle)
    denied_5(bundle)
finish()
