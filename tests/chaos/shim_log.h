/* SPDX-License-Identifier: Apache-2.0 */
/* What shim.so writes down of a program's life, in order, and what disk.c reads of it: one record
 * after the other, each a header, two names without NULs, and data. Of this machine's byte order:
 * whoever reads it is on the same one. */
#ifndef GATEHOUSE_TESTS_SHIM_LOG_H
#define GATEHOUSE_TESTS_SHIM_LOG_H

#include <stdint.h>

enum shim_act {
    SHIM_OPEN =
        1,       /* handle stands for name from now on; number: its mode; made: it was not there */
    SHIM_CUT,    /* handle has `number` bytes */
    SHIM_WRITE,  /* data at offset `number` */
    SHIM_SYNC,   /* handle, a file or a folder, is on the disk */
    SHIM_RENAME, /* name to second name */
    SHIM_UNLINK, /* name */
    SHIM_MKDIR,  /* name; number: its mode */
    SHIM_RMDIR,  /* name */
    SHIM_MODE,   /* handle has the mode `number` */
    SHIM_SAID,   /* data went to descriptor `number` (1 or 2) */
};

#define SHIM_MAGIC 0x53484d31u

struct shim_record {
    uint32_t magic, act;
    uint32_t handle;
    uint16_t name_bytes, second_bytes; /* names below the folder, "" itself */
    uint64_t number;
    uint32_t data_bytes;
    uint32_t made;
};

/* The orders: a small file that is mapped, changed in place, by printf's "full %c shift %+013d\n":
 * '0' (room enough), '1' (no byte more) or '2' (what is there may be written over, nothing grows);
 * then how far the wall clock is off, in ms. */
#define SHIM_ORDERS_BYTES 27
#define SHIM_ORDERS_FULL_AT 5
#define SHIM_ORDERS_SHIFT_AT 13

#endif
