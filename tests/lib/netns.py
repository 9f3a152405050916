"""A network of a case's own, for what loopback cannot do: packets that vanish, addresses that change.

The server is on one host (a network namespace of Linux), the program on another, a cable between them. Needs root
and iproute2; elsewhere the case is skipped. Nothing of it touches the machine's own network.
"""

import ctypes
import itertools
import os
import shutil
import subprocess
import sys
import threading

from harness import WRAP, Skipped

SERVER, CLIENT, OTHER = "10.77.0.1", "10.77.0.2", "10.77.0.3"
_numbers = itertools.count()


def took(what, seconds):
    """For the table that MPMCP_TIMES names a file for."""
    if os.environ.get("MPMCP_TIMES"):
        with open(os.environ["MPMCP_TIMES"], "a") as table:
            table.write("%6.1f s  %s\n" % (seconds, what))


class Network:
    def __init__(self, case):
        if not sys.platform.startswith("linux") or os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("nsenter"):
            raise Skipped("networks of its own need root on Linux, iproute2 and nsenter")
        name = "mpmcp-%d-%d" % (os.getpid(), next(_numbers))
        self.near, self.far = name + "-near", name + "-far"
        case.networks.append(self)
        for namespace in (self.near, self.far):
            made = subprocess.run(["ip", "netns", "add", namespace], capture_output=True)
            if made.returncode:
                raise Skipped("no network namespace can be made: %s" % made.stderr.decode().strip())
        self.ip("-n", self.near, "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", self.far)
        for namespace, device, address in ((self.near, "near", CLIENT), (self.far, "far", SERVER)):
            self.ip("-n", namespace, "address", "add", address + "/24", "dev", device)
            self.ip("-n", namespace, "link", "set", device, "up")
            self.ip("-n", namespace, "link", "set", "lo", "up")
            # What is for this host would be taken in before any rule of ours.
            self.ip("-n", namespace, "rule", "add", "pref", "100", "lookup", "local")
            self.ip("-n", namespace, "rule", "del", "pref", "0")

    @staticmethod
    def ip(*args):
        done = subprocess.run(["ip", *args], capture_output=True)
        if done.returncode:
            raise Skipped("ip %s: %s" % (" ".join(args), done.stderr.decode().strip()))

    def far_away(self, make):
        """What make() returns, run on the server's host: its sockets, and those of its threads, are there."""
        made = []

        def there():
            namespace = os.open("/run/netns/" + self.far, os.O_RDONLY)
            try:
                if ctypes.CDLL(None, use_errno=True).setns(namespace, 0) == 0:
                    made.append(make())
            finally:
                os.close(namespace)
        thread = threading.Thread(target=there)
        thread.start()
        thread.join()
        if not made:
            raise Skipped("a thread cannot enter a network namespace")
        return made[0]

    def start(self, case, *args, **more):
        """The program, on the other host."""
        return case.start(*args, wrap=["nsenter", "--net=/run/netns/" + self.near, *WRAP], **more)

    def forget(self, connections):
        """What belongs to these connections (port of the client, port of the server) vanishes, both ways."""
        for near, far in connections:
            near, far = str(near), str(far)
            self.ip("-n", self.far, "rule", "add", "pref", "8", "iif", "far", "ipproto", "tcp", "sport", near, "dport", far, "blackhole")
            self.ip("-n", self.near, "rule", "add", "pref", "8", "iif", "near", "ipproto", "tcp", "sport", far, "dport", near, "blackhole")

    def cut(self):
        """Everything vanishes."""
        self.ip("-n", self.far, "rule", "add", "pref", "7", "iif", "far", "blackhole")
        self.ip("-n", self.near, "rule", "add", "pref", "7", "iif", "near", "blackhole")

    def mend(self):
        self.ip("-n", self.far, "rule", "del", "pref", "7")
        self.ip("-n", self.near, "rule", "del", "pref", "7")

    def move(self):
        """The client's host has another address."""
        self.ip("-n", self.near, "address", "del", CLIENT + "/24", "dev", "near")
        self.ip("-n", self.near, "address", "add", OTHER + "/24", "dev", "near")

    def close(self):
        for namespace in (self.near, self.far):
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True)
