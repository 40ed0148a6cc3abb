# SPDX-License-Identifier: Apache-2.0
"""The town on the host: a server that the guest reaches, its people, their codes, and pictures of them."""
import os
import re
import socket
import struct
import subprocess
import zlib
from functools import reduce
from math import gcd

from machine import Failure, wait_for

HOST = '10.0.2.2'  # this machine's loopback, as the guest sees it


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Town:
    def __init__(self, build, work):
        self.build, self.work, self.server = build, work, None
        os.makedirs(f'{work}/pictures')

    def start(self):
        # The port has to be known before the first code is made, since the codes carry it.
        self.url = f'https://{HOST}:{(port := free_port())}'
        self.local_url = f'https://127.0.0.1:{port}'
        self.command('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                     '-days', '2', '-subj', '/CN=town', '-addext', f'subjectAltName=IP:127.0.0.1,IP:{HOST}',
                     '-keyout', f'{self.work}/town-key.pem', '-out', f'{self.work}/town.pem')
        with open(f'{self.work}/town.ini', 'w') as file:
            file.write(f'''[server]
listen = 127.0.0.1:{port}
public_url = {self.url}
state_dir = {self.work}/town
area = gatehouse.example
url_file = {self.work}/town.url
tls_certificate = {self.work}/town.pem
tls_key = {self.work}/town-key.pem
[policy]
; An emulated board is slow, and reads one frame while a board reads many.
passage_timeout_ms = 60000
debounce_ms = 20000
''')
        self.server = subprocess.Popen([f'{self.build}/gatehouse-server', '--config', f'{self.work}/town.ini'],
                                       stdin=subprocess.DEVNULL, stderr=open(f'{self.work}/town.log', 'w'))
        wait_for('the server', 30, lambda: self.alive() and os.path.exists(f'{self.work}/town.url'))

    def alive(self):
        if self.server.poll() is not None:
            raise Failure(f'the server ended with {self.server.returncode}; see {self.work}/town.log')
        return True

    def stop(self):
        if self.server and self.server.poll() is None:
            self.server.terminate()
            try:
                self.server.wait(20)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()

    def command(self, *words):
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                              env={**os.environ, 'GATEHOUSE_SESSION': f'{self.work}/admin.session'})
        if done.returncode != 0:
            raise Failure(f'{" ".join(words)[:300]}: exit {done.returncode}: {done.stderr[-500:]}')
        return done.stdout.strip()

    def tool(self, *words):
        return self.command(f'{self.build}/gatehouse', *words)

    def settle(self, green):
        """People, each with a home: so many green ones, and a red one; pictures of their codes and of the homes'."""
        with open(f'{self.work}/admin.password', 'w') as file:
            file.write('first password\n')
        self.tool('login', '--server', self.local_url, '--ca', f'{self.work}/town.pem', '--user', 'admin',
                  '--password-file', f'{self.work}/town/admin-password',
                  '--new-password-file', f'{self.work}/admin.password')
        people = [f'g{i}' for i in range(1, green + 1)] + ['red']
        with open(f'{self.work}/people.csv', 'w') as file:
            file.write('ref,name,status\n')
            file.writelines(f'{ref},Person {ref},{"red" if ref == "red" else "green"}\n' for ref in people)
        self.tool('people', 'import', f'{self.work}/people.csv')
        members = {line.split()[1]: line.split()[0] for line in self.tool('people', 'list').splitlines()}
        for ref in people:
            home = self.tool('home', 'apply', f'Lime Lane {ref}')
            self.tool('home', 'inspect', home, '--passed')
            self.tool('home', 'approve', home)
            self.tool('home', 'add-member', home, members[ref])
            self.tool('home', 'issue', home, '--png', self.picture(f'home-{ref}'))
            self.tool('health', 'issue', f'ref:{ref}', '--png', self.picture(ref), '--valid=24h')

    def add_gate(self, name):
        return self.tool('gate', 'add', name, '--png', self.picture(f'enrol-{name}'))

    def picture(self, name):
        return f'{self.work}/pictures/{name}.png'

    def text(self, name):
        return self.tool('scan', self.picture(name))

    def decisions(self):
        """The entries of passages on the server, oldest first, as `outcome reason`."""
        entries = self.tool('entries', '--type', 'passage', '--json')
        return [' '.join(re.search(f'"{key}": *"([a-z_]*)"', line).group(1) for key in ('outcome', 'reason'))
                for line in entries.splitlines() if line.strip()]


def read_png(path):
    """The rows of a black and white PNG, as the tool draws QR codes: a list of lists of 0 and 1."""
    with open(path, 'rb') as file:
        data = file.read()[8:]
    packed = b''
    while data:
        size, kind = struct.unpack('>I4s', data[:8])
        if kind == b'IHDR':
            width, height, depth, colour = struct.unpack('>IIBB', data[8:18])
            if (depth, colour) != (1, 0):
                raise Failure(f'{path} is no black and white PNG')
        elif kind == b'IDAT':
            packed += data[8:8 + size]
        data = data[12 + size:]
    raw = zlib.decompress(packed)
    stride = (width + 7) // 8
    above, rows = bytearray(stride), []
    for y in range(height):
        kind, line = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for x in range(stride):
            left = line[x - 1] if x else 0
            corner = above[x - 1] if x else 0
            line[x] = (line[x] + predicted(kind, left, above[x], corner)) & 0xff
        rows.append([line[x // 8] >> (7 - x % 8) & 1 for x in range(width)])
        above = line
    return rows


def predicted(kind, left, up, corner):
    """PNG's filters."""
    if kind < 4:
        return (0, left, up, (left + up) // 2)[kind]
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


def modules(path):
    """The code as a PBM with one pixel for each module, as vivid_show takes it."""
    rows = read_png(path)
    size = len(rows)
    edges = [x for row in rows for x in range(1, size) if row[x] != row[x - 1]]
    module = reduce(gcd, edges, size)
    cells = [row[module // 2::module] for row in rows[module // 2::module]]
    out = f'P4\n{len(cells)} {len(cells)}\n'.encode()
    for row in cells:
        bits = ''.join('0' if cell else '1' for cell in row).ljust((len(row) + 7) // 8 * 8, '0')
        out += int(bits, 2).to_bytes(len(bits) // 8, 'big')
    return out
