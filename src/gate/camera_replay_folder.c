/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/camera_replay.h"
#include "gatehouse/file.h"

#define WATCHED                                                                                    \
    (IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF |    \
     IN_ONLYDIR)

/* Two files of one name are told apart by this. */
struct identity {
    ino_t inode;
    off_t size;
    struct timespec modified;
};

struct entry {
    char *name;
    struct identity identity; /* when it was last put on the queue or taken from it */
    bool waiting;             /* on the queue */
};

struct gh_replay_folder {
    char *path;
    bool follow;
    int inotify_fd;        /* -1: nothing is watched */
    struct entry *entries; /* by name */
    size_t entry_count, entry_capacity;
    char **queue; /* names, from queue_head on; some may not be waiting any more */
    size_t queue_head, queue_count, queue_capacity;
};

/* --- what is known --- */

/* Where the name is, or would be. */
static size_t entry_place(const struct gh_replay_folder *folder, const char *name, bool *found)
{
    size_t low = 0;
    size_t high = folder->entry_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(folder->entries[middle].name, name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *found = false;
    return low;
}

static void forget_at(struct gh_replay_folder *folder, size_t place)
{
    free(folder->entries[place].name);
    folder->entry_count--;
    memmove(&folder->entries[place], &folder->entries[place + 1],
            (folder->entry_count - place) * sizeof(folder->entries[0]));
}

static void forget(struct gh_replay_folder *folder, const char *name)
{
    bool found;
    size_t place = entry_place(folder, name, &found);
    if (found) {
        forget_at(folder, place);
    }
}

static void forget_all(struct gh_replay_folder *folder)
{
    while (folder->entry_count > 0) {
        forget_at(folder, folder->entry_count - 1);
    }
    while (folder->queue_count > 0) {
        folder->queue_count--;
        free(folder->queue[folder->queue_head++]);
    }
    folder->queue_head = 0;
}

static bool grow(void **array, size_t *capacity, size_t needed, size_t item_bytes)
{
    if (needed <= *capacity) {
        return true;
    }
    size_t more = *capacity < 16 ? 16 : *capacity * 2;
    void *larger = reallocarray(*array, more, item_bytes);
    if (larger == NULL) {
        return false;
    }
    *array = larger;
    *capacity = more;
    return true;
}

static bool enqueue(struct gh_replay_folder *folder, const char *name)
{
    if (folder->queue_head > 0 &&
        folder->queue_head + folder->queue_count == folder->queue_capacity) {
        memmove(folder->queue, folder->queue + folder->queue_head,
                folder->queue_count * sizeof(folder->queue[0]));
        folder->queue_head = 0;
    }
    void *queue = folder->queue;
    if (!grow(&queue, &folder->queue_capacity, folder->queue_head + folder->queue_count + 1,
              sizeof(folder->queue[0]))) {
        return false;
    }
    folder->queue = (char **)queue;
    char *copy = strdup(name);
    if (copy == NULL) {
        return false;
    }
    folder->queue[folder->queue_head + folder->queue_count++] = copy;
    return true;
}

static struct entry *add_entry(struct gh_replay_folder *folder, const char *name)
{
    bool found;
    size_t place = entry_place(folder, name, &found);
    if (found) {
        return &folder->entries[place];
    }
    void *entries = folder->entries;
    if (!grow(&entries, &folder->entry_capacity, folder->entry_count + 1,
              sizeof(folder->entries[0]))) {
        return NULL;
    }
    folder->entries = (struct entry *)entries;
    char *copy = strdup(name);
    if (copy == NULL) {
        return NULL;
    }
    memmove(&folder->entries[place + 1], &folder->entries[place],
            (folder->entry_count - place) * sizeof(folder->entries[0]));
    folder->entry_count++;
    folder->entries[place] = (struct entry){.name = copy};
    return &folder->entries[place];
}

/* --- what is there --- */

static bool is_passed_over(const char *name)
{
    size_t size = strlen(name);
    return name[0] == '.' || (size >= 5 && strcmp(name + size - 5, ".part") == 0);
}

static bool identify(const struct gh_replay_folder *folder, const char *name, struct identity *out)
{
    char path[PATH_MAX];
    struct stat info;
    if (gh_path_join(folder->path, name, path, sizeof(path)) != GH_OK || stat(path, &info) != 0 ||
        !S_ISREG(info.st_mode)) {
        return false;
    }
    *out = (struct identity){.inode = info.st_ino, .size = info.st_size, .modified = info.st_mtim};
    return true;
}

static bool is_same(const struct identity *a, const struct identity *b)
{
    return a->inode == b->inode && a->size == b->size && a->modified.tv_sec == b->modified.tv_sec &&
           a->modified.tv_nsec == b->modified.tv_nsec;
}

/* The file is whole, by a scan or by an event; both may say so of the same file. */
static enum gh_status notice(struct gh_replay_folder *folder, const char *name,
                             struct gh_error *err)
{
    struct identity identity;
    if (is_passed_over(name) || !identify(folder, name, &identity)) {
        return GH_OK;
    }
    bool known;
    (void)entry_place(folder, name, &known);
    struct entry *entry = add_entry(folder, name);
    if (entry == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the files of %s", folder->path);
    }
    if (known && is_same(&entry->identity, &identity)) {
        return GH_OK;
    }
    entry->identity = identity;
    if (!entry->waiting) {
        if (!enqueue(folder, name)) {
            forget(folder, name);
            return gh_fail(err, GH_ERR_NOMEM, "no memory for the files of %s", folder->path);
        }
        entry->waiting = true;
    }
    return GH_OK;
}

/* Another file may have taken the name since, and its own event is still to come. */
static void forget_if_gone(struct gh_replay_folder *folder, const char *name)
{
    bool found;
    struct identity identity;
    size_t place = entry_place(folder, name, &found);
    if (found && !(identify(folder, name, &identity) &&
                   is_same(&identity, &folder->entries[place].identity))) {
        forget_at(folder, place);
    }
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* alphasort would ask the locale */
}

/* Entries that are not among the names: their files are gone. */
static void forget_others(struct gh_replay_folder *folder, struct dirent **names, int count)
{
    int at = 0;
    size_t place = 0;
    while (place < folder->entry_count) {
        int order = 1;
        while (at < count && (order = strcmp(names[at]->d_name, folder->entries[place].name)) < 0) {
            at++;
        }
        if (at < count && order == 0) {
            place++;
        } else {
            forget_at(folder, place);
        }
    }
}

static enum gh_status scan(struct gh_replay_folder *folder, struct gh_error *err)
{
    struct dirent **names = NULL;
    int count = scandir(folder->path, &names, NULL, by_name);
    if (count < 0) {
        int saved_errno = errno;
        return gh_fail(err, gh_status_from_errno(saved_errno), "cannot read the folder %s: %s",
                       folder->path, strerror(saved_errno));
    }
    forget_others(folder, names, count);
    enum gh_status status = GH_OK;
    for (int i = 0; i < count; i++) {
        if (status == GH_OK) {
            status = notice(folder, names[i]->d_name, err);
        }
        free(names[i]);
    }
    free(names);
    return status;
}

/* --- watching --- */

static void stop_watching(struct gh_replay_folder *folder)
{
    if (folder->inotify_fd >= 0) {
        close(folder->inotify_fd);
        folder->inotify_fd = -1;
    }
}

/* Watch first, then scan: what comes in between is noticed twice and taken once. A file that
 * somebody is writing during the scan is taken for whole, and comes again when it is. */
static enum gh_status begin(struct gh_replay_folder *folder, struct gh_error *err)
{
    if (folder->follow) {
        folder->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (folder->inotify_fd < 0 ||
            inotify_add_watch(folder->inotify_fd, folder->path, WATCHED) < 0) {
            int saved_errno = errno;
            stop_watching(folder);
            return gh_fail(err, gh_status_from_errno(saved_errno), "cannot watch the folder %s: %s",
                           folder->path, strerror(saved_errno));
        }
    }
    enum gh_status status = scan(folder, err);
    if (status != GH_OK) {
        stop_watching(folder);
        forget_all(folder);
    }
    return status;
}

static enum gh_status handle(struct gh_replay_folder *folder, const struct inotify_event *event,
                             struct gh_error *err)
{
    if ((event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) != 0) {
        stop_watching(folder);
        forget_all(folder);
        return gh_fail(err, GH_ERR_GONE, "the folder %s is gone", folder->path);
    }
    if ((event->mask & IN_Q_OVERFLOW) != 0) {
        return scan(folder, err);
    }
    if (event->len == 0 || (event->mask & IN_ISDIR) != 0) {
        return GH_OK;
    }
    if ((event->mask & (IN_DELETE | IN_MOVED_FROM)) != 0) {
        forget_if_gone(folder, event->name);
        return GH_OK;
    }
    return notice(folder, event->name, err);
}

static enum gh_status read_events(struct gh_replay_folder *folder, struct gh_error *err)
{
    _Alignas(struct inotify_event) char events[16 * 1024];
    enum gh_status first = GH_OK;
    while (folder->inotify_fd >= 0) {
        ssize_t size = read(folder->inotify_fd, events, sizeof(events));
        if (size <= 0) {
            if (size < 0 && errno == EINTR) {
                continue;
            }
            break;
        }
        for (const char *at = events; at < events + size && folder->inotify_fd >= 0;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)at;
            enum gh_status status = handle(folder, event, err);
            first = first == GH_OK ? status : first;
            at += sizeof(*event) + event->len;
        }
    }
    return first;
}

