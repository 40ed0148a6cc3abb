# SPDX-License-Identifier: Apache-2.0
"""The guest, from outside: QEMU, its monitor (QMP), the hand in the guest (board-agent), the console, the pin."""
import base64
import collections
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import threading
import time

SAMPLE_S = 0.005  # how often the pin is looked at
COMMON = ['-display', 'none', '-nodefaults', '-no-user-config']


class Failure(Exception):
    """A test went wrong; the text says what was waited for, or what was seen."""


def wait_for(what, seconds, condition):
    """The first true thing that condition gives; Failure when there was none in time."""
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise Failure(f'waited {seconds} s in vain for {what}')
        time.sleep(0.05)


# When the relay's pin was first seen active, and first seen at rest again (None: it is active still).
Pulse = collections.namedtuple('Pulse', 'rose fell')


class Channel:
    """A Unix socket with lines, whose other end is QEMU."""

    def __init__(self, path, alive):
        self.socket = socket.socket(socket.AF_UNIX)
        wait_for('QEMU to open its sockets', 20, lambda: alive() and os.path.exists(path))
        self.socket.connect(path)
        self.buffer = b''

    def send(self, line):
        self.socket.sendall(line.encode() + b'\n')

    def line(self, end):
        """The next line, or None when there is none until then."""
        while b'\n' not in self.buffer:
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.socket.settimeout(left)
            try:
                more = self.socket.recv(65536)
            except TimeoutError:
                return None
            if not more:
                raise Failure('QEMU closed a socket')
            self.buffer += more
        line, self.buffer = self.buffer.split(b'\n', 1)
        return line.decode(errors='replace').strip('\r')


class Raspi3b:
    """The Raspberry Pi 3B: SD card, network by USB, GPIO17 is the relay."""
    name = 'raspi3b'
    relay = 'GPIO17'
    wiring = {'chip': 'gpiochip0', 'relay': 17}
    disk = '/dev/mmcblk0'
    console = 'ttyS1,115200'  # the mini UART; the other one is the agent's

    @staticmethod
    def arguments(image, work):
        return ['-M', 'raspi3b', '-dtb', f'{image}/raspi3b.dtb',
                '-drive', f'file={image}/sd.img,if=sd,format=raw,snapshot=on',
                '-device', 'usb-net,netdev=net0']

    registers = '/14wx 0x3f200000'  # GPFSEL0 to GPLEV0, in one look

    @staticmethod
    def level(words):
        """QEMU keeps the last level of a line that is an input now; the board's pull-down takes it to 0."""
        is_output = words[1] >> 21 & 7 == 1
        return words[13] >> 17 & 1 if is_output else 0


class Virt:
    """QEMU's own machine: a PL061 whose line 3 is the power key, the exit button here; line 5 is the relay. On USB a loudspeaker that
    is recorded, and a serial line."""
    name = 'virt'
    relay = 'line 5'
    # The chip by its label: it has another number when it comes back.
    wiring = {'chip': '9030000.pl061', 'relay': 5, 'exit': 3}
    disk = '/dev/vda'
    console = 'ttyS0'

    @staticmethod
    def arguments(image, work):
        return ['-M', 'virt', '-cpu', 'cortex-a53', '-smp', '2', '-m', '1024',
                '-drive', f'file={image}/sd.img,if=virtio,format=raw,snapshot=on',
                '-device', 'virtio-net-pci,netdev=net0,romfile=', '-device', 'qemu-xhci',
                '-audiodev', f'wav,id=sound,path={work}/sound.wav', '-device', 'usb-audio,audiodev=sound',
                '-chardev', f'socket,id=scanner,path={work}/scanner.sock,server=on,wait=off',
                '-device', 'usb-serial,chardev=scanner,always-plugged=on',
                '-device', 'pci-serial,chardev=console']

    registers = '/2wx 0x090303fc'  # GPIODATA of all lines, GPIODIR

    @staticmethod
    def level(words):
        return words[0] >> 5 & words[1] >> 5 & 1


