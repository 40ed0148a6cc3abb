/* SPDX-License-Identifier: Apache-2.0 */
#include "chaos/truth.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chaos/disk.h"
#include "gatehouse/file.h"

#define TRUTH_MAX_BYTES ((size_t)1 << 30)

static void take(struct truth *truth, const char *text, size_t size)
{
    char **bigger = realloc(truth->texts, (truth->count + 1) * sizeof(char *));
    char *copy = strndup(text, size);
    if (bigger == NULL || copy == NULL)
        chaos_die("no memory");
    truth->texts = bigger;
    truth->texts[truth->count++] = copy;
}

void truth_open(struct truth *truth, const char *path, bool writer)
{
    GH_CLEANUP_FREE uint8_t *data = NULL;
    size_t size = 0;
    struct gh_error err = {0};
    *truth = (struct truth){.fd = -1};
    if (writer)
        truth->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if ((writer && truth->fd < 0) ||
        gh_file_read(path, TRUTH_MAX_BYTES, &data, &size, &err) != GH_OK)
        chaos_die("cannot open %s: %s", path, err.text);
    const char *at = (const char *)data, *end = at + size, *line_end;
    for (; at < end && (line_end = memchr(at, '\n', (size_t)(end - at))) != NULL; at = line_end + 1)
        take(truth, at, (size_t)(line_end - at));
    if (writer && at < end && ftruncate(truth->fd, at - (const char *)data) != 0) /* half a line */
        chaos_die("cannot cut %s: %s", path, strerror(errno));
}

void truth_close(struct truth *truth)
{
    for (uint64_t i = 0; i < truth->count; i++)
        free(truth->texts[i]);
    free(truth->texts);
    if (truth->fd >= 0)
        close(truth->fd);
}

static void note(struct truth *truth, const char *text)
{
    char line[GH_ENTRY_MAX_BYTES + 2];
    int size = snprintf(line, sizeof(line), "%s\n", text);
    if (truth->fd >= 0 && write(truth->fd, line, (size_t)size) != size)
        chaos_die("cannot write down the truth: %s", strerror(errno));
}

/* --- comparing ---------------------------------------------------------------------------------
 */

struct collecting {
    struct truth *truth;
    uint64_t first, last; /* 0: none yet */
    bool broken;
};

static bool collect_one(void *context, uint64_t sequence, struct gh_bytes canonical)
{
    struct collecting *collecting = context;
    struct truth *truth = collecting->truth;
    collecting->first = collecting->first == 0 ? sequence : collecting->first;
    collecting->last = sequence;
    if (sequence > truth->count + 1) {
        printf("the journal lacks entry %" PRIu64 "\n", truth->count + 1);
        collecting->broken = true;
    } else if (sequence == truth->count + 1) {
        take(truth, (const char *)canonical.data, canonical.size);
        note(truth, truth->texts[sequence - 1]);
    } else if (canonical.size > 0 && /* else pruned: gh_journal_verify knows whether it may be */
               (strlen(truth->texts[sequence - 1]) != canonical.size ||
                memcmp(truth->texts[sequence - 1], canonical.data, canonical.size) != 0)) {
        printf("entry %" PRIu64 " was\n    %s\nand is\n    %.*s\n", sequence,
               truth->texts[sequence - 1], (int)canonical.size, (const char *)canonical.data);
        collecting->broken = true;
    }
    return !collecting->broken;
}

bool chaos_journal_path(const char *state, char *path)
{
    char pattern[PATH_MAX];
    glob_t found = {0};
    snprintf(pattern, sizeof(pattern), "%s/journal-*.db", state);
    bool one = glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc == 1;
    if (one)
        snprintf(path, PATH_MAX, "%s", found.gl_pathv[0]);
    else if (found.gl_pathc > 1)
        chaos_die("more than one journal in %s", state);
    globfree(&found);
    return one;
}

enum gh_status truth_collect(struct truth *truth, const char *state, bool whole)
{
    char path[PATH_MAX];
    struct gh_journal *journal;
    struct collecting collecting = {.truth = truth};
    uint64_t head, before = truth->count;
    uint8_t hash[GH_SHA256_BYTES];
    struct gh_error err = {0};
    if (!chaos_journal_path(state, path)) {
        if (before > 0)
            printf("the journal is gone\n");
        return before > 0 ? GH_ERR_CORRUPT : GH_ERR_NOTFOUND;
    }
    enum gh_status status = gh_journal_open_reader(path, &journal, &err);
    if (status != GH_OK) {
        /* One that is just being made is none yet. */
        return status == GH_ERR_CORRUPT ? GH_ERR_IO : status;
    }
    status = gh_journal_head(journal, &head, hash);
    if (status == GH_OK)
        status = gh_journal_read(journal, whole ? 0 : before, UINT32_MAX, collect_one, &collecting);
    gh_journal_close(journal);
    if (status == GH_OK && !collecting.broken && head < before) {
        printf("the journal held %" PRIu64 " entries, and holds %" PRIu64 "\n", before, head);
        collecting.broken = true;
    }
    return collecting.broken ? GH_ERR_CORRUPT : status == GH_ERR_CORRUPT ? GH_ERR_IO : status;
}

uint64_t truth_openings(const struct truth *truth, uint64_t count)
{
    uint64_t openings = 0;
    for (uint64_t i = 0; i < count && i < truth->count; i++)
        openings += strstr(truth->texts[i], "\"type\":\"passage\"") != NULL &&
                    strstr(truth->texts[i], "\"outcome\":\"open\"") != NULL;
    return openings;
}
