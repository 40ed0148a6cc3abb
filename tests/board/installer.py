# SPDX-License-Identifier: Apache-2.0
"""What docs/operations.md has an installer do, and promises, on the virt machine. Each test finds the gate running, and leaves it so."""
import json
import os
import re
import struct
import time

from board import DECISION_S, GATE_INI, SERVICE_S
from machine import Failure, wait_for

CHECK = f'sudo -u gatehouse-gate gatehouse-gate --config {GATE_INI} --check'
AS_MEMBER = 'runuser -u ada -- gatehouse gate'  # of the group gatehouse
LOUD = 1000  # of 32767


def expect(said, *patterns):
    """Each begins a line."""
    for pattern in patterns:
        if not re.search(f'^{pattern}', said, re.MULTILINE):
            raise Failure(f'no line says {pattern}:\n{said}')


def status(board):
    return board.machine.run(f'{AS_MEMBER} status; echo "exit $?"')


# --- installer ---

def plug_in(board):
    """A scanner that types, one on a serial line, a loudspeaker: the last two are on USB all the time."""
    board.machine.run('mkfifo /run/unused; setsid type_code "board scanner" /run/unused >/run/unused.log 2>&1 & echo $! >/run/unused.pid; '
                      'until [ -e /dev/gatehouse/keyboard ] && ls /dev/serial/by-id/*; do sleep 0.2; done')
    board.configure('scanner', device=board.machine.run('ls /dev/serial/by-id/*').strip())
    board.configure('sound', device='plughw:CARD=Audio', languages='en')


def check_wiring(board):
    machine, began = board.machine, time.monotonic()
    machine.run('systemctl stop gatehouse-gate', SERVICE_S)
    expect(machine.run(CHECK), 'relay +ok, line 5 of /dev/gpiochip', 'exit +ok, line 3 of /dev/gpiochip', 'exit +ok, not pressed',
           r'camera +ok, \d+x\d+', 'keyboard +ok', 'scanner +ok', 'sound +ok', 'enrolment +"north" in "gatehouse.example"')
    board.configure('door', relay=99)
    said = machine.run(f'{CHECK}; echo "exit $?"')
    expect(said, 'relay +WRONG: .* has 8 lines, none is number 99', 'exit 1$')
    if said.count('WRONG') != 1:
        raise Failure(f'one thing is wrong, but --check says:\n{said}')
    # An unlocked door, whose relay is at rest, is not locked by a look: several, since one would be over between two samples.
    board.configure('door', relay=machine.kind.wiring['relay'], fail='safe')
    machine.run(f'for i in 1 2 3 4 5; do {CHECK}; done')
    board.configure('door', fail='secure')
    if machine.pulses_since(began):
        raise Failure('--check moved the relay')


class Trial:
    """`gatehouse gate test`, and the person who answers it."""

    def __init__(self, board):
        self.machine = board.machine
        self.machine.run('rm -f /run/answers; mkfifo -m 0666 /run/answers; '
                         f'setsid sh -c "{AS_MEMBER} test <>/run/answers; echo exit \\$?" >/run/tried 2>&1 &')

    def wait(self, words, act=lambda: None):
        def said():
            act()
            return words in self.machine.run('cat /run/tried')
        wait_for(f'gate test to say {words!r}', DECISION_S, said)

    def answer(self, question, letter):
        self.wait(question)
        self.machine.run(f'echo {letter} >/run/answers')


