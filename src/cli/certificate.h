/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GATEHOUSE_SRC_CLI_CERTIFICATE_H
#define GATEHOUSE_SRC_CLI_CERTIFICATE_H

/* The whole command `people certificate`; usage is that of `people`. The exit code. */
int gh_people_certificate(const char *usage, int argc, char **argv);

#endif