enum gh_status gh_replay_folder_update(struct gh_replay_folder *folder, struct gh_error *err)
{
    if (!folder->follow) {
        return GH_OK;
    }
    if (folder->inotify_fd >= 0) {
        return read_events(folder, err);
    }
    struct gh_error why = {0};
    if (begin(folder, &why) != GH_OK) {
        return gh_fail(err, GH_ERR_GONE, "%s", why.text);
    }
    return GH_OK;
}

/* --- from outside --- */

enum gh_status gh_replay_folder_open(const char *path, bool follow, struct gh_replay_folder **out,
                                     struct gh_error *err)
{
    *out = NULL;
    struct gh_replay_folder *folder = (struct gh_replay_folder *)calloc(1, sizeof(*folder));
    if (folder == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the replay");
    }
    folder->follow = follow;
    folder->inotify_fd = -1;
    folder->path = strdup(path);
    enum gh_status status = folder->path == NULL
                                ? gh_fail(err, GH_ERR_NOMEM, "no memory for the replay")
                                : begin(folder, err);
    if (status != GH_OK) {
        gh_replay_folder_close(folder);
        return status;
    }
    *out = folder;
    return GH_OK;
}

void gh_replay_folder_close(struct gh_replay_folder *folder)
{
    if (folder == NULL) {
        return;
    }
    stop_watching(folder);
    forget_all(folder);
    free(folder->entries);
    free(folder->queue);
    free(folder->path);
    free(folder);
}

char *gh_replay_folder_next(struct gh_replay_folder *folder)
{
    while (folder->queue_count > 0) {
        GH_CLEANUP_FREE char *name = folder->queue[folder->queue_head++];
        folder->queue_count--;
        bool found;
        size_t place = entry_place(folder, name, &found);
        if (!found || !folder->entries[place].waiting) {
            continue; /* deleted or renamed before its turn */
        }
        struct entry *entry = &folder->entries[place];
        entry->waiting = false;
        /* What is read now is what is there now, whatever was there when it was put on the queue.
         */
        (void)identify(folder, name, &entry->identity);
        size_t path_bytes = strlen(folder->path) + 1 + strlen(name) + 1;
        char *path = (char *)malloc(path_bytes);
        if (path != NULL && gh_path_join(folder->path, name, path, path_bytes) != GH_OK) {
            free(path);
            path = NULL;
        }
        return path;
    }
    return NULL;
}

int gh_replay_folder_fd(const struct gh_replay_folder *folder)
{
    return folder->inotify_fd;
}