def is_loud(board, since):
    """Whether the loudspeaker has been, since the recording was so large."""
    with open(f'{board.work}/sound.wav', 'rb') as file:
        file.seek(since)
        samples = file.read()
    samples = samples[:len(samples) // 2 * 2]
    return any(abs(value) > LOUD for value, in struct.iter_unpack('<h', samples))


def try_out(board):
    machine, began = board.machine, time.monotonic()
    silent = os.path.getsize(f'{board.work}/sound.wav') // 4 * 4
    trial = Trial(board)
    trial.wait('not wired, by the configuration: buzzer, lamp_green, lamp_yellow, lamp_red')
    trial.wait('A voice says welcome')
    wait_for('the voice', DECISION_S, lambda: is_loud(board, silent))
    trial.answer('A voice says welcome', 'y')
    trial.wait('The door is unlocked, then locked again')
    rose = wait_for('the relay to rise', DECISION_S, lambda: machine.alive() and machine.pulses_since(began))[0].rose
    fell = board.wait_rest(began, 60).fell
    board.say(f'{machine.kind.relay} rose and fell {fell - rose:.2f} s later, and the voice was heard, as gate test asked')
    trial.answer('The door is unlocked, then locked again', 'y')
    trial.wait('exit is inactive')
    pressed = time.monotonic()
    trial.wait('now it is active: good', lambda: machine.ask('system_powerdown'))  # held until it was seen
    trial.wait('3 good, 0 bad, 0 left out')
    trial.wait('exit 0')
    board.wait_rest(pressed, 60)


def test_installer(board):
    """--check, a line that is wrong, status for a member of the group, the test with a person who answers, a serial scanner"""
    machine = board.machine
    machine.run("adduser --disabled-password --gecos '' ada && adduser ada gatehouse")
    plug_in(board)
    check_wiring(board)
    mark = machine.mark()
    machine.run('systemctl start gatehouse-gate', SERVICE_S)
    board.wait_camera(mark)
    wait_for('a gate with nothing wrong', DECISION_S, lambda: 'exit 0' in status(board))
    expect(status(board), 'gate +north in gatehouse.example', 'door +locked', 'inputs +exit inactive')
    try_out(board)
    person, began = board.person(), time.monotonic()
    for name in (person, f'home-{person}'):
        machine.scan(board.town.text(name))
    wait_for('the relay to rise', DECISION_S, lambda: machine.alive() and machine.pulses_since(began))
    board.wait_rest(began, 60)
    machine.run('kill $(cat /run/unused.pid)')


# --- what fails ---

def test_chip(board):
    """the GPIO chip goes away and comes back: the gate says so, has it again, and opens"""
    machine, pid, mark = board.machine, board.pid(), board.machine.mark()
    driver = '/sys/bus/amba/drivers/pl061_gpio'
    machine.run(f'echo {machine.kind.wiring["chip"]} >{driver}/unbind')
    machine.wait_said('the gate to miss its chip', DECISION_S, r'GPIO chip /dev/gpiochip\d+ is gone, with relay', mark)
    wait_for('gate status to say so', DECISION_S, lambda: "the door's lines cannot be set" in status(board))
    mark, began = machine.mark(), time.monotonic()
    machine.run(f'echo {machine.kind.wiring["chip"]} >{driver}/bind')
    machine.wait_said('the gate to have it again', DECISION_S, r'GPIO chip /dev/gpiochip\d+ is back, with relay', mark)
    board.wait_camera(mark)  # of the gate that was started anew
    wait_for('another process', SERVICE_S, lambda: board.pid() not in (0, pid))
    if machine.pulses_since(began):
        raise Failure('the relay moved')
    board.let_in()


def test_fire(board):
    """a fire input that is stuck on keeps the door unlocked, whatever becomes of the gate; configured away, the door rests"""
    machine, began = board.machine, time.monotonic()
    board.configure('door', exit='', fire=machine.kind.wiring['exit'], active_low='fire')
    board.restart_gate()
    wait_for('the relay to rise', DECISION_S, lambda: machine.alive() and machine.pulses_since(began))
    expect(status(board), 'door +unlocked by fire', '.*the input fire is active', 'exit 1$')
    for what, act in (('a restart', 'systemctl restart gatehouse-gate'),
                      ('KILL of all', 'systemctl kill --kill-who=all --signal=KILL gatehouse-gate')):
        mark = machine.mark()
        machine.run(act, SERVICE_S)
        board.wait_camera(mark)
        wait_for('the gate to know of the fire', DECISION_S, lambda: 'unlocked by fire' in status(board))
        if machine.pulses_since(began)[0].fell:
            raise Failure(f'the door was locked for a moment: {what}')
    since = time.monotonic()
    board.configure('door', exit=machine.kind.wiring['exit'], fire='', active_low='')
    board.restart_gate()
    rested = board.wait_rest(began, 60).fell
    board.say(f'{machine.kind.relay} active for {rested - began:.0f} s, at rest {rested - since:.2f} s after the fire input was configured away')
    if machine.pulses_since(since):
        raise Failure('the relay moved again')


# --- looking after it ---

def state(board):
    return json.loads(board.machine.run(f'{AS_MEMBER} status --json'))


def test_upgrade(board):
    """another version is installed over a gate that runs: identity, list and journal are kept, the door is at rest"""
    machine, mark, began = board.machine, board.machine.mark(), time.monotonic()
    before, pid = state(board), board.pid()
    machine.run('cd /srv/packages && dpkg-deb -R gatehouse-gate_*.deb /srv/next && sed -i "/^Version:/s/$/+next/" /srv/next/DEBIAN/control && '
                'dpkg-deb -b /srv/next gatehouse-gate_next.deb && DEBIAN_FRONTEND=noninteractive apt-get -q -y install ./gatehouse-gate_next.deb', 600)
    board.wait_camera(mark)
    if not machine.run('dpkg-query -W -f "\\${Version}" gatehouse-gate').endswith('+next') or board.pid() == pid:
        raise Failure('it is not the other version that runs')
    wait_for('the list', DECISION_S, lambda: state(board)['list']['usable'])
    after = state(board)
    if after['gate'] != before['gate'] or after['list']['generation'] < before['list']['generation'] or \
            after['journal']['last'] <= before['journal']['last']:
        raise Failure(f'before: {before}\nafter: {after}')
    if machine.pulses_since(began):
        raise Failure('the relay moved')
    board.let_in()
