/* SPDX-License-Identifier: Apache-2.0 */
/* `gate chain`: whether all that a gate has written down is still there, as it was. */
#ifndef GATEHOUSE_SRC_CLI_CHAIN_H
#define GATEHOUSE_SRC_CLI_CHAIN_H

/* The whole command; usage: of `gate`. Exit code 1 also when the chain is not whole. */
int gh_command_gate_chain(const char *usage, int argc, char **argv);

#endif
