"""awsiotsdk publishes and ends when all is acknowledged: PORT MESSAGES BYTES TOPIC FOLDER MOST_UNACKNOWLEDGED."""
import sys
import threading

from awscrt import mqtt
from awsiot import mqtt_connection_builder

port, messages, size, topic, folder, most = sys.argv[1:]
connection = mqtt_connection_builder.mtls_from_path(
    endpoint="localhost", port=int(port), cert_filepath=f"{folder}/device.pem",
    pri_key_filepath=f"{folder}/device.key", ca_filepath=f"{folder}/ca.pem", client_id="pump-7", clean_session=True,
    keep_alive_secs=30)
connection.connect().result(15)
payload, room = "x" * int(size), threading.Semaphore(int(most))
for _ in range(int(messages)):
    room.acquire()
    acknowledged, _ = connection.publish(topic, payload, mqtt.QoS.AT_LEAST_ONCE)
    acknowledged.add_done_callback(lambda _: room.release())
for _ in range(int(most)):
    room.acquire()
connection.disconnect().result(15)
