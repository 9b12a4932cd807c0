# redis-py on its defaults, as clients.test.ts runs it:
#
#   redis-py-client.py Redis|RedisCluster PORT…   every answer is compared; says that it is content
#   redis-py-client.py goes-on PORT…              for each line of input: how long until all keys
#                                                 are served, with errors forgiven until then

import sys
import time

import redis
from redis.cluster import ClusterNode, RedisCluster

ALL_BYTES = bytes(range(256))


def connect(kind, ports):
    if kind == "Redis":
        return redis.Redis(host="127.0.0.1", port=ports[0])
    return RedisCluster(startup_nodes=[ClusterNode("127.0.0.1", port) for port in ports])


def check(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: {found!r:.500}, not {expected!r:.500}")


def exercise(r, kind):
    keys = [f"py:{kind}:{i}" for i in range(100)]
    for key in keys:
        check("set", r.set(key, key + "=1"), True)
    for key in keys:
        check("get", r.get(key), (key + "=1").encode())
    check("get missing", r.get("py:missing"), None)
    mget = r.mget if kind == "Redis" else r.mget_nonatomic
    check("mget", mget(keys[:20] + ["py:missing"]), [(k + "=1").encode() for k in keys[:20]] + [None])
    check("scan", set(r.scan_iter(f"py:{kind}:*", count=100)), {key.encode() for key in keys})
    check("del", [r.delete(keys[0]), r.delete(keys[0])], [1, 0])
    check("ttl", [r.ttl(keys[0]), r.ttl(keys[1])], [-2, -1])
    check("expire", r.expire(keys[1], 1000), True)
    check("ttl of 1000", 0 < r.ttl(keys[1]) <= 1000, True)
    odd = kind.encode() + ALL_BYTES
    check("bytes", [r.set(odd, ALL_BYTES), r.get(odd)], [True, ALL_BYTES])
    big = ALL_BYTES * 4096
    check("1 MiB", [r.set(keys[2], big), r.get(keys[2]) == big], [True, True])
    in_order(r, kind)


def in_order(r, kind):
    pipe, expected = r.pipeline(transaction=False), []
    for i in range(200):
        key = f"{{py:{kind}}}:{i % 7}"
        pipe.set(key, i).get(key).exists(key).delete(key).get(key)
        expected += [True, str(i).encode(), 1, 1, None]
    check("pipeline", pipe.execute(), expected)


def round_trips(r):
    for i in range(64):
        check("set", r.set(f"py:go:{i}", i), True)
        check("get", r.get(f"py:go:{i}"), str(i).encode())


def goes_on():
    global client
    started_at = time.monotonic()
    while True:
        try:
            round_trips(client)
            return time.monotonic() - started_at
        except redis.RedisError:
            pass
        except redis.exceptions.RedisClusterException:
            # 4.3.4 cannot read the map again when the lost node is the first that it knows ("cannot
            # pickle '_thread.lock'"), whatever the server says: only a new client can.
            client = connect("RedisCluster", ports)


kind, ports = sys.argv[1], [int(port) for port in sys.argv[2:]]
client = connect(kind, ports)
if kind == "goes-on":
    for _ in sys.stdin:
        print(f"went on after {goes_on():.1f} s", flush=True)
else:
    exercise(client, kind)
    print(f"redis-py {redis.__version__} is content")
