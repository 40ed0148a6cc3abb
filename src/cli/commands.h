/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the tool `gatehouse`, one file each. argv[0] is the command's word; the return
 * value is the process's exit code: 0 done, 1 the answer is no (or something failed; one line on
 * standard error says what), 2 usage. */
#ifndef GATEHOUSE_SRC_CLI_COMMANDS_H
#define GATEHOUSE_SRC_CLI_COMMANDS_H

int gh_command_scan(int argc, char **argv);  /* offline: pictures -> texts */
int gh_command_code(int argc, char **argv);  /* offline: `code read` */
int gh_command_draw(int argc, char **argv);  /* offline: text -> a QR code */
int gh_command_login(int argc, char **argv); /* the others talk to the server */
int gh_command_people(int argc, char **argv);
int gh_command_home(int argc, char **argv);
int gh_command_health(int argc, char **argv);
int gh_command_gate(int argc, char **argv);
int gh_command_user(int argc, char **argv);
int gh_command_entries(int argc, char **argv);
int gh_command_alarms(int argc, char **argv);
int gh_command_announce(int argc, char **argv);
int gh_command_key(int argc, char **argv);
int gh_command_trust(int argc, char **argv);
int gh_command_revocations(int argc, char **argv);

#endif
