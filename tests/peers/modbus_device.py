"""A Modbus device of pymodbus, over TCP or a serial line; serves until its standard input ends.

    modbus_device.py tcp    prints the port
    modbus_device.py rtu    prints the device file of the other end of the line
"""
import asyncio
import os
import struct
import sys
import threading
import tty

from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import ModbusSerialServer, ModbusTcpServer


def words(form, *values):
    data = struct.pack(form, *values)
    return [int.from_bytes(data[at:at + 2], "big") for at in range(0, len(data), 2)]


def device(shift):
    """Tables of one device; pymodbus counts its blocks from 1, the wire from 0."""
    holding = [0] * 40
    holding[0:2] = words(">f", 12.5 + shift)
    holding[2:4] = words(">i", -100000)
    holding[4:5] = words(">h", -123)
    holding[5:9] = words(">d", 3.141592653589793)
    holding[9:11] = reversed(words(">I", 100000))
    return ModbusDeviceContext(
        di=ModbusSequentialDataBlock(1, [False, True, False, True]),
        co=ModbusSequentialDataBlock(1, [True, False, True, True] * 4),
        ir=ModbusSequentialDataBlock(1, [65535, 215, 17]),
        hr=ModbusSequentialDataBlock(1, holding),
    )


def line():
    """Two ends of a serial line: what is written to one comes out of the other."""
    (near, near_end), (far, far_end) = os.openpty(), os.openpty()
    for end in (near, near_end, far, far_end):
        tty.setraw(end)

    def carry(source, sink):
        while data := os.read(source, 256):
            os.write(sink, data)

    for pair in ((near, far), (far, near)):
        threading.Thread(target=carry, args=pair, daemon=True).start()
    return os.ttyname(near_end), os.ttyname(far_end)


async def serve(kind):
    context = ModbusServerContext(devices={1: device(0), 2: device(1)}, single=False)
    if kind == "tcp":
        server = ModbusTcpServer(context, address=("127.0.0.1", 0))
        await server.listen()
        where = server.transport.sockets[0].getsockname()[1]
    else:
        near, where = line()
        server = ModbusSerialServer(context, port=near, baudrate=19200, parity="N", ignore_missing_devices=True)
        await server.listen()
    print(where, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(serve(sys.argv[1]))
