"""awsiotsdk (aws-crt), MQTT 3.1.1 and MQTT 5."""
from awscrt import mqtt, mqtt5
from awsiot import mqtt5_client_builder, mqtt_connection_builder

from world import PATIENCE, Box, Bundle, check, finish, folder


def over_3(bundle):
    box = Box()
    connection = mqtt_connection_builder.mtls_from_path(
        endpoint=bundle.host, port=bundle.port, cert_filepath=bundle.cert, pri_key_filepath=bundle.key,
        ca_filepath=bundle.ca, client_id=bundle.thing, clean_session=True, keep_alive_secs=30)
    connection.connect().result(PATIENCE)
    check("awsiotsdk 3.1.1 connects", True)
    subscribed, _ = connection.subscribe(bundle.topic, mqtt.QoS.AT_LEAST_ONCE, lambda topic, payload, **_: box.put(payload))
    check("awsiotsdk 3.1.1 subscribes", subscribed.result(PATIENCE)["qos"] == mqtt.QoS.AT_LEAST_ONCE)
    published, _ = connection.publish(bundle.topic, "three", mqtt.QoS.AT_LEAST_ONCE)
    published.result(PATIENCE)
    check("awsiotsdk 3.1.1 receives what it published", box.take() == b"three")
    connection.disconnect().result(PATIENCE)


def over_5(bundle):
    up, box, stopped = Box(), Box(), Box()
    client = mqtt5_client_builder.mtls_from_path(
        endpoint=bundle.host, port=bundle.port, cert_filepath=bundle.cert, pri_key_filepath=bundle.key,
        ca_filepath=bundle.ca, client_id=bundle.thing, on_publish_received=lambda data: box.put(data.publish_packet),
        on_lifecycle_connection_success=lambda data: up.put(data.connack_packet),
        on_lifecycle_stopped=lambda data: stopped.put(data))
    client.start()
    connack = up.take()
    check("awsiotsdk 5 connects", connack.reason_code == mqtt5.ConnectReasonCode.SUCCESS)
    check("awsiotsdk 5 is told the largest QoS", connack.maximum_qos == mqtt5.QoS.AT_LEAST_ONCE)
    wish = mqtt5.SubscribePacket([mqtt5.Subscription(bundle.topic, mqtt5.QoS.AT_LEAST_ONCE)])
    suback = client.subscribe(wish).result(PATIENCE)
    check("awsiotsdk 5 subscribes", suback.reason_codes == [mqtt5.SubackReasonCode.GRANTED_QOS_1])
    packet = mqtt5.PublishPacket(topic=bundle.topic, qos=mqtt5.QoS.AT_LEAST_ONCE, payload=b"five",
                                 user_properties=[mqtt5.UserProperty("unit", "Cel")])
    puback = client.publish(packet).result(PATIENCE).puback
    check("awsiotsdk 5 publishes", puback.reason_code == mqtt5.PubackReasonCode.SUCCESS)
    got = box.take()
    check("awsiotsdk 5 receives payload and user property",
          got.payload == b"five" and got.user_properties[0].value == "Cel")
    packet.topic = "somewhere/else"
    denied = client.publish(packet).result(PATIENCE).puback
    check("awsiotsdk 5 is told of a denied publish", denied.reason_code == mqtt5.PubackReasonCode.NOT_AUTHORIZED)
    client.stop()
    stopped.take()


with folder() as out:
    bundle = Bundle("crt", out)
    over_3(bundle)
    over_5(bundle)
finish()