class Machine:
    def __init__(self, kind, image, work):
        self.kind, self.image, self.work = kind, image, work
        self.console_path = f'{work}/console-{kind.name}.log'
        self.number = 0
        self.lock = threading.Lock()
        self.changes = []  # (time, level) of the relay's pin, since the machine was started
        self.events = []  # (time, name) of what QEMU said by itself
        self.process = self.qmp = self.agent = self.watcher = None
        self.watching = False

    # --- from start to end ---

    def start(self):
        sockets = {name: f'{self.work}/{name}-{self.kind.name}.sock' for name in ('qmp', 'agent')}
        open(self.console_path, 'w').close()
        serial = ['-chardev', f'socket,id=agent,path={sockets["agent"]},server=on,wait=off',
                  '-chardev', f'file,id=console,path={self.console_path},append=on',
                  '-serial', 'chardev:agent']
        if self.kind is Raspi3b:
            serial += ['-serial', 'chardev:console']
        append = f'console={self.kind.console} root={self.kind.disk} rw rootwait fsck.mode=skip panic=5 loglevel=3 systemd.log_level=notice'
        command = ['qemu-system-aarch64', *self.kind.arguments(self.image, self.work), *COMMON, *serial,
                   '-kernel', f'{self.image}/kernel', '-initrd', f'{self.image}/initrd', '-append', append,
                   '-netdev', 'user,id=net0,restrict=off', '-qmp', f'unix:{sockets["qmp"]},server=on,wait=off']
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stderr=open(f'{self.work}/qemu-{self.kind.name}.log', 'w'))
        self.qmp = Channel(sockets['qmp'], self.alive)
        self.agent = Channel(sockets['agent'], self.alive)
        self.qmp.line(time.monotonic() + 20)  # its greeting
        self.ask('qmp_capabilities')
        self.watching = True
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()

    def alive(self):
        if self.process.poll() is not None:
            raise Failure(f'QEMU ended with {self.process.returncode}; see {self.work}/qemu-{self.kind.name}.log')
        return True

    def stop(self):
        self.watching = False
        if self.watcher:
            self.watcher.join()
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    # --- the monitor ---

    def ask(self, command, **arguments):
        with self.lock:
            self.qmp.send(json.dumps({'execute': command, 'arguments': arguments}))
            end = time.monotonic() + 60
            while True:
                line = self.qmp.line(end)
                if line is None:
                    raise Failure(f'QEMU did not answer {command}')
                answer = json.loads(line)
                if 'event' in answer:
                    self.events.append((time.monotonic(), answer['event']))
                if 'return' in answer:
                    return answer['return']
                if 'error' in answer:
                    raise Failure(f'QEMU: {command}: {answer["error"]["desc"]}')

    def reset(self):
        """Gives when the machine was reset. QEMU answers nothing from when it is asked until then: the pin is not seen meanwhile."""
        asked = time.monotonic()
        self.ask('system_reset')
        return wait_for('the reset', 120, lambda: self.alive() and
                        [when for when, name in list(self.events) if name == 'RESET' and when >= asked])[0]

    def pin(self):
        """The relay's level on the wire."""
        said = self.ask('human-monitor-command', **{'command-line': f'xp {self.kind.registers}'})
        words = [int(word, 16) for line in said.splitlines() for word in line.split(':')[1].split()]
        return self.kind.level(words)

    def watch(self):
        last = None
        while self.watching:
            try:
                level = self.pin()
            except (Failure, OSError):
                return
            if level != last:
                self.changes.append((time.monotonic(), level))
                last = level
            time.sleep(SAMPLE_S)

    def pulses_since(self, start):
        """A Pulse for each rise since then."""
        pulses = []
        for when, level in list(self.changes):
            if level == 1 and when >= start:
                pulses.append(Pulse(when, None))
            elif level == 0 and pulses:
                pulses[-1] = Pulse(pulses[-1].rose, when)
        return pulses

    # --- the hand in the guest ---

    def wait_for_agent(self, seconds):
        end = time.monotonic() + seconds
        while self.alive():
            line = self.agent.line(min(end, time.monotonic() + 1))
            if line is not None and line.endswith('ready'):
                return
            if time.monotonic() > end:
                raise Failure(f'the guest did not come up within {seconds} s')

    def has_network(self):
        return 'up' in self.run('for i in $(seq 100); do grep -q 10.0.2.15 /proc/net/fib_trie && echo up && break; sleep 0.2; done')

    def run(self, command, seconds=60, may_fail=False):
        """A command of bash in the guest, as root; gives what it said."""
        self.number += 1
        packed = base64.b64encode(command.encode()).decode()
        line = f'{self.number} {seconds} {packed}'
        # The guest's terminal holds 4095 bytes of a line, and drops the rest.
        assert len(line) < 4000, command[:200]
        self.agent.send(line)
        end = time.monotonic() + seconds + 60
        while self.alive():
            line = self.agent.line(min(end, time.monotonic() + 1))
            words = line.split(' ') if line else []
            if len(words) == 3 and words[0] == str(self.number):
                break
            if time.monotonic() > end:
                raise Failure(f'the guest did not answer: {command[:200]}')
        said = base64.b64decode(words[2]).decode(errors='replace')
        if words[1] != '0' and not may_fail:
            raise Failure(f'in the guest, exit {words[1]}: {command[:200]}\n{said[-2000:]}')
        return said

    def scan(self, text):
        """What a barcode scanner on the serial line over USB sends."""
        with socket.socket(socket.AF_UNIX) as scanner:
            scanner.connect(f'{self.work}/scanner.sock')
            scanner.sendall(text.encode() + b'\r')

    # --- the console, to which the guest's journal goes as well ---

    def console(self):
        with open(self.console_path, errors='replace') as file:
            return file.read()

    def mark(self):
        """What the console says from now on is found by said(..., mark)."""
        return os.path.getsize(self.console_path)

    def said(self, pattern, mark=0):
        with open(self.console_path, 'rb') as file:
            file.seek(mark)
            return re.findall(pattern, file.read().decode(errors='replace'))

    def wait_said(self, what, seconds, pattern, mark=0):
        return wait_for(what, seconds, lambda: self.alive() and self.said(pattern, mark))
